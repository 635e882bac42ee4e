"""Who asks, behind a proxy: its word for their address counts where the settings trust it."""

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

Networks = Sequence[IPv4Network | IPv6Network]
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_PORT = re.compile(r"^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$")
"""Some proxies add the port that they heard."""


class Forwarded:
    """A WSGI application that sees the address of whoever asked the trusted proxies."""

    def __init__(self, application: Application, trusted: Networks) -> None:
        self._application = application
        self._trusted = trusted

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        by = str(environ.get("REMOTE_ADDR", ""))
        named = str(environ.get("HTTP_X_FORWARDED_FOR", ""))
        environ["REMOTE_ADDR"] = asker(by, named, self._trusted)
        return self._application(environ, start_response)


def networks(text: str) -> Networks:
    """Addresses and networks with commas between.

    Raises:
        ValueError: one is neither; or it is everybody, who could then say to be anybody.
    """
    named = [ip_network(each.strip()) for each in text.split(",") if each.strip()]
    if not all(each.prefixlen for each in named):
        raise ValueError("not everybody is a proxy")
    return named


def asker(by: str, named: str, trusted: Networks) -> str:
    """The address that asked. by: who brought the request. named: its ``X-Forwarded-For``.

    Each proxy adds whom it heard from at the end. So it is read from there, as far as the trusted
    ones go: what stands before the first other address may be made up.
    """
    asks = _address(by)
    heard = [each.strip() for each in named.split(",") if each.strip()]
    while asks and heard and any(asks in each for each in trusted):
        before = _address(_PORT.sub(r"\1\2", heard.pop()))
        if before is None:
            break
        asks = before
    return str(asks) if asks else by


def counted_as(address: str | None) -> str:
    """As whom limits count an address: with IPv6 all are one that one connection may choose from.

    >>> counted_as("203.0.113.9"), counted_as("2001:db8::1")
    ('203.0.113.9', '2001:db8::/64')
    """
    known = _address(address or "")
    if isinstance(known, IPv6Address):
        return str(IPv6Network((known, 64), strict=False))
    return address or ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, and one of IPv4 as such, also where IPv6 carries it."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
