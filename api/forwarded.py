"""Who asks, behind a proxy: its word for their address counts where the settings trust it."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Networks = Sequence[IPv4Network | IPv6Network]
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


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
    """Addresses and networks with commas between. Raises ValueError."""
    return [ip_network(each.strip()) for each in text.split(",") if each.strip()]


def asker(by: str, named: str, trusted: Networks) -> str:
    """The address that asked. by: who brought the request. named: its ``X-Forwarded-For``.

    Each proxy adds whom it heard from at the end. So it is read from there, as far as the trusted
    ones go: what stands before the first other address may be made up.
    """
    heard = [each.strip() for each in named.split(",") if each.strip()]
    while heard and _is_in(by, trusted):
        by, last = heard.pop(), by
        if not _is_address(by):
            return last
    return by


def _is_in(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in each for each in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
