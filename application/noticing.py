"""What no event tells: periods that end soon, invoices that changed, syncs that fail for long."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from application.notices import Notice, Notices
from application.schedule_ports import Tally, missing
from application.views import InvoiceView
from domain.errors import CyclebookError, StoreUnavailable
from domain.identity import parse_cycle_name
from domain.period import written_utc

log = logging.getLogger(__name__)

AT_ONCE = 100
LEASE = timedelta(minutes=2)
FAILING_FOR = timedelta(minutes=15)
"""A sync that fails for so long is told to whoever runs this service; a parked one at once."""

CUSTOMERS_TOLD_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A cycle whose invoice may have changed. marks: how often so far. digest: when last told."""

    cycle: str
    marks: int
    digest: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A cycle whose sync fails, or did until now. error: ``None`` where it is over."""

    cycle: str
    since: datetime
    parked: bool
    error: str | None
    told_at: datetime | None = None
    customer_told_at: datetime | None = None

    @property
    def organization(self) -> str:
        """Whose cycle it is."""
        parsed = parse_cycle_name(self.cycle)
        return parsed[0] if parsed else ""


class NoticeWork(Protocol):
    """What there is to look at."""

    def ending(self, now: datetime, until: datetime, limit: int) -> Sequence[str]:
        """Accruing cycles that end by then, and of which ``invoice.upcoming`` was not told."""
        ...

    def changed(self, now: datetime, until: datetime, limit: int) -> Sequence[Changed]:
        """Cycles to look at now, kept from others ``until`` an instant."""
        ...

    def looked(self, changed: Changed, digest: str, now: datetime, again: datetime) -> None:
        """Keep the digest. What was marked meanwhile is looked at ``again``, and not before."""
        ...

    def troubles(self) -> Sequence[Trouble]:
        """Every cycle whose sync fails, or did when last looked."""
        ...

    def keep(self, trouble: Trouble) -> None:
        """Remember who was told; forget one that is over."""
        ...

    def quarantined(self, since: datetime, limit: int) -> int:
        """How many usage records were quarantined since an instant and are still; at most so
        many are counted."""
        ...


class Upcoming:
    """Tells that a period ends within some days. invoice: a cycle's, live."""

    def __init__(
        self,
        work: NoticeWork,
        notices: Notices,
        invoice: Callable[[str], InvoiceView],
        days: int,
    ) -> None:
        self._work = work
        self._notices = notices
        self._invoice = invoice
        self._ahead = timedelta(days=days)

    def run(self, now: datetime) -> Tally:
        """Tell of all whose period ends soon; what cannot be shown comes again the next time."""
        seen: dict[str, bool] = {}
        while new := self._not_in(seen, now):
            seen |= {cycle: self._told(cycle, now) for cycle in new}
        failed = [cycle for cycle, told in seen.items() if not told]
        return Tally(
            expected=len(seen),
            done=len(seen) - len(failed),
            problem=missing("cannot be shown", failed),
        )

    def _not_in(self, seen: Collection[str], now: datetime) -> list[str]:
        found = self._work.ending(now, now + self._ahead, AT_ONCE + len(seen))
        return [cycle for cycle in found if cycle not in seen]

    def _told(self, cycle: str, now: datetime) -> bool:
        view = _seen(self._invoice, cycle)
        if view is not None:
            said = {"ends_at": written_utc(view.invoice.period.end), **_amounts(view)}
            self._notices.announce([_about(view, "invoice.upcoming", cycle, now, said)])
        return view is not None


class Updates:
    """Tells that an invoice comes to something else. every: at most so often for each cycle."""

    def __init__(
        self,
        work: NoticeWork,
        notices: Notices,
        invoice: Callable[[str], InvoiceView],
        every: timedelta,
    ) -> None:
        self._work = work
        self._notices = notices
        self._invoice = invoice
        self._every = every

    def run(self, now: datetime) -> bool:
        """Look at some; whether there may be more."""
        found = self._work.changed(now, now + LEASE, AT_ONCE)
        for each in found:
            view = _seen(self._invoice, each.cycle)
            if view is not None:  # otherwise it comes again when the lease is over
                self._tell(each, view, now)
                self._work.looked(each, view.digest, now, now + self._every)
        return len(found) == AT_ONCE

    def _tell(self, changed: Changed, view: InvoiceView, now: datetime) -> None:
        if view.digest != changed.digest and view.issued_at is None:
            said = {"digest": view.digest, "position": view.position, **_amounts(view)}
            about = f"{changed.cycle}/{view.position}"
            self._notices.announce([_about(view, "invoice.updated", about, now, said)])


def _seen(invoice: Callable[[str], InvoiceView], cycle: str) -> InvoiceView | None:
    """A cycle's invoice. One that cannot be shown does not keep the others from being told."""
    try:
        return invoice(cycle)
    except StoreUnavailable:
        raise
    except CyclebookError as error:
        log.error("the invoice of %s cannot be told of: %s", cycle, error)
        return None


def _about(
    view: InvoiceView, kind: str, about: str, now: datetime, said: dict[str, object]
) -> Notice:
    return Notice(
        kind=kind,
        organization=view.invoice.organization,
        occurrence=f"{kind}/{about}",
        at=now,
        cycle=view.invoice.cycle,
        data=said,
    )


def _amounts(view: InvoiceView) -> dict[str, object]:
    return {
        "total": view.total,
        "accrued": view.accrued,
        "currency": view.invoice.currency,
        "status": view.status,
    }


class SyncTroubles:
    """Tells of cycles whose sync fails, and that it works again."""

    def __init__(self, work: NoticeWork, notices: Notices) -> None:
        self._work = work
        self._notices = notices

    def run(self, now: datetime) -> Tally:
        """Look at all of them."""
        known = self._work.troubles()
        notices, after = told_of(known, now)
        # Told first: an occurrence told twice is one.
        self._notices.announce(notices)
        for before, each in zip(known, after, strict=True):
            if each != before or each.error is None or each.told_at is None:
                self._work.keep(each)
        return Tally(expected=len(known), done=len(known))


def told_of(
    troubles: Sequence[Trouble], now: datetime
) -> tuple[Sequence[Notice], Sequence[Trouble]]:
    """What is to be told of some troubles now, and the troubles as they are after that."""
    notices: list[Notice] = []
    after: list[Trouble] = []
    for each in troubles:
        notices += _for_operators(each, now)
        told = each.told_at or (now if each.error is not None and _lasts(each, now) else None)
        after.append(replace(each, told_at=told))
    by_organization: dict[str, list[Trouble]] = {}
    for each in after:
        by_organization.setdefault(each.organization, []).append(each)
    for organization, mine in sorted(by_organization.items()):
        notices += _for_customers(organization, mine, now)
    return notices, [_customers_told(each, now) for each in after]


def _lasts(trouble: Trouble, now: datetime) -> bool:
    return trouble.parked or now - trouble.since >= FAILING_FOR


def _touches(trouble: Trouble, now: datetime) -> bool:
    return trouble.error is not None and now - trouble.since >= CUSTOMERS_TOLD_AFTER


def _customers_told(trouble: Trouble, now: datetime) -> Trouble:
    if trouble.customer_told_at is None and _touches(trouble, now):
        return replace(trouble, customer_told_at=now)
    return trouble


def _for_operators(trouble: Trouble, now: datetime) -> Iterator[Notice]:
    since = written_utc(trouble.since)
    said: dict[str, object]
    if trouble.error is None and trouble.told_at is not None:
        kind, said = "sync.recovered", {"since": since}
    elif trouble.error is not None and trouble.told_at is None and _lasts(trouble, now):
        code = trouble.error.partition(":")[0]
        kind, said = "sync.failed", {"since": since, "parked": trouble.parked, "code": code}
    else:
        return
    yield Notice(
        kind=kind,
        organization=trouble.organization,
        occurrence=f"{kind}/{trouble.cycle}/{since}",
        at=now,
        cycle=trouble.cycle,
        data=said,
    )


def _for_customers(
    organization: str, troubles: Sequence[Trouble], now: datetime
) -> Iterator[Notice]:
    """A customer is told once that there is trouble, however many cycles it touches, and once
    that all of it is over."""
    told = [each for each in troubles if each.customer_told_at is not None]
    new = [each for each in troubles if each.customer_told_at is None and _touches(each, now)]
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
