"""Stripe's lists: newest first, a cursor, at most a hundred a page."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from adapters.sandbox.ledger import Ledger, Thing
from adapters.sandbox.refusals import invalid, missing

PAGE_DEFAULT = 10
PAGE_MAX = 100


ONE_CURSOR = "You may only specify one of these parameters: ending_before, starting_after."


def listing(
    ledger: Ledger,
    kind: str,
    params: dict[str, Any],
    url: str,
    *,
    parent: str | None = None,
    matches: Callable[[Thing], bool] = lambda thing: True,
) -> Thing:
    """One page of all objects of a kind, read no further than it goes. ``created`` is looked at
    here, everything else that is asked for by ``matches``.
    """
    limit, cursor = _limit(params), _cursor(params)
    place = ledger.place(kind, cursor[1]) if cursor else None
    if cursor and place is None:
        raise missing(kind, cursor[1], cursor[0], status=400)
    backwards = cursor is not None and cursor[0] == "ending_before"
    bounds = params.get("created")
    found = ledger.walk(
        kind,
        parent=parent,
        created={"gte": bounds, "lte": bounds} if isinstance(bounds, int) else bounds,
        beyond=place,
        oldest_first=backwards,
    )
    read = list(islice(filter(matches, found), limit + 1))
    shown = read[:limit][::-1] if backwards else read[:limit]
    return {"object": "list", "url": url, "data": shown, "has_more": len(read) > limit}


def page(things: Sequence[Thing], params: dict[str, Any], url: str, kind: str) -> Thing:
    """One page of a list in hand, after or before its cursor."""
    limit, cursor = _limit(params), _cursor(params)
    rest = list(things)
    if cursor:
        name, id_ = cursor
        place = _place(rest, id_, name, kind)
        rest = rest[:place][::-1] if name == "ending_before" else rest[place + 1 :]
    shown = rest[:limit]
    if cursor and cursor[0] == "ending_before":
        shown = shown[::-1]
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


def _limit(params: dict[str, Any]) -> int:
    """How many are asked for; out of bounds it is clamped."""
    return int(min(max(params.get("limit", PAGE_DEFAULT), 1), PAGE_MAX))


def _cursor(params: dict[str, Any]) -> tuple[str, str] | None:
    """The name and the id of the cursor, if there is one."""
    given = [(name, params[name]) for name in ("starting_after", "ending_before") if name in params]
    if len(given) > 1:
        raise invalid(ONE_CURSOR)
    return given[0] if given else None
