"""What no event tells: periods that end soon, and invoices that changed."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from application.notices import Notice, Notices
from application.schedule_ports import Tally, missing
from application.views import InvoiceView
from domain.errors import CyclebookError, StoreUnavailable
from domain.period import written_utc

log = logging.getLogger(__name__)

AT_ONCE = 100
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A cycle whose invoice may have changed. marks: how often so far. digest: when last told."""

    cycle: str
    marks: int
    digest: str | None


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
    except Exception as error:  # a fault of ours, too
        trace = None if isinstance(error, CyclebookError) else error
        log.error("the invoice of %s cannot be told of: %s", cycle, error, exc_info=trace)
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
