"""A second person: changes by hand above a limit are kept, and carried out by somebody else.

``ask_or_do`` is the one way in for all who let people change amounts: the endpoints, and forms.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import g

from api.auth import Principal, admit
from api.context import dated, now, operations, wired
from api.openapi import Op
from application.kept_changes import Asked, ChangeRequest, Consent, Stake
from domain.errors import RuleViolation


@dataclass(frozen=True, slots=True)
class Kept:
    """A change that was not carried out: it waits for a second person."""

    request: ChangeRequest


def ask_or_do(
    op: Op, principal: Principal, path: Mapping[str, str], query: Mapping[str, str], body: Any
) -> Any:
    """Carry an operation out, or keep it where it is above the limit.

    path, query, body: as they were sent: ids and parameters as texts, the body as JSON values.
    Answers what the operation's view does, or ``Kept``.

    Raises:
        ValidationError: a field cannot be used.
        CyclebookError: as the operation.
    """
    limit = wired().settings.second_person_above
    asked = Asked(operation=op.name, path=dict(path), query=dict(query), body=body)
    at = now()
    with acting(principal, at):
        values = given(op, asked)
        if op.second is None or limit is None or _rehearses(values):
            return op.view(**values)
        stake = op.second(op, values)
        if stake.amount <= limit:
            return op.view(**given(op, asked))
    requests = wired().change_requests
    return Kept(requests.keep(asked, stake, above=limit, actor=principal.actor, at=at))


def approve(request: str, principal: Principal, **said: Any) -> Any:
    """Carry out what another person asked for; the operation's answer in JSON values.

    It is dated as it was asked: "now" was then. said: of ``Consent``, but who approves.

    Raises:
        Forbidden: it is one's own request, or of a kind that the approver's role may not do.
        RuleViolation: it is decided, expired, or does something else by now.
        CyclebookError: as ``ChangeRequests.approve``, and as the operation.
    """
    known = wired().change_requests.get(request)
    op = _operation(known)
    admit(principal, op.roles, known.asked.path)
    both = replace(principal, actor=known.actor_of(principal.actor))

    def weigh() -> Stake:
        assert op.second is not None  # it was weighed when it was asked
        return op.second(op, given(op, known.asked))

    def carry_out() -> Any:
        answer = op.view(**given(op, known.asked))
        return answer if op.out is None else op.out.dump(answer)

    with acting(both, known.asked_at):
        consent = Consent(actor=principal.actor, **said)
        return wired().change_requests.approve(request, weigh, carry_out, consent)


def given(op: Op, asked: Asked) -> dict[str, Any]:
    """What an operation's view is called with.

    Raises:
        ValidationError: a field cannot be used.
    """
    values: dict[str, Any] = dict(asked.path)
    query = op.query.load(dict(asked.query))
    if op.query.fields:
        values["query"] = query
    if op.body is not None:
        values["body"] = op.body.load(asked.body)
    elif op.items is not None:
        values["body"] = op.items(asked.body)
    return values


@contextmanager
def acting(principal: Principal, at: datetime | None = None) -> Iterator[None]:
    """Let a view run for somebody, and as if it were still an instant."""
    before = g.get("principal")
    g.principal = principal
    try:
        with dated(at):
            yield
    finally:
        g.principal = before


def _rehearses(values: Mapping[str, Any]) -> bool:
    query = values.get("query", {})
    return bool(query.get("preview") or query.get("dry_run"))


def _operation(known: ChangeRequest) -> Op:
    op = operations().get(known.asked.operation)
    if op is None or op.second is None:
        raise RuleViolation(
            "this version of the service does not know that change any more: ask for it anew",
            code="changed_since",
        )
    return op
