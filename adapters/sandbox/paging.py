"""Stripe's lists: newest first, a cursor, at most a hundred a page."""

from collections.abc import Sequence
from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import invalid, missing

PAGE_DEFAULT = 10
PAGE_MAX = 100


def page(things: Sequence[Thing], params: dict[str, Any], url: str, kind: str) -> Thing:
    """One page of a list, after or before its cursor. Limits out of bounds are clamped."""
    limit = min(max(params.get("limit", PAGE_DEFAULT), 1), PAGE_MAX)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You may only specify one of these parameters: ending_before, starting_after")
    rest = list(things)
    if after:
        rest = rest[_place(rest, after, "starting_after", kind) + 1 :]
    if before:
        rest = rest[: _place(rest, before, "ending_before", kind)][-limit:]
    shown = rest[:limit]
    return {"object": "list", "url": url, "data": shown, "has_more": len(rest) > len(shown)}


def within(thing: Thing, field: str, bounds: int | dict[str, int] | None) -> bool:
    """Whether an object's instant lies within ``{gt, gte, lt, lte}``, or is one exactly."""
    if bounds is None:
        return True
    at = thing[field]
    if isinstance(bounds, int):
        return bool(at == bounds)
    tests = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(tests[name](bound) for name, bound in bounds.items())


def _place(things: Sequence[Thing], id_: str, param: str, kind: str) -> int:
    for place, thing in enumerate(things):
        if thing["id"] == id_:
            return place
    raise missing(kind, id_, param, status=400)
