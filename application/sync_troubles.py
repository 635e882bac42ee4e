"""Syncs that fail for long: who is told of which, and of how many at once.

A trouble of Stripe as a whole, or one that many organizations share, is a trouble of ours: whoever
runs this service is told of it once, and customers only where their own invoice stands still.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from application.notices import Notice
from application.schedule_ports import Tally
from domain.identity import parse_cycle_name
from domain.period import written_utc

FAILING_FOR = timedelta(minutes=15)
"""A sync that fails for so long is told to whoever runs this service; a parked one at once."""

CUSTOMERS_TOLD_AFTER = timedelta(hours=1)
MATTERS_AFTER = timedelta(days=1)
"""A trouble of ours as a whole is told to customers whose invoice should have gone out by then."""

WIDELY_FROM = 20
"""So many organizations in trouble at once share one, and it is ours."""

SINGLY_MAX = 20
WITHIN = timedelta(hours=1)
"""So many cycles are told of one by one within that time, and those beyond in one notice."""

OUTAGE_TOLD_AFTER = timedelta(minutes=5)
SETTLES_WITHIN = timedelta(minutes=30)
"""After Stripe is back every sync that failed has been tried again by then."""

NAMED_MAX = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A cycle whose sync fails, or did until now. error: ``None`` where it is over.

    final: when its period ended, if its invoice should go out by now. kept: whether it was there
    when last looked.
    """

    cycle: str
    since: datetime
    parked: bool
    error: str | None
    final: datetime | None = None
    told_at: datetime | None = None
    customer_told_at: datetime | None = None
    kept: bool = False

    @property
    def organization(self) -> str:
        """Whose cycle it is."""
        parsed = parse_cycle_name(self.cycle)
        return parsed[0] if parsed else ""

    @property
    def over(self) -> bool:
        """Whether it can be forgotten: it is over, and nobody is still to be told that."""
        return self.error is None and self.told_at is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """That Stripe is left alone. reason: for people."""

    since: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was told before. singly: how many notices of a kind within ``WITHIN``.

    together: kinds of which many were told in one notice in this hour. away_since: of the outage
    of Stripe that was told and is not over by what was told; back_at: when the last one was over.
    """

    singly: Mapping[str, int] = field(default_factory=dict)
    together: frozenset[str] = frozenset()
    away_since: str | None = None
    back_at: datetime | None = None

    def of_an_outage(self, now: datetime) -> bool:
        """Whether one was told that is over only now, or not long enough for all to be mended."""
        settling = self.back_at is not None and now - self.back_at < SETTLES_WITHIN
        return settling or self.away_since is not None

    def room(self, kind: str) -> int:
        """How many of a kind may be told one by one now."""
        return max(0, SINGLY_MAX - self.singly.get(kind, 0))


class TroubleWork(Protocol):
    """Keeps troubles."""

    def troubles(self, away_since: datetime | None) -> Sequence[Trouble]:
        """Every cycle whose sync fails, or did when last looked.

        away_since: with it also those whose invoice should go out, and that nobody tries.
        """
        ...

    def told(self, now: datetime) -> Told:
        """What was told before."""
        ...

    def tell(self, notices: Sequence[Notice], troubles: Sequence[Trouble]) -> None:
        """Tell, remember who was told, and forget what is over; all of it or nothing."""
        ...


class SyncTroubles:
    """Tells of cycles whose sync fails, and that it works again. outage: of Stripe, if any."""

    def __init__(self, work: TroubleWork, outage: Callable[[], Outage | None]) -> None:
        self._work = work
        self._outage = outage

    def run(self, now: datetime) -> Tally:
        """Look at all of them."""
        outage, told = self._outage(), self._work.told(now)
        long = outage is not None and now - outage.since >= MATTERS_AFTER
        known = self._work.troubles(outage.since if outage and long else None)
        notices, after = told_of(known, now, told, away=outage is not None)
        pairs = zip(known, after, strict=True)
        kept = [each for before, each in pairs if _to_keep(before, each)]
        self._work.tell([*outages(outage, told, now), *notices], kept)
        return Tally(expected=len(known), done=len(known))


def _to_keep(before: Trouble, after: Trouble) -> bool:
    return after.over or after != before or not before.kept


def outages(outage: Outage | None, told: Told, now: datetime) -> Iterator[Notice]:
    """What is to be told of Stripe as a whole."""
    if outage is None:
        if told.away_since is not None:
            yield _of_ours("stripe.back", told.away_since, now, {"since": told.away_since})
    elif told.away_since is None and now - outage.since >= OUTAGE_TOLD_AFTER:
        since = written_utc(outage.since)
        yield _of_ours("stripe.away", since, now, {"since": since, "reason": outage.reason})


def told_of(
    troubles: Sequence[Trouble], now: datetime, told: Told | None = None, *, away: bool = False
) -> tuple[Sequence[Notice], Sequence[Trouble]]:
    """What is to be told of some troubles now, and the troubles as they are after that.

    away: whether Stripe is left alone. One that is over and was told has no ``told_at`` after that.
    """
    told = told or Told()
    whole = away or told.of_an_outage(now)
    failed = [each for each in troubles if _is_new(each, now, whole=whole)]
    recovered = [each for each in troubles if each.error is None and each.told_at is not None]
    of_failed = _tell("sync.failed", "syncs.failed", failed, now, told)
    of_recovered = _tell("sync.recovered", "syncs.recovered", recovered, now, told)
    # Those that are not told now wait for the next hour's notice.
    marks: dict[str, datetime | None] = {each.cycle: now for each in failed if of_failed}
    marks |= {each.cycle: None for each in recovered if of_recovered}
    after = [replace(each, told_at=marks.get(each.cycle, each.told_at)) for each in troubles]
    customers, marked = _customers(after, now, whole=whole)
    return [*of_failed, *of_recovered, *customers], marked


def _is_new(trouble: Trouble, now: datetime, *, whole: bool) -> bool:
    """Whether operators are to be told of it: while Stripe is away, only of its own troubles."""
    if trouble.error is None or trouble.told_at is not None:
        return False
    return trouble.parked or (not whole and now - trouble.since >= FAILING_FOR)


def _tell(
    singly: str, together: str, troubles: Sequence[Trouble], now: datetime, told: Told
) -> Sequence[Notice]:
    """One notice for each, or one for all of them, or none yet."""
    if len(troubles) <= told.room(singly):
        return [_of_one(singly, each, now) for each in troubles]
    return [] if together in told.together else [_of_many(together, troubles, now)]


def _of_one(kind: str, trouble: Trouble, now: datetime) -> Notice:
    since = written_utc(trouble.since)
    said: dict[str, object] = {"since": since}
    if trouble.error is not None:
        said |= {"parked": trouble.parked, "code": _code(trouble)}
    return Notice(
        kind=kind,
        organization=trouble.organization,
        occurrence=f"{kind}/{trouble.cycle}/{since}",
        at=now,
        cycle=trouble.cycle,
        data=said,
    )


def _of_many(kind: str, troubles: Sequence[Trouble], now: datetime) -> Notice:
    said: dict[str, object] = {
        "count": len(troubles),
        "since": written_utc(min(each.since for each in troubles)),
        "cycles": sorted(each.cycle for each in troubles)[:NAMED_MAX],
    }
    if kind == "syncs.failed":
        codes = Counter(_code(each) for each in troubles)
        said |= {"parked": sum(each.parked for each in troubles), "codes": dict(codes)}
    return _of_ours(kind, hour(now), now, said)


def hour(now: datetime) -> str:
    """Which hour it is: many are told of in one notice, once in each."""
    return f"{now:%Y-%m-%dT%H}"


def _of_ours(kind: str, about: str, now: datetime, said: dict[str, object]) -> Notice:
    return Notice(kind=kind, organization="", occurrence=f"{kind}/{about}", at=now, data=said)


def _code(trouble: Trouble) -> str:
    return (trouble.error or "").partition(":")[0]


def _customers(
    troubles: Sequence[Trouble], now: datetime, *, whole: bool
) -> tuple[Sequence[Notice], Sequence[Trouble]]:
    by_organization: dict[str, list[Trouble]] = {}
    for each in troubles:
        by_organization.setdefault(each.organization, []).append(each)
    lasting = sum(any(_lasts(each, now) for each in mine) for mine in by_organization.values())
    shared = whole or lasting > WIDELY_FROM

    def touches(trouble: Trouble) -> bool:
        if not shared:
            return _lasts(trouble, now)
        if trouble.final is None or trouble.error is None:
            return False
        return now - max(trouble.since, trouble.final) >= MATTERS_AFTER

    notices: list[Notice] = []
    marks: dict[str, Trouble] = {}
    for organization, mine in sorted(by_organization.items()):
        told = list(_for_customer(organization, mine, touches, now))
        over = any(notice.kind == "trouble.over" for notice in told)
        notices += told
        marks |= {each.cycle: _marked(each, now, over=over, new=touches(each)) for each in mine}
    return notices, [marks[each.cycle] for each in troubles]


def _marked(trouble: Trouble, now: datetime, *, over: bool, new: bool) -> Trouble:
    """After its customer was told, or was told that it is over: then it may begin once more."""
    if trouble.customer_told_at is None:
        return replace(trouble, customer_told_at=now) if new else trouble
    return replace(trouble, customer_told_at=None, since=now) if over else trouble


def _lasts(trouble: Trouble, now: datetime) -> bool:
    return trouble.error is not None and now - trouble.since >= CUSTOMERS_TOLD_AFTER


def _for_customer(
    organization: str,
    troubles: Sequence[Trouble],
    touches: Callable[[Trouble], bool],
    now: datetime,
) -> Iterator[Notice]:
    """A customer is told once that there is trouble, however many cycles it touches, and once
    that all of it is over."""
    told = [each for each in troubles if each.customer_told_at is not None]
    new = [each for each in troubles if each.customer_told_at is None and touches(each)]
    if new and not told:
        since = min(each.since for each in new)
        yield _trouble("trouble.noticed", organization, since, now)
    if told and not new and all(each.error is None for each in told):
        since = min(each.since for each in told)
        yield _trouble("trouble.over", organization, since, now)


def _trouble(kind: str, organization: str, since: datetime, now: datetime) -> Notice:
    written = written_utc(since)
    return Notice(
        kind=kind,
        organization=organization,
        occurrence=f"{kind}/{organization}/{written}",
        at=now,
        data={"since": written},
    )
