"""What somebody should look at now, judged by how the service is doing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.vitals import CHAIN_LAG_MAX, Vitals

LAG_MAX = timedelta(seconds=60)
SYNC_LATE = timedelta(minutes=5)
UNPROVED_AFTER_DUE = timedelta(hours=1)
WEBHOOK_LATE = timedelta(minutes=5)
CLOSING_LATE = timedelta(minutes=10)
NOTICES_LATE = timedelta(minutes=30)
Look = Callable[[Vitals], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """Something that somebody should look at. runbook: the name of the page that says how.

    urgent: bills go wrong, or stand still, if nobody does.
    """

    runbook: str
    words: str
    urgent: bool = False


def concerns(vitals: Vitals) -> list[Concern]:
    """What somebody should look at now, the urgent first."""
    found = [
        Concern(runbook=runbook, words=words, urgent=urgent)
        for runbook, urgent, look in LOOKS
        if (words := look(vitals)) is not None
    ]
    return sorted(found, key=lambda each: not each.urgent)


def span(age: timedelta) -> str:
    """A span of time in words.

    >>> span(timedelta(seconds=90)), span(timedelta(hours=49)), span(timedelta(0))
    ('1 minute', '2 days', '0 seconds')
    """
    seconds = int(age.total_seconds())
    for noun, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return _counted(seconds // size, noun, f"{noun}s")
    return _counted(seconds, "second", "seconds")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _some(name: str, one: str, many: str) -> Look:
    def look(vitals: Vitals) -> str | None:
        count = vitals.counted[name].count
        return _counted(count, one, many) if count else None

    return look


def _late(name: str, most: timedelta, words: str) -> Look:
    def look(vitals: Vitals) -> str | None:
        age = vitals.counted[name].age(vitals.at)
        return f"{words} {span(age)}" if age > most else None

    return look


def _unproved(vitals: Vitals) -> str | None:
    most = vitals.sync_interval + UNPROVED_AFTER_DUE
    return _late("syncs", most, "A draft has not been proved equal to the books for")(vitals)


def _workers(vitals: Vitals) -> str | None:
    missing = vitals.missing
    return f"No worker does this: {', '.join(missing)}" if missing else None


def _lag(vitals: Vitals) -> str | None:
    lag = vitals.lag
    behind = f"Lists are {span(lag.age)} and {lag.last - lag.position} events behind the log"
    return behind if lag.age > LAG_MAX else None


def _chain(vitals: Vitals) -> str | None:
    chain = vitals.chain
    behind = f"The hash chain is {span(chain.age)} and {chain.last - chain.position} events behind"
    return behind if chain.age > CHAIN_LAG_MAX else None


def _mail(vitals: Vitals) -> str | None:
    outage = vitals.mail_outage
    if outage is None:
        return None
    return f"No e-mail goes out for {span(vitals.at - outage.since)}: {outage.reason}"


def _notices(vitals: Vitals) -> str | None:
    if vitals.mail_outage is not None:
        return None
    kinds = ("mails_due", "mails_unaddressed", "sign_in_mails", "updates_due")
    age = max(vitals.counted[each].age(vitals.at) for each in kinds)
    return f"Somebody should have been told for {span(age)}" if age > NOTICES_LATE else None


def _away(vitals: Vitals) -> str | None:
    return vitals.budget.away


def _schedules(vitals: Vitals) -> str | None:
    parts = [f"late: {', '.join(vitals.late)}"] if vitals.late else []
    parts += [f"did not end well: {', '.join(vitals.ill)}"] if vitals.ill else []
    return f"Schedules {'; '.join(parts)}" if parts else None


LOOKS: Sequence[tuple[str, bool, Look]] = (
    ("worker-missing", True, _workers),
    ("stripe-away", True, _away),
    ("projector-lag", True, _lag),
    ("sync-parked", True, _some("syncs_parked", "sync was given up", "syncs were given up")),
    ("sync-late", True, _late("syncs_due", SYNC_LATE, "A sync is due, and waits for")),
    ("unproved", True, _unproved),
    ("closing-late", True, _late("closings_due", CLOSING_LATE, "A cycle should have gone on for")),
    ("drift", True, _some("discrepancies", "discrepancy is open", "discrepancies are open")),
    (
        "webhook-parked",
        True,
        _some("webhooks_parked", "message of Stripe was given up", "messages were given up"),
    ),
    ("webhook-late", False, _late("webhooks", WEBHOOK_LATE, "A message of Stripe waits for")),
    (
        "quarantine",
        False,
        _some("quarantined", "usage record is quarantined", "usage records are quarantined"),
    ),
    ("dead-letters", False, _some("dead_letters", "dead letter is open", "dead letters are open")),
    ("schedule-late", False, _schedules),
    (
        "endpoint-disabled",
        False,
        _some("endpoints_disabled", "system of ours is not told", "systems of ours are not told"),
    ),
    ("mail-away", False, _mail),
    (
        "mail-given-up",
        False,
        _some("mails_given_up", "e-mail was given up", "e-mails were given up"),
    ),
    ("notices-late", False, _notices),
    ("chain-lag", False, _chain),
    (
        "delivery-failing",
        False,
        _some("deliveries_failing", "webhook to a system of ours fails", "webhooks of ours fail"),
    ),
)
"""The runbook of each, whether it is urgent, and what is wrong, if it is."""
