"""Comparing: what we would have issued beside what another program issued, cycle by cycle."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from application.importing.ports import ImportedStore
from application.ports import Books, Directory
from application.views import InvoiceView
from domain.errors import InvalidInput
from domain.identity import parse_cycle_name
from domain.organization import Organization
from domain.period import Period
from projections.imported_invoice import ImportedInvoice
from projections.shadow import Shadow, Terms, Verdict, covering, nobodys, shadow

PAGE_MAX = 100
"""Organizations of one page: each of their cycles is rated for it."""

CYCLE_MAX = timedelta(days=63)
"""Longer than any cycle: how long before a window one that ends in it may have begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Cycles that end after ``start``, and by ``end``. ``None``: however long ago."""

    start: datetime | None
    end: datetime

    @classmethod
    def of_ended(cls, start: datetime | None, end: datetime | None, now: datetime) -> "Window":
        """One of cycles that have ended: what still accrues cannot be compared."""
        return cls(start=start, end=min(end or now, now))

    def __contains__(self, period: Period) -> bool:
        return (self.start is None or self.start < period.end) and period.end <= self.end

    def may_hold(self, began: date) -> bool:
        """Whether a cycle that began on a day can end here, or the next one can."""
        early = self.start is None or began >= (self.start - CYCLE_MAX).date()
        return early and began <= self.end.date()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What comparisons come to. expected: all; compared: those with both sides, or neither."""

    expected: int
    compared: int
    equal: int
    different: int
    missing: int
    extra: int

    @property
    def clean(self) -> bool:
        """Whether nothing differs."""
        return self.expected == self.equal


def counted(found: Iterable[Shadow]) -> Counts:
    """Count them."""
    verdicts = [each.verdict for each in found]
    by = {verdict: verdicts.count(verdict) for verdict in Verdict}
    return Counts(
        expected=len(verdicts),
        compared=by[Verdict.EQUAL] + by[Verdict.DIFFERENT],
        equal=by[Verdict.EQUAL],
        different=by[Verdict.DIFFERENT],
        missing=by[Verdict.MISSING],
        extra=by[Verdict.EXTRA],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowPage:
    """Comparisons of some organizations, by id and period, and what they come to.

    next_cursor: the organization to go on after; ``None`` at the end, where invoices of nobody
    we know are listed, too.
    """

    data: Sequence[Shadow]
    counts: Counts
    next_cursor: str | None


class Comparing:
    """Compares; reads our own database alone, so what it knows of Stripe is what was kept.

    rated: a cycle's invoice as it is. terms: how lines are compared.
    """

    def __init__(
        self,
        books: Books,
        directory: Directory,
        store: ImportedStore,
        rated: Callable[[str], InvoiceView],
        terms: Callable[[Organization], Terms],
    ) -> None:
        self._books = books
        self._directory = directory
        self._store = store
        self._rated = rated
        self._terms = terms

    def page(
        self, window: Window, organization: str | None, after: str = "", limit: int = PAGE_MAX
    ) -> ShadowPage:
        """Some organizations, by id, after one; or one alone.

        Raises:
            NotFound: there is no such organization.
            InvalidInput: the window is reversed.
        """
        _require_order(window)
        if organization is not None:
            alone = list(self._of(organization, window))
            return ShadowPage(data=alone, counts=counted(alone), next_cursor=None)
        names = [name for name, _ in self._directory.search("", after, limit + 1)]
        found = [each for name in names[:limit] for each in self._of(name, window)]
        more = len(names) > limit
        if not more:
            found += map(nobodys, self._strangers(window))
        cursor = names[limit - 1] if more else None
        return ShadowPage(data=found, counts=counted(found), next_cursor=cursor)

    def every(self, window: Window) -> Iterator[Shadow]:
        """All of them, page by page."""
        after: str | None = ""
        while after is not None:
            page = self.page(window, None, after)
            yield from page.data
            after = page.next_cursor

    def _of(self, organization: str, window: Window) -> Iterator[Shadow]:
        """An organization's cycles that end in the window, oldest first."""
        who = self._books.snapshot(organization).organization
        views = {view.invoice.cycle: view for view in self._views(organization, window)}
        periods = {name: view.invoice.period for name, view in views.items()}
        issued = self._store.every_of(organization, who.stripe_customer)
        of_cycle: dict[str | None, list[ImportedInvoice]] = {}
        for each in issued:
            of_cycle.setdefault(covering(each, periods), []).append(each)
        for name, view in views.items():
            if view.invoice.period in window:
                theirs = of_cycle.get(name, [])
                yield shadow(view.invoice, who.stripe_customer, theirs, self._terms(who))
        yield from map(nobodys, self._uncovered(of_cycle.get(None, ()), organization, window))

    def _views(self, organization: str, window: Window) -> Iterator[InvoiceView]:
        for name in self._books.cycle_names(organization):
            parsed = parse_cycle_name(name)
            if parsed is not None and window.may_hold(parsed[1]):
                yield self._rated(name)

    def _uncovered(
        self, issued: Iterable[ImportedInvoice], organization: str, window: Window
    ) -> Iterator[ImportedInvoice]:
        """Invoices for a time without a cycle. Before the first one they are history."""
        names = [parse_cycle_name(name) for name in self._books.cycle_names(organization)]
        first = min((parsed[1] for parsed in names if parsed), default=date.max)
        for each in issued:
            if each.counts and each.period in window and each.period.end.date() > first:
                yield each

    def _strangers(self, window: Window) -> Iterator[ImportedInvoice]:
        found = self._store.nobodys(window.start, window.end)
        return (each for each in found if each.counts)


def _require_order(window: Window) -> None:
    if window.start is not None and window.start >= window.end:
        raise InvalidInput("from must lie before to, and before now", field="from")
