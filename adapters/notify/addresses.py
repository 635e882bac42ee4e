"""Where a webhook may be sent: how an address has to be written, and which machines are refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from domain.errors import InvalidInput

URL_MAX = 2_000

Address = IPv4Address | IPv6Address

_REFUSED_4 = [
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a provider's NAT
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # link-local: where clouds tell machines their secrets
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # measuring
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and everybody
    )
]
_GLOBAL_6 = ip_network("2000::/3")
_REFUSED_6 = [
    ip_network(each)
    for each in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address within
        "3fff::/20",  # documentation
    )
]
_NAT64 = ip_network("64:ff9b::/96")
_MADE_OF_DIGITS = re.compile(r"(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. host: in ASCII. path: with the query."""

    secure: bool
    host: str
    port: int
    path: str


def target(url: str, *, local: bool = False) -> Target:
    """Take an address apart.

    local: whether ``http`` and this very machine are allowed.

    Raises:
        InvalidInput: it is no address that anything may be sent to; the sentence says why.
    """
    if len(url) > URL_MAX or not url.isprintable() or " " in url or "\\" in url:
        raise _refusal(f"an address has at most {URL_MAX} characters, and no blanks")
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        raise _refusal("this is no address") from None
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise _refusal("the address has to begin with https://")
    if "@" in parts.netloc:
        raise _refusal("the address must not hold a user or a password")
    if "#" in url:
        raise _refusal("the address must not hold a fragment (#...)")
    if port == 0:
        raise _refusal("there is no port 0")
    _check_host(host, local=local)
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), _quoted(path))


def refused(address: Address, *, local: bool = False) -> bool:
    """Whether nothing may be sent to a machine. local: this very one is allowed."""
    inner = _within(address)
    if inner is not None:
        return refused(inner, local=local)
    if local and address.is_loopback:
        return False
    if isinstance(address, IPv4Address):
        return any(address in each for each in _REFUSED_4)
    return address not in _GLOBAL_6 or any(address in each for each in _REFUSED_6)


def check(addresses: Iterable[str], *, local: bool = False, secure: bool = True) -> list[str]:
    """The addresses that a name was resolved to, all of which have to be allowed.

    secure: without it only this very machine is.

    Raises:
        InvalidInput: one of them is not, or there is none.
    """
    found = [ip_address(each.partition("%")[0]) for each in addresses]
    if not found:
        raise _refusal("the name leads nowhere")
    for each in found:
        if refused(each, local=local) or not (secure or each.is_loopback):
            raise _refusal(f"the name leads to {each}, where nothing may be sent")
    return [str(each) for each in found]


def _within(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _check_host(host: str, *, local: bool) -> None:
    literal = _literal(host)
    if literal is not None:
        if refused(literal, local=local):
            raise _refusal(f"nothing may be sent to {literal}")
        return
    last = host.rstrip(".").rpartition(".")[2]
    if not _NAME.fullmatch(host) or _MADE_OF_DIGITS.fullmatch(last):
        # Resolvers read 2130706433, 0x7f.1 and 0177.0.0.1 as machines; people do not.
        raise _refusal("the address names no machine")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    return host.encode("idna").decode("ascii")


def _quoted(path: str) -> str:
    return "".join(
        each if each.isascii() else "".join(f"%{byte:02X}" for byte in each.encode())
        for each in path
    )


def _refusal(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="url")
