"""Usage records that were wrong: retracted, corrected, and such corrections reverted."""

from collections import Counter
from typing import Any

from marshmallow import ValidationError

from api.auth import STAFF
from api.context import wired
from api.endpoint import principal
from api.errors import TooLarge, sentences
from api.limits import CORRECTIONS_MAX
from api.openapi import ApiBook
from api.request_body import JSON
from api.schemas.corrections import (
    REPLACEABLE,
    CorrectionSchema,
    CorrectionsQuery,
    CorrectionsReportSchema,
)
from api.weighing import by_corrections
from application.correcting import Correcting, Replacement
from application.views import Preview, Receipt
from domain.errors import CyclebookError, InvalidInput, Unavailable

book = ApiBook("corrections")

CORRECTION = {
    "action": "correct",
    "source": "fra-7",
    "id": "0197e0a4-6d3c-7c11-b9a1-0f6a4d1c2b3a",
    "value": "1.25",
    "reason": "the unit was tenths",
}
_SCHEMA = CorrectionSchema()


def corrections(value: Any) -> list[Any]:
    """The corrections of a body; whatever is wrong with one is told as its outcome.

    Raises:
        TooLarge: there are too many.
    """
    items = value if isinstance(value, list) else [value]
    if len(items) > CORRECTIONS_MAX:
        raise TooLarge(f"a request may hold at most {CORRECTIONS_MAX} corrections")
    return items


@book.op(
    "POST",
    "/v1/usage/corrections",
    roles=STAFF,
    query=CorrectionsQuery(),
    out=CorrectionsReportSchema(),
    consumes={
        JSON: {"type": "array", "items": CorrectionSchema, "maxItems": CORRECTIONS_MAX},
    },
    example=[CORRECTION],
    items=corrections,
    keyed=True,
    second=by_corrections,
)
def correct_usage(query: dict[str, Any], body: list[Any]) -> dict[str, Any]:
    """Retract or correct usage records by source and id, or revert that.

    One bad item never fails the others; every item has its outcome. Safe to send again.
    A record of an issued invoice is corrected as a late fact.
    """
    done = [_one(index, item, dry=query["dry_run"]) for index, item in enumerate(body)]
    counts = Counter(each["outcome"] for each in done)
    return {
        **{name: counts[name] for name in ("recorded", "nothing", "previewed", "refused")},
        "items": done,
        "position": max((each.pop("position") for each in done), default=0),
    }


def _one(index: int, item: Any, *, dry: bool) -> dict[str, Any]:
    """What became of one item; its refusal is its own."""
    said = item if isinstance(item, dict) else {}
    answer: dict[str, Any] = {
        "index": index,
        "source": _told(said.get("source")),
        "id": _told(said.get("id")),
        "outcome": "refused",
        "cycle": None,
        "code": None,
        "detail": None,
        "invoices": [],
        "position": 0,
    }
    try:
        correction = _SCHEMA.load(item)
        changes = wired().previews.correcting if dry else wired().changes.correcting
        return answer | _shown(_carried_out(changes, correction))
    except ValidationError as error:
        first = sentences(error)[0]
        return answer | {"code": "invalid_input", "detail": f"{first[0]}: {first[1]}"}
    except Unavailable:
        raise
    except CyclebookError as refusal:
        return answer | {"code": refusal.code, "detail": _named(refusal)}


def _carried_out(
    correcting: "Correcting[Receipt] | Correcting[Preview]", correction: dict[str, Any]
) -> Receipt | Preview:
    source, id_, reason = correction["source"], correction["id"], correction["reason"]
    actor = principal().actor
    match correction["action"]:
        case "retract":
            return correcting.retract(source, id_, reason, actor=actor)
        case "revert":
            return correcting.revert(source, id_, reason, actor=actor)
        case _:
            said = {name: correction[name] for name in REPLACEABLE if name in correction}
            return correcting.correct(source, id_, Replacement(**said), reason, actor=actor)


def _shown(done: Receipt | Preview) -> dict[str, Any]:
    if isinstance(done, Preview):
        return {"outcome": "previewed", "invoices": done.invoices}
    return {"outcome": done.effect, "cycle": done.cycle, "position": done.position}


def _told(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _named(refusal: CyclebookError) -> str:
    field = refusal.context.get("field")
    told = isinstance(refusal, InvalidInput) and field and not str(refusal).startswith(str(field))
    return f"{field}: {refusal}" if told else str(refusal)
