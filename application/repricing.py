"""Repricing: corrects a wrong price everywhere, as reported and approved; moves to new versions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from application.changing import Effect, Runner
from application.cycles import carry, every_cycle, require_late_taken
from application.moving import Moving
from application.ports import CatalogReader, OpenBooks
from application.rerating import bills
from application.views import Receipt
from domain.errors import CyclebookError, InvalidInput, NotFound, RuleViolation, StoreUnavailable
from domain.events.usage import EPOCH
from domain.price import Price, terms_of
from domain.text import written

REASON_MAX = 400


class Fate(StrEnum):
    """What became of an organization. ``nothing``: it was done before, or there was nothing."""

    APPLIED = "applied"
    NOTHING = "nothing"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """What became of one organization. difference: minor units. detail: why it was not done."""

    organization: str
    fate: Fate
    difference: int = 0
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A price version that is to rate what wrong ones rated."""

    wrong: tuple[Price, ...]
    right: Price
    reason: str


class Repricing:
    """Every organization is changed in a transaction of its own; every run may be repeated.

    run: carries changes out. now: the clock, aware UTC.
    """

    def __init__(
        self,
        run: Runner[Receipt],
        catalog: CatalogReader,
        now: Callable[[], datetime],
    ) -> None:
        self._run = run
        self._catalog = catalog
        self._now = now
        self._moving = Moving(run, catalog, now)

    def correction(
        self, wrong: Sequence[str], right: str, terms: Mapping[str, object], reason: str
    ) -> Correction:
        """A correction that may be applied.

        terms: what was reported on; the published version has to say the same.

        Raises:
            NotFound: the right version, or a wrong one, is not published.
            RuleViolation: it says something else.
            InvalidInput: it is one of the wrong ones, or fees are billed ahead by one of them.
        """
        why, book = written(reason, "reason", REASON_MAX), self._catalog.current().book
        if missing := [ref for ref in (right, *wrong) if ref not in book]:
            raise NotFound(f"price {missing[0]} is not published", price=missing[0])
        if _content(terms_of(book[right])) != _content(terms):
            raise RuleViolation(
                f"{right} is not the price that was reported on; report on it anew",
                code="another_price",
                price=right,
            )
        others = tuple(ref for ref in wrong if ref != right)
        if ahead := [ref for ref in (right, *others) if book[ref].billing == "in_advance"]:
            raise InvalidInput(
                f"{ahead[0]} is billed ahead: what was billed stays, so move attachments to the "
                "right version and correct issued invoices by credit notes",
                field="to",
            )
        return Correction(wrong=tuple(book[ref] for ref in others), right=book[right], reason=why)

    def apply(
        self, correction: Correction, organization: str, reported: Mapping[str, int], *, actor: str
    ) -> Fixed:
        """Correct the price in every cycle of an organization, if that does what was reported.

        reported: the difference by cycle, in minor units, where there is one.

        Raises:
            StoreUnavailable: nothing was decided.
        """

        def change(books: OpenBooks) -> Effect:
            before = self._totals(books)
            if not self._correct(books, correction):
                return Effect(cycle=None, recorded=False)
            after = self._totals(books)
            found = {cycle: after[cycle] - before[cycle] for cycle in after}
            if {cycle: each for cycle, each in found.items() if each} != dict(reported):
                raise RuleViolation(
                    f"it would change by {sum(found.values())} minor units, and "
                    f"{sum(reported.values())} were reported; report anew",
                    code="situation_changed",
                )
            return Effect(cycle=None, recorded=True)

        return self._done(organization, change, sum(reported.values()), actor, EPOCH)

    def move(self, price: str, organization: str, *, at: datetime, actor: str) -> Fixed:
        """Move what runs at an instant, and has a price, to the versions then in force.

        Raises:
            StoreUnavailable: nothing was decided.
        """

        return self._done(organization, self._moving.change(price, at), 0, actor, at)

    def _done(
        self,
        organization: str,
        change: Callable[[OpenBooks], Effect],
        difference: int,
        actor: str,
        since: datetime,
    ) -> Fixed:
        try:
            receipt = self._run(organization, change, actor=actor, since=since)
        except StoreUnavailable:
            raise
        except CyclebookError as refusal:
            skipped = refusal.code == "situation_changed"
            return Fixed(
                organization=organization,
                fate=Fate.SKIPPED if skipped else Fate.FAILED,
                detail=f"{refusal.code}: {refusal}",
            )
        if receipt.effect == "nothing":
            return Fixed(organization=organization, fate=Fate.NOTHING)
        return Fixed(organization=organization, fate=Fate.APPLIED, difference=difference)

    def _correct(self, books: OpenBooks, correction: Correction) -> bool:
        """Whether any cycle had a wrong version. Void cycles and those in other currencies are
        corrected too, though nothing is billed by it: the cycles after them begin as they end."""
        cycles, changed = every_cycle(books), False
        for cycle in cycles:
            for wrong in correction.wrong:
                known = cycle.as_known()
                events = known.correct_price(wrong, correction.right, correction.reason)
                if events and not (cycle.accepts_usage or cycle.is_void):
                    require_late_taken(books, cycle, self._now())
                if events:
                    books.append(cycle, events)
                    changed = True
        for cycle in cycles if changed else ():
            carry(books, cycle)
        return changed

    def _totals(self, books: OpenBooks) -> dict[str, int]:
        """What each cycle comes to by prices alone."""
        states = [books.state(cycle) for cycle in every_cycle(books)]
        found = bills(books.organization, states, self._catalog.current())
        void = {cycle.id for cycle in every_cycle(books) if cycle.is_void}
        return {
            cycle: sum(line.amount for line in lines.values())
            for cycle, lines in found.items()
            if cycle not in void
        }


def _content(terms: Mapping[str, object]) -> dict[str, object]:
    """What is rated by: the name may be another one."""
    return {key: value for key, value in terms.items() if key != "name"}
