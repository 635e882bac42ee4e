"""The one way from a form to a change: read what was typed, show its effect, carry it out once.

A form is posted twice: first to look at the effect, then, with the same fields, to do it. It is
carried out by the operation of the API, with its roles, its rules and its second person.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from flask import g, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from api import errors
from api.auth import Principal, admit
from api.context import operations, wired
from api.limits import AMOUNT_MAX
from api.openapi import Op
from api.pages.action import Action, Deed, Effect, Place
from api.pages.page import say
from api.pages.typed import read
from api.pages.words import money
from api.second_person import Kept, ask_or_do, given
from application.idempotency import GivenAnswer
from application.kept_changes import Asked
from application.views import Receipt
from domain.errors import CyclebookError, InvalidInput, NotFound, RuleViolation
from domain.pricing.fields import IDENTIFIER

CHANGE_REQUESTS = "/support/change-requests"
ANYWHERE = ""
"""What is wrong with no field in particular."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An action as a list offers it. may: whether the visitor's role may do it, and who may."""

    action: Action
    href: str
    may: bool
    who: str


def offers(actions: Mapping[str, Action], place: Place) -> list[Offer]:
    """What can be done somewhere, in the order it was declared."""
    return [_offer(each, place) for each in actions.values() if each.fits(place)]


def _offer(action: Action, place: Place) -> Offer:
    roles = _op(action).roles
    return Offer(
        action=action,
        href=f"{place.home}/do/{action.name}",
        may=_principal().role in roles,
        who=" and ".join(sorted(roles)),
    )


def form(actions: Mapping[str, Action], name: str, place: Place) -> Any:
    """Answer a form's GET: what is asked for, with what the address says already."""
    action = _known(actions, name)
    typed = {**action.begins(place), **request.args.to_dict(), "token": uuid4().hex}
    return _render(action, place, typed)


def blank(actions: Mapping[str, Action], name: str, place: Place) -> dict[str, Any]:
    """What ``_act.html`` needs for a form that is part of another page."""
    action = actions[name]
    return {
        "offer": _offer(action, place),
        "action": action,
        "place": place,
        "typed": {"token": uuid4().hex},
        "wrong": {},
        "effect": None,
        "second": None,
    }


def submitted(actions: Mapping[str, Action], name: str, place: Place) -> Any:
    """Answer a form's POST: the effect of what was typed, or carry it out."""
    action = _known(actions, name)
    op = _op(action)
    admit(_principal(), op.roles, {})
    values, wrong = read(action.fields, request.form, place.where)
    if wrong:
        return _render(action, place, request.form, wrong=wrong), 422
    try:
        deed = _deed(action, op, place, dict(values))
        if request.form.get("step") == "do":
            return _done(action, deed)
        effect = action.effect(deed)
        return _render(action, place, request.form, effect=effect, second=_second(deed))
    except _ChangedSince as error:
        wrong, second = {ANYWHERE: str(error)}, _second(deed)
        return _render(
            action, place, request.form, wrong=wrong, effect=error.effect, second=second
        ), 409
    except ValidationError as error:
        return _render(action, place, request.form, wrong=_beside(action, place, error)), 422
    except CyclebookError as error:
        return _refused(action, place, error)


def _known(actions: Mapping[str, Action], name: str) -> Action:
    if name not in actions:
        raise NotFound(f"there is no action {name}")
    return actions[name]


def _op(action: Action) -> Op:
    return operations()[action.op]


def _principal() -> Principal:
    found: Principal = g.principal
    return found


def _deed(action: Action, op: Op, place: Place, values: dict[str, object]) -> Deed:
    """What is asked for, read as the operation reads it.

    Raises:
        ValidationError: a field cannot be used.
    """
    path = {name: text for name, text in place.path.items() if f"<{name}>" in op.rule}
    for field in action.fields:
        if field.place:
            path[field.name] = str(values.pop(field.name))
            if not IDENTIFIER.fullmatch(path[field.name]):
                raise InvalidInput("must match [a-z0-9_-]{1,64}", field=field.name)
    if action.identity:
        values.setdefault(action.identity, f"hand-{_token()[:10]}")
    body = action.shape(values) if op.body is not None or op.items is not None else None
    asked = Asked(operation=op.name, path=path, query={}, body=body)
    return Deed(op=op, place=place, asked=asked, given=given(op, asked), actor=_principal().actor)


def _token() -> str:
    """What a form has to itself, however often it is sent.

    Raises:
        RuleViolation: it has none.
    """
    token = request.form.get("token", "")
    if not (token.isascii() and token.isalnum() and 16 <= len(token) <= 32):
        raise RuleViolation("this form is too old: load the page again, then send it again")
    return token


def _done(action: Action, deed: Deed) -> Response:
    """Carry it out, once for each form, and go on to where it is seen."""
    answers, key = wired().answers, f"form {_token()}"
    text = json.dumps([deed.asked.operation, deed.asked.path, deed.asked.body], sort_keys=True)
    earlier = answers.claim(deed.actor, key, hashlib.sha256(text.encode()).digest())
    if earlier is None:
        try:
            _require_as_shown(action, deed)
            outcome = _carried_out(action, deed)
        except BaseException:
            answers.release(deed.actor, key)
            raise
        answers.keep(deed.actor, key, GivenAnswer(status=303, body=json.dumps(outcome).encode()))
    else:
        outcome = json.loads(earlier.body)
        outcome["said"] += " This form was sent before: sending it again did nothing."
    say(outcome["said"])
    return redirect(outcome["to"], 303)


class _ChangedSince(RuleViolation):
    """It would do something else than what was shown."""

    def __init__(self, effect: Effect) -> None:
        super().__init__(
            "it would move other amounts now than it showed: look at it again, then do it",
            code="changed_since",
        )
        self.effect = replace(effect, moved=True)


def _require_as_shown(action: Action, deed: Deed) -> None:
    """Refuse what does something else than its preview did, unless that is accepted.

    Raises:
        _ChangedSince: it does.
    """
    shown = request.form.get("shown")
    if not action.steady or not shown or request.form.get("whatever") == "yes":
        return
    effect = action.effect(deed)
    if effect.mark != shown:
        raise _ChangedSince(effect)


def _carried_out(action: Action, deed: Deed) -> dict[str, str]:
    """What is said, and where one goes, once it is done."""
    asked = deed.asked
    answer = ask_or_do(deed.op, _principal(), asked.path, asked.query, asked.body)
    if isinstance(answer, Kept):
        stake = answer.request.stake
        return {
            "said": f"Not done yet. It is about {money(stake.amount, stake.currency)}, above the "
            f"limit of {money(answer.request.above, stake.currency)}: somebody else has to "
            "approve it.",
            "to": f"{CHANGE_REQUESTS}/{answer.request.id}",
        }
    if isinstance(answer, Mapping) and "items" in answer:
        require_taken(answer)
    nothing = isinstance(answer, Receipt) and answer.effect == "nothing"
    said = f"{action.title}: {'it was so already.' if nothing else 'done.'}"
    return {"said": said, "to": deed.place.home}


def require_taken(answer: Mapping[str, Any]) -> None:
    """Refuse as the first refused item of an answer says, beside the field it names.

    Raises:
        InvalidInput: there is one.
    """
    for item in answer["items"]:
        if item["outcome"] == "refused":
            field, colon, text = item["detail"].partition(": ")
            named = bool(colon) and field.isidentifier()
            said = text if named else item["detail"]
            raise InvalidInput(said, field=field if named else "id")


def _second(deed: Deed) -> str | None:
    """A sentence where a second person will be asked."""
    limit = wired().settings.second_person_above
    if deed.op.second is None or limit is None:
        return None
    stake = deed.op.second(deed.op, given(deed.op, deed.asked))
    if stake.amount <= limit:
        return None
    amount, above = money(stake.amount, stake.currency), money(limit, stake.currency)
    return f"It is about {amount}, above the limit of {above}: somebody else has to approve it."


def _beside(action: Action, place: Place, error: ValidationError) -> dict[str, str]:
    """What is wrong, by field; what belongs to none is said above the form."""
    kinds = {field.name: field.kind for field in action.fields}
    wrong: dict[str, str] = {}
    for path, text in errors.sentences(error):
        name = path.split(".")[0].split("[")[0]
        if kinds.get(name) in ("amount", "amounts"):  # the operation counts in minor units
            most = money(AMOUNT_MAX, place.where.currency)
            wrong.setdefault(name, f"must be above zero and at most {most}")
        elif name in kinds:
            wrong.setdefault(name, text)
        else:
            wrong.setdefault(ANYWHERE, f"{path}: {text}")
    return wrong


def _refused(action: Action, place: Place, error: CyclebookError) -> Any:
    """A refusal of the books, beside the field it is about."""
    status = errors.refused(error).status_code
    name = str(error.context.get("field") or ANYWHERE)
    known = any(field.name == name for field in action.fields)
    wrong = {name if known else ANYWHERE: str(error)}
    return _render(action, place, request.form, wrong=wrong), status


def _render(
    action: Action,
    place: Place,
    typed: Mapping[str, str],
    *,
    wrong: Mapping[str, str] | None = None,
    effect: Effect | None = None,
    second: str | None = None,
) -> str:
    return render_template(
        "action.html",
        offer=_offer(action, place),
        action=action,
        place=place,
        typed=typed,
        wrong=wrong or {},
        anywhere=(wrong or {}).get(ANYWHERE),
        effect=effect,
        second=second,
    )
