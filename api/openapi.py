"""The book of operations: each route with its schemas, its roles and what it may answer.

From one entry come the route itself (``api/endpoint.py``) and its page in ``/openapi.json``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from api.errors import PROBLEM
from api.schemas.change_requests import KeptSchema
from api.schemas.fields import CYCLE_PATTERN, PATTERN, Strict
from api.schemas.problem import ProblemSchema
from application.kept_changes import Stake

View = Callable[..., Any]
Weigh = Callable[["Op", dict[str, Any]], Stake]
"""What an operation would be about, from what its view would be called with."""

PROBLEMS: Mapping[int, str] = {
    400: "The request cannot be read.",
    401: "No key, or one that is unknown or revoked.",
    403: "This key may not do that.",
    404: "No such thing, or not yours.",
    405: "This address does not take that method.",
    409: "It clashes with what has happened.",
    413: "Too much at once.",
    415: "The body is of a kind that is not taken here.",
    422: "A field cannot be used; `errors` names it.",
    429: "More than this key may ask at once; try again after `Retry-After` seconds.",
    500: "A fault of ours; report the request id.",
    502: "Stripe understood, and refused.",
    503: "Nothing was decided; try again after `Retry-After` seconds.",
}

_PATTERNS = {
    "cycle": CYCLE_PATTERN,
    "line": "^.{1,400}$",
    "case": r"^[a-z0-9_-]{1,64}\.[a-z0-9_-]{1,64}$",
    "user": "^.{1,255}$",
    "key": "^ck_[A-Za-z0-9_-]{8}$",
}
_CHANGES = frozenset({"POST", "PUT", "PATCH"})


class NoQuery(Strict):
    """No parameters in the query."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Op:
    """One operation. roles: whose keys may call it; empty for everybody, without a key.

    consumes: media types and their schemas, where the view reads the body itself.
    volatile: members of the answer that do not count for its ETag.
    keyed: whether ``Idempotency-Key`` is honoured. also: further statuses of success or refusal.
    previews: what it answers with ``?preview=true``, which stores nothing.
    second: weighs a change by hand, so that above a limit a second person is asked.
    items: reads a body that is no object of one schema, for the view; with ``consumes``.
    bodiless: whether the body may be left out, which says the same as an empty object.
    limited: whether its requests count against the key's rate limit.
    """

    method: str
    rule: str
    view: View
    tag: str
    roles: frozenset[str]
    query: Schema
    body: Schema | None = None
    out: Schema | None = None
    status: int = 200
    also: frozenset[int] = frozenset()
    consumes: Mapping[str, Any] = field(default_factory=dict)
    example: Any = None
    volatile: frozenset[str] = frozenset()
    keyed: bool = False
    previews: Schema | None = None
    second: Weigh | None = None
    items: Callable[[Any], Any] | None = None
    bodiless: bool = False
    limited: bool = True

    @property
    def name(self) -> str:
        """Its operation id."""
        return self.view.__name__

    @property
    def statuses(self) -> list[int]:
        """The problems it may answer."""
        found = {422, 500, 503, *(status for status in self.also if status >= 400)}
        if self.roles:
            found |= {401, 403, 429}
        if "<" in self.rule:
            found.add(404)
        if self.method in _CHANGES and (self.body or self.consumes):
            found |= {400, 413, 415}
        if self.method in _CHANGES and self.roles:
            found |= {404, 409}
        return sorted(found)


class ApiBook:
    """The operations on one subject."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.ops: list[Op] = []

    def op(
        self,
        method: str,
        rule: str,
        *,
        roles: frozenset[str],
        query: Schema | None = None,
        **more: Any,
    ) -> Callable[[View], View]:
        """Enter a view; it is called with the path's ids, ``query`` and ``body`` by name."""

        def enter(view: View) -> View:
            self.ops.append(
                Op(
                    method=method,
                    rule=rule,
                    view=view,
                    tag=self.tag,
                    roles=roles,
                    query=query or NoQuery(),
                    **more,
                )
            )
            return view

        return enter


def specification(books: Iterable[ApiBook], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all operations."""
    spec = APISpec(
        "Cyclebook",
        version,
        "3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=_schema_name)],
        info={"description": "Usage billing that explains itself."},
        servers=[{"url": "/"}],
    )
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", schema=ProblemSchema)
    for status, meaning in PROBLEMS.items():
        spec.components.response(f"problem{status}", _problem(status, meaning))
    for book in books:
        for op in book.ops:
            spec.path(_path(op.rule), operations={op.method.lower(): _operation(op)})
    return spec.to_dict()


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _problem(status: int, meaning: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": meaning,
        "content": {PROBLEM: {"schema": "Problem"}},
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def _operation(op: Op) -> dict[str, Any]:
    words = (op.view.__doc__ or "").strip()
    summary, _, description = words.partition("\n")
    operation: dict[str, Any] = {
        "operationId": op.name,
        "tags": [op.tag],
        "summary": summary.rstrip("."),
        "parameters": [*_parameters(op), {"in": "query", "schema": op.query}],
        "responses": _responses(op),
        "security": [{"key": []}] if op.roles else [],
    }
    if description.strip():
        operation["description"] = " ".join(description.split())
    if op.roles:
        operation["x-roles"] = sorted(op.roles)
    if content := _content(op):
        operation["requestBody"] = {"required": not op.bodiless, "content": content}
    return operation


def _content(op: Op) -> dict[str, Any]:
    bodies = {"application/json": op.body} if op.body else op.consumes
    content = {media: {"schema": schema} for media, schema in bodies.items()}
    if op.example is not None and "application/json" in content:
        content["application/json"]["example"] = op.example
    return content


def _parameters(op: Op) -> list[dict[str, Any]]:
    found = [
        {
            "in": "path",
            "name": name,
            "required": True,
            "schema": {"type": "string", "pattern": _PATTERNS.get(name, PATTERN)},
        }
        for name in re.findall(r"<(?:\w+:)?(\w+)>", op.rule)
    ]
    if op.keyed:
        found.append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "The same key and body again get the same answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return found


def _responses(op: Op) -> dict[str, Any]:
    out: Any = {"oneOf": [op.out, op.previews]} if op.previews else op.out
    content = {"content": {"application/json": {"schema": out}}} if op.out else {}
    responses: dict[str, Any] = {
        str(status): {"description": "Done.", **content}
        for status in [op.status, *sorted(also for also in op.also if also < 400)]
    }
    if op.second is not None:
        responses["202"] = {
            "description": "Kept, not carried out: above the limit it needs a second person.",
            "content": {"application/json": {"schema": KeptSchema}},
        }
    if op.method == "GET":
        responses["304"] = {"description": "Not changed since the ETag in `If-None-Match`."}
    for status in op.statuses:
        responses[str(status)] = f"problem{status}"
    return responses
