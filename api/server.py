"""The API under gunicorn: processes with threads, each wired for itself."""

from contextlib import ExitStack
from typing import Any, cast

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from api.app import create_app
from api.memory import spare_garbage_collection
from api.settings import Settings
from api.tracing import tracing
from api.wiring import attached, wire
from api.wiring.monitoring import metrics_folder, prometheus

GRACE_S = 20
"""How long requests under way may take to finish when told to stop."""

KEEP_OPEN_S = 75
"""Idle connections stay open so long: longer than clients and proxies usually keep theirs."""

SILENT_S = 60
"""A process that has not stirred for so long is replaced."""


class OwnLog(Logger):  # type: ignore[misc]
    """What gunicorn says, in the same lines as all else."""

    def setup(self, cfg: Any) -> None:
        """Leave its lines to our handlers."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings; it reads no file and no environment of its own."""

    def __init__(self, settings: Settings, conninfo: str, metrics_folder: str) -> None:
        self._settings = settings
        self._conninfo = conninfo
        self._metrics_folder = metrics_folder
        self._wiring = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is to do."""
        chosen: dict[str, Any] = {
            "bind": self._settings.address,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": "gthread",
            "preload_app": False,
            "keepalive": KEEP_OPEN_S,
            "timeout": SILENT_S,
            "graceful_timeout": GRACE_S,
            "logger_class": OwnLog,
            "loglevel": self._settings.log_level.lower(),
            "control_socket_disable": True,
            "worker_exit": lambda _server, _worker: self._wiring.close(),
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, in a process of its own: connections are never shared by a fork."""
        metrics = prometheus(self._metrics_folder)
        traces = tracing(self._settings, "cyclebook-api")
        if traces is not None:
            self._wiring.enter_context(traces.of_statements())
        wired = self._wiring.enter_context(wire(self._settings, self._conninfo, metrics=metrics))
        app = create_app(wired)
        if traces is not None:
            traces.of_requests(app)
        spare_garbage_collection()
        return app

    def init(self, parser: Any, opts: Any, args: Any) -> None:
        """Nothing comes from the command line."""


def serve(settings: Settings) -> None:
    """Answer requests until told to stop."""
    with attached(settings, keep_running=True) as conninfo, metrics_folder() as folder:
        cast(Any, Server(settings, conninfo, folder)).run()
