"""The sandbox as a server of its own, with its data in a file that outlives it."""

import signal
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import FrameType

from werkzeug.serving import BaseWSGIServer, make_server

from adapters.sandbox.app import Sandbox, create_sandbox
from adapters.sandbox.ledger import Ledger
from adapters.sandbox.webhooks import Deliveries
from adapters.sandbox.wire import Wire, hang_up

__all__ = ["SandboxServer", "create_sandbox", "serve"]

LEDGER_FILE = "sandbox.sqlite3"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SandboxServer:
    """A running sandbox. It listens on this machine only: it is no real Stripe to anyone else."""

    def __init__(
        self,
        host: str,
        port: int,
        home: Path,
        webhook_url: str | None = None,
        webhook_secret: str = "",
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError(f"the sandbox listens on this machine only, not on {host}")
        home.mkdir(parents=True, exist_ok=True)
        self._ledger = Ledger(home / LEDGER_FILE)
        app = create_sandbox(self._ledger, delivers=webhook_url is not None, minimum_charge=True)
        self.sandbox: Sandbox = app.extensions["sandbox"]
        self._server: BaseWSGIServer = make_server(
            host, port, app, threaded=True, request_handler=Wire
        )
        self._webhooks = (
            Deliveries(self.sandbox.world, webhook_url, webhook_secret) if webhook_url else None
        )
        self.url = f"http://{host}:{self._server.server_port}"

    def run(self) -> None:
        """Serve until ``stop``, then give everything back."""
        if self._webhooks:
            self._webhooks.start()
        try:
            self._server.serve_forever()
        finally:
            self._close()

    def stop(self) -> None:
        """Make ``run`` return. To be called from another thread."""
        self._server.shutdown()

    def _close(self) -> None:
        self._server.server_close()
        hang_up(self._server)
        if self._webhooks:
            self._webhooks.stop()
        self._ledger.close()


def serve(
    host: str,
    port: int,
    home: Path,
    webhook_url: str | None = None,
    webhook_secret: str = "",
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Run a sandbox until SIGTERM or SIGINT, then stop cleanly.

    on_start: is told the address once it listens; port 0 picks a free one.
    """
    server = SandboxServer(host, port, home, webhook_url, webhook_secret)

    def stop(number: int, frame: FrameType | None) -> None:
        Thread(target=server.stop, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if on_start:
        on_start(server.url)
    server.run()
