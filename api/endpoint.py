"""What every operation does around its view: admit, read, answer once, answer with an ETag."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, g, request

from api.auth import Principal, admit
from api.context import rate_limits, wired
from api.errors import Unauthorized
from api.forwarded import counted_as
from api.openapi import Op
from api.request_body import has_body, parse_json, raw_body
from api.schemas.change_requests import KeptSchema
from api.schemas.fields import CYCLE_PATTERN
from api.second_person import Kept, ask_or_do
from application.idempotency import GivenAnswer
from application.views import Preview
from domain.errors import InvalidInput, NotFound
from domain.identity import parse_cycle_name
from domain.pricing.fields import IDENTIFIER

JSON = "application/json"
KEY_MAX = 255
CYCLE = re.compile(CYCLE_PATTERN)
KEPT = KeptSchema()
OTHERWISE_NAMED = frozenset({"line", "key", "case", "user"})
"""Not by an identifier; whoever looks for them knows how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A view's answer where its status is not the usual one."""

    value: Any
    status: int


def endpoint(op: Op) -> Callable[..., Response]:
    """The view function that Flask calls for an operation."""

    def view(**path: str) -> Response:
        if op.roles:
            g.principal = _admitted(op, path)
        _check_path(op, path)
        asked = request.args.to_dict()
        query = op.query.load(asked)
        if op.body is None and op.items is None:
            given = {**path, "query": query} if op.query.fields else path
            return _once(op, b"", lambda: _respond(op, op.view(**given)))
        body = raw_body(request) if has_body(request) or not op.bodiless else b""
        value = parse_json(body or b"{}") if op.bodiless else parse_json(body)

        def answer() -> Response:
            return _respond(op, ask_or_do(op, g.get("principal"), path, asked, value))

        dry = query.get("preview") or query.get("dry_run")
        return answer() if dry else _once(op, body, answer)

    view.__name__ = op.name
    return view


def principal() -> Principal:
    """Who sent the request at hand."""
    return cast(Principal, g.principal)


def _admitted(op: Op, path: Mapping[str, str]) -> Principal:
    """Who asks, if they may, and not too often."""
    limits, address = rate_limits(), counted_as(request.remote_addr)
    header = request.headers.get("Authorization")
    ring = wired().key_ring
    if header is not None and limits.strangers.is_spent(address) and not ring.has_seen(header):
        limits.strangers.take(address)
    try:
        found = ring.principal(header)
    except Unauthorized:
        if header is not None:
            limits.strangers.spend(address)
        raise
    if op.limited:
        g.rate = limits.requests.take(found.actor)
    admit(found, op.roles, path)
    return found


def _check_path(op: Op, path: Mapping[str, str]) -> None:
    """Refuse ids that cannot exist before anybody looks for them."""
    for name, text in path.items():
        if name == "cycle":
            if not CYCLE.fullmatch(text) or parse_cycle_name(text) is None:
                raise NotFound(f"there is no billing cycle {text}")
        elif name in OTHERWISE_NAMED:
            if "\0" in text:  # PostgreSQL could not even look for it
                raise NotFound(f"there is no such {name}")
        elif not IDENTIFIER.fullmatch(text):
            if op.method == "PUT":
                raise InvalidInput(f"{name} must match [a-z0-9_-]{{1,64}}", field=name)
            raise NotFound(f"there is no {name} {text}")


def _once(op: Op, body: bytes, answer: Callable[[], Response]) -> Response:
    """Answer a request with an ``Idempotency-Key`` as it was answered the first time."""
    key = request.headers.get("Idempotency-Key")
    if key is None or not op.keyed:
        return answer()
    if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise InvalidInput(
            f"Idempotency-Key must have 1 to {KEY_MAX} printable characters",
            field="Idempotency-Key",
        )
    answers, actor = wired().answers, principal().actor
    asked = hashlib.sha256(f"{request.method} {request.full_path}\n".encode() + body).digest()
    given = answers.claim(actor, key, asked)
    if given is not None:
        repeated = Response(given.body, given.status, mimetype=JSON)
        repeated.headers["Idempotent-Replayed"] = "true"
        return repeated
    try:
        response = answer()
    except BaseException:
        answers.release(actor, key)
        raise
    answers.keep(actor, key, GivenAnswer(status=response.status_code, body=response.get_data()))
    return response


def _respond(op: Op, value: Any) -> Response:
    if isinstance(value, Response):
        return value
    status = op.status
    if isinstance(value, Answer):
        value, status = value.value, value.status
    if isinstance(value, Kept):
        return json_response(KEPT.dump(kept_json(value)), 202)
    out = op.previews if isinstance(value, Preview) else op.out
    content = out.dump(value) if out is not None else value
    response = json_response(content, status)
    if op.method == "GET" and status == 200:
        _tag(response, content, op.volatile)
        response.make_conditional(request)
    return response


def kept_json(kept: Kept) -> dict[str, Any]:
    """What is answered instead of a change that waits for a second person."""
    request = kept.request
    return {
        "change_request": request.id,
        "needs": "a second person",
        "amount": request.stake.amount,
        "limit": request.above,
        "currency": request.stake.currency,
        "expires_at": request.expires_at,
    }


def json_response(content: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text + "\n", status, mimetype=JSON)


def _tag(response: Response, content: Any, volatile: frozenset[str]) -> None:
    """The same ETag for as long as nothing but the volatile members has changed."""
    if volatile:
        steady = json.dumps(_without(content, volatile), sort_keys=True).encode()
    else:
        steady = response.get_data()
    response.set_etag(hashlib.sha256(steady).hexdigest()[:32], weak=bool(volatile))


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
