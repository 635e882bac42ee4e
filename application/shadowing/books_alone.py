"""Cycles that another program bills: their syncs do nothing, and they are issued in books alone."""

from collections.abc import Callable
from datetime import date, datetime

from application.conflicts import Conflicts
from application.gateway import StripeStream
from application.issuing import BilledByOthers
from application.ports import Books
from application.reconciler import Reconciler
from application.sync import SyncResult
from domain.errors import NotFound
from domain.identity import parse_cycle_name
from projections.change_set import ChangeSet


def billed_by_others(*, shadow: bool, bill_from: date | None) -> BilledByOthers:
    """All cycles in shadow mode; after it those that began before the day from which we bill."""

    def is_theirs(cycle: str) -> bool:
        parsed = parse_cycle_name(cycle)
        if parsed is None:
            raise NotFound(f"there is no billing cycle {cycle}", cycle=cycle)
        return shadow or (bill_from is not None and parsed[1] < bill_from)

    return is_theirs


class InBooksAlone(Conflicts):
    """``Conflicts`` that leave the cycles of others alone. To issue one of them is to say so.

    theirs: whether another program bills a cycle.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        books: Books,
        stream: StripeStream,
        now: Callable[[], datetime],
        unpark: Callable[[str], object],
        *,
        theirs: BilledByOthers,
    ) -> None:
        super().__init__(reconciler, books, stream, now, unpark)
        self._theirs = theirs

    def sync(self, cycle: str, actor: str, force: bool = False, reason: str = "") -> SyncResult:
        """As ever; of a cycle that others bill, nothing."""
        if self._theirs(cycle):
            return self._nothing(cycle)
        return super().sync(cycle, actor, force, reason)

    def finalize(self, cycle: str, actor: str, force: bool = False) -> SyncResult:
        """As ever; of a cycle that others bill, nothing: the books then issue it by themselves."""
        if self._theirs(cycle):
            return self._nothing(cycle)
        return super().finalize(cycle, actor, force)

    def _nothing(self, cycle: str) -> SyncResult:
        invoice = self._reconciler.pending(cycle).invoice
        return SyncResult(
            changes=ChangeSet(invoice=invoice, remote=None, changes=()),
            invoice=None,
            writes=0,
            proof=None,
            discrepancies=(),
        )
