"""For whoever runs this: liveness, readiness and numbers."""

from datetime import timedelta
from typing import Any

from flask import Response, request
from marshmallow import fields

from api.auth import PUBLIC
from api.context import wired
from api.errors import problem
from api.metrics import CONTENT_TYPE, PATH, require_reader
from api.openapi import ApiBook
from api.schemas.fields import Strict
from domain.errors import CyclebookError, NotFound, RuleViolation

book = ApiBook("operations")

LAG_MAX = timedelta(seconds=60)
"""Projections older than this make a process not ready."""


class AliveSchema(Strict):
    """The process answers."""

    status = fields.String(required=True)


class ReadySchema(Strict):
    """Requests can be served. If not, the problem lists the ``reasons``.

    ``warnings``: what is away without keeping requests from being served.
    """

    ready = fields.Boolean(required=True)
    warnings = fields.List(fields.String(), required=True)


@book.op("GET", "/healthz", roles=PUBLIC, out=AliveSchema())
def healthz() -> dict[str, str]:
    """Whether the process lives."""
    return {"status": "ok"}


@book.op("GET", "/readyz", roles=PUBLIC, out=ReadySchema())
def readyz() -> Any:
    """Whether requests can be served: database, migrations, and how far projections lag."""
    reasons = _reasons()
    if not reasons:
        return {"ready": True, "warnings": _warnings()}
    return problem(503, "not_ready", "; ".join(reasons), reasons=reasons)


@book.op("GET", PATH, roles=PUBLIC, also=frozenset({403, 404}))
def metrics() -> Response:
    """Numbers for Prometheus, in its text format. Where there is a `METRICS_TOKEN`, ask with it."""
    require_reader(wired().settings, request.environ)
    found = wired().metrics
    if found is None:
        raise NotFound("this process counts nothing")
    return Response(found.text(), content_type=CONTENT_TYPE)


def _warnings() -> list[str]:
    """None of these is mended by sending requests elsewhere: usage is recorded all the same."""
    broker = wired().broker
    away = [] if broker is None or broker.answers() else ["rabbitmq: unreachable"]
    return [*away, *wired().monitoring.warnings()]


def _reasons() -> list[str]:
    try:
        if pending := _pending():
            return [f"migration {each} is pending: run cyclebook migrate" for each in pending]
        lag = wired().projector.lag()
    except CyclebookError as error:
        return [str(error)]
    if lag.age > LAG_MAX:
        behind = lag.last - lag.position
        return [f"projections are {behind} events and {lag.age.seconds} s behind: is work running?"]
    return []


def _pending() -> list[str]:
    """Where a later release has migrated, this process serves on until that one takes over."""
    try:
        return wired().pending_migrations()
    except RuleViolation as error:
        if error.code != "database_newer_than_code":
            raise
        return []
