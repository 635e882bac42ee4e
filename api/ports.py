"""Whether the ports of the settings can be had, asked before anything starts."""

import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack

from api.settings import Settings
from domain.errors import InvalidInput

SANDBOX_HOST = "127.0.0.1"


def require_free(settings: Settings, names: Iterable[str]) -> None:
    """Refuse to start where somebody listens already. names: the settings of the ports.

    Raises:
        InvalidInput: a port cannot be had; ``field`` names what to change.
    """
    wanted = {
        "PORT": (settings.host, settings.port),
        "SANDBOX_PORT": (SANDBOX_HOST, settings.sandbox_port),
    }
    with ExitStack() as taken:  # all at once: two may be the same
        for name in names:
            host, port = wanted[name]
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                taken.enter_context(socket.create_server((host, port), family=family))
            except OSError as error:
                raise _not_to_be_had(name, f"{host}:{port}", error) from None


def _not_to_be_had(name: str, address: str, error: OSError) -> InvalidInput:
    if error.errno == errno.EADDRINUSE:
        return InvalidInput(
            f"{address} is taken: stop what listens there, or set {name} to another port",
            field=name,
        )
    named = name if error.errno == errno.EACCES else "HOST"
    why = error.strerror or str(error)
    return InvalidInput(f"cannot listen on {address} ({why}): change {named}", field=named)
