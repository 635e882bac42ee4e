"""What comes late, was wrong or is given back in the demo, once invoices are issued."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from urllib.parse import quote

from api.demo.by_hand import CORRECTED, NOTE
from api.demo.calendar import TwoCycles
from api.demo.cast import STARRING
from api.demo.client import Client
from api.demo.usage import SEED, Record, uuid7
from api.instants import format_instant, parse_instant

ISSUED = ("issued", "past_due")


def late_record(star: TwoCycles) -> Record:
    """An hour of work in the previous cycle that a broken meter reports only now."""
    at = star.previous.end - timedelta(days=2)
    return {
        "source": "fra-meter",
        "id": uuid7(at, Random(SEED + 2)),
        "organization": STARRING,
        "meter": "cpu_seconds",
        "value": "900000",
        "occurred_at": format_instant(at),
        "attachment": "web",
        "properties": {"region": "fra"},
    }


def wrong_record(sent: Sequence[Record], cycles: TwoCycles) -> Record:
    """The record of the previous cycle that turns out to be wrong."""
    return next(
        each
        for each in sent
        if each["organization"] == CORRECTED
        and each["meter"] == "cpu_seconds"
        and parse_instant(each["occurred_at"]) < cycles.previous.end
    )


def correct(admin: Client, wrong: Record, say: Callable[[str], None]) -> None:
    """Correct the wrong record; on an issued invoice that is a late fact."""
    correction = {
        "action": "correct",
        "source": wrong["source"],
        "id": wrong["id"],
        "value": "60",
        "reason": "the meter counted twice after a restart",
    }
    done = admin("POST", "/v1/usage/corrections", [correction])
    say(f"{done['recorded'] + done['nothing']} usage record corrected, of {CORRECTED}")


def give_back(admin: Client, cycles: Mapping[str, TwoCycles], say: Callable[[str], None]) -> None:
    """A credit note on an invoice that is issued and not paid yet."""
    organization, note = NOTE
    cycle = cycles[organization].previous_name
    path = f"/v1/invoices/{quote(cycle)}"
    if admin("GET", path)["status"] in ISSUED:
        admin("POST", f"{path}/credit-notes", note)
        say(f"1 credit note issued, on {cycle}")
