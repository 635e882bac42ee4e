"""Sends webhooks to addresses of others: only where that is safe, and never for long."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

from adapters.notify.addresses import Target, check, target
from application.delivering import Answered, Undeliverable
from domain.errors import InvalidInput

CONNECT_TIMEOUT_S = 3.0
WHOLE_TIMEOUT_S = 8.0
"""For connecting, sending and reading the answer, all together: a worker that is to stop is not
kept by somebody else's slow machine."""

ADDRESSES_MAX = 2
"""Of those that a name leads to, so many are tried."""

READ_MAX = 1024
HEAD_MAX = 200
"""Bytes of an answer's body that are read, and characters of it that are kept."""

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address that a name leads to.

    Raises:
        OSError: the name is not known.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class HttpSender:
    """The ``Sender`` port. Names are resolved once an attempt, and that address is connected to.

    local: whether this very machine may be sent to, and over http. context: whom to trust; the
    system's authorities by default.
    """

    def __init__(
        self,
        *,
        local: bool = False,
        resolve: Resolve = resolve,
        context: ssl.SSLContext | None = None,
        timeout_s: float = WHOLE_TIMEOUT_S,
    ) -> None:
        self._local = local
        self._resolve = resolve
        self._given_context = context
        self._timeout_s = timeout_s

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Reading the system's authorities takes a while, and most processes never send."""
        return self._given_context or ssl.create_default_context()

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
        """Send a POST. Redirects are not followed; a proxy of the environment is not used.

        Raises:
            Undeliverable: there is no answer; the sentence says why.
        """
        try:
            where = target(url, local=self._local)
            found = self._resolve(where.host, where.port)
            addresses = check(found, local=self._local, secure=where.secure)
        except InvalidInput as error:
            raise Undeliverable(str(error)) from error
        except OSError as error:
            raise Undeliverable(f"the name {where.host} cannot be resolved") from error
        return self._post(where, addresses, headers, body)

    def _post(
        self, where: Target, addresses: Sequence[str], headers: dict[str, str], body: bytes
    ) -> Answered:
        try:
            with _within(self._timeout_s) as cut, self._connected(where, addresses, cut) as link:
                link.request("POST", where.path, body=body, headers=headers)
                return _answered(link.getresponse())
        except ssl.SSLCertVerificationError as error:
            raise Undeliverable(
                f"its certificate is not trusted: {error.verify_message}"
            ) from error
        except TimeoutError as error:
            raise Undeliverable(f"no answer within {self._timeout_s:g} seconds") from error
        except (OSError, HTTPException) as error:
            raise Undeliverable(f"no answer: {type(error).__name__}") from error

    @contextmanager
    def _connected(
        self, where: Target, addresses: Sequence[str], cut: "_Cut"
    ) -> Iterator[HTTPConnection]:
        """A connection to the checked address that speaks as if to the name."""
        kind = HTTPSConnection if where.secure else HTTPConnection
        link = kind(where.host, where.port, timeout=self._timeout_s)
        raw = _reached(addresses, where.port)
        try:
            raw.settimeout(self._timeout_s)
            cut.watch(raw)
            link.sock = raw
            if where.secure:
                secured = self._context.wrap_socket(
                    raw, server_hostname=where.host.rstrip("."), do_handshake_on_connect=False
                )
                link.sock = secured
                cut.watch(secured)
                secured.do_handshake()
            yield link
        except (OSError, HTTPException) as error:
            if cut.done:
                raise TimeoutError from error
            raise
        finally:
            link.close()
            raw.close()


class _Cut:
    """Ends a conversation when its time is over, however slowly the other side goes on."""

    def __init__(self) -> None:
        self.done = False
        self._socket: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        """This is what to end."""
        self._socket = sock
        if self.done:
            self.now()

    def now(self) -> None:
        """End it."""
        self.done = True
        if self._socket is not None:
            try:
                # Not that of TLS: it would take the lock that the reader holds.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                return  # it ended by itself in this moment


@contextmanager
def _within(timeout_s: float) -> Iterator[_Cut]:
    cut = _Cut()
    timer = threading.Timer(timeout_s, cut.now)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()


def _reached(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first address that takes one."""
    last: OSError = ConnectionRefusedError()
    for address in addresses[:ADDRESSES_MAX]:
        try:
            return socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S)
        except OSError as error:
            last = error
    raise last


def _answered(response: HTTPResponse) -> Answered:
    head = response.read(READ_MAX).decode("utf-8", "replace")
    shown = "".join(each if each.isprintable() else " " for each in head)
    return Answered(status=response.status, head=" ".join(shown.split())[:HEAD_MAX])
