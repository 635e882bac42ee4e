"""The life of cycles at random: late facts are billed exactly once, and nothing settled moves."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from application.adjusting import NewDiscount
from application.correcting import Replacement
from application.live import InTurn, in_turn, meters_in_force
from domain.billing_cycle import BillingCycle, opened
from domain.cycle.facts import Fact
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.events.amounts import DiscountEnded, DiscountGranted, HandedOver
from domain.events.cycle import CycleClosing, CycleOpened
from domain.events.outcome import InvoicePaid
from domain.line_key import about
from domain.rating import Surroundings, rate
from projections.replay import replay_usage
from projections.usage_tally import UsageHistory
from tests.january import JANUARY, day
from tests.world import ACTOR, world

BACK = st.sampled_from([0, 1, 13, 200, 720, 1500])
"""How many hours ago something happened."""

FEW = st.sampled_from(["a1", "a2", "a3"])
SERVICES = st.sampled_from(["machine", "seat", "rent", "plan"])
REFUSED = (RuleViolation, NotFound, InvalidInput)
CONTENT = (DiscountGranted, DiscountEnded, CycleClosing)
"""What an invoice is rated from beside facts and usage."""


class Life(RuleBasedStateMachine):
    """acme from January on; every change may be refused, and then changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.made = made = world()
        made.price("rent", model="per_unit", unit_amount="2800", billing="in_advance")
        made.service("rent", "rent")
        made.price("daily", model="flat", amount="999", proration="day")
        made.price("start", model="flat", amount="777", kind="one_off")
        made.service("plan", "daily", "cpu", "start")
        made.register(policies={"late_limit_cycles": 36})
        made.attach("a1", "machine", JANUARY)
        made.attach("a2", "rent", day(5))
        made.travel(day(9))
        made.use("7", day(8))
        self.settled: dict[tuple[str, int], str] = {}

    # What happens

    @rule(hours=st.sampled_from([1, 13, 25, 24 * 9, 24 * 27]))
    def time_goes_by(self, hours: int) -> None:
        self.made.later(hours=hours)

    @rule(days=st.sampled_from([0, 13, 29]))
    def the_clock_does_what_is_due(self, days: int) -> None:
        self.made.later(days=days)
        assert {each.code for each in self.made.advance().waiting} <= {
            "cycle_held",
            "carried_amount_open",
            "approval_required",
        }

    @rule(attachment=FEW, service=SERVICES, back=BACK, count=st.integers(1, 3))
    def something_is_attached(self, attachment: str, service: str, back: int, count: int) -> None:
        self._try(lambda: self.made.attach(attachment, service, self._ago(back), str(count)))

    @rule(attachment=FEW, back=BACK)
    def something_is_detached(self, attachment: str, back: int) -> None:
        self._try(lambda: self.made.detach(attachment, self._ago(back)))

    @rule(attachment=FEW, service=SERVICES, back=BACK)
    def something_is_swapped(self, attachment: str, service: str, back: int) -> None:
        swap = self.made.attaching.swap
        self._try(lambda: swap("acme", attachment, service, at=self._ago(back), actor=ACTOR))

    @rule(attachment=FEW, count=st.integers(0, 5), back=BACK)
    def a_quantity_changes(self, attachment: str, count: int, back: int) -> None:
        self._try(lambda: self.made.count(attachment, str(count), self._ago(back)))

    @rule(attachment=FEW, value=st.integers(0, 40), back=BACK)
    def usage_is_reported(self, attachment: str, value: int, back: int) -> None:
        self.made.use(str(value), self._ago(back), attachment)

    @rule(number=st.integers(1, 6), what=st.sampled_from(["retract", "correct", "revert"]))
    def a_record_is_put_right(self, number: int, what: str) -> None:
        correcting, record = self.made.correcting, ("test", f"r{number}")
        changes: dict[str, Callable[[], object]] = {
            "retract": lambda: correcting.retract(*record, "wrong", actor=ACTOR),
            "revert": lambda: correcting.revert(*record, "right after all", actor=ACTOR),
            "correct": lambda: correcting.correct(
                *record, Replacement(value="17"), "misread", actor=ACTOR
            ),
        }
        self._try(changes[what])

    @rule(number=st.integers(1, 5), amount=st.integers(1, 9000), back=BACK)
    def an_item_is_added(self, number: int, amount: int, back: int) -> None:
        self._try(lambda: self.made.item(f"i{number}", amount, self._ago(back)))

    @rule(number=st.integers(1, 3), amount=st.integers(1, 9000))
    def a_credit_is_granted(self, number: int, amount: int) -> None:
        self._try(lambda: self.made.credit(f"k{number}", amount))

    @rule(percent=st.sampled_from(["10", "33.3", "100"]), cycles=st.sampled_from([1, 2, None]))
    def a_discount_is_granted(self, percent: str, cycles: int | None) -> None:
        new = NewDiscount(discount="d1", reason="x", percent=Decimal(percent), cycles=cycles)
        grant = self.made.adjusting.grant_discount
        self._try(lambda: grant("acme", new, at=self.made.now, actor=ACTOR))

    @rule(number=st.integers(0, 3))
    def a_line_is_waived(self, number: int) -> None:
        view = self.made.store.snapshot("acme").cycles
        if view and (lines := sorted(self.made.lines(view[0].cycle.id))):
            line, cycle = lines[number % len(lines)], view[0].cycle.id
            waive = self.made.adjusting.waive
            self._try(lambda: waive(cycle, line, "sorry", at=self.made.now, actor=ACTOR))

    @rule(again=st.booleans())
    def the_oldest_is_held_or_released(self, again: bool) -> None:
        holding, now = self.made.holding, self.made.now
        open_cycles = self.made.store.cycle_names("acme", unissued=True)
        oldest = (open_cycles or self._names())[0]
        if again:
            self._try(lambda: holding.hold(oldest, "odd", actor=ACTOR, at=now))
        else:
            self._try(lambda: holding.release(oldest, "fine", actor=ACTOR, at=now))

    @rule()
    def a_bill_is_asked_for_now(self) -> None:
        bill_now = self.made.ending.bill_now
        self._try(lambda: bill_now("acme", "asked", at=self.made.now, actor=ACTOR))

    @rule(again=st.booleans())
    def the_organization_ends_or_begins_anew(self, again: bool) -> None:
        change = self.made.ending.reopen if again else self.made.ending.close
        self._try(lambda: change("acme", "they said so", at=self.made.now, actor=ACTOR))

    @rule(mode=st.sampled_from(["reissue", "reissue", "forgive"]), place=st.integers(0, 2))
    def an_invoice_is_taken_back(self, mode: str, place: int) -> None:
        cycle = self._names()[place % len(self._names())]
        self._try(lambda: self.made.voiding.void(cycle, mode, "wrong", actor=ACTOR))

    @rule(place=st.integers(0, 2))
    def an_invoice_is_paid(self, place: int) -> None:
        cycle = self._names()[place % len(self._names())]
        self._try(lambda: self._pay(cycle))

    # What must hold

    @invariant()
    def cycles_tile_and_begin_as_the_one_before_ended(self) -> None:
        cycles = [self.made.store.cycle(name) for name in self._names()]
        for before, after in pairwise(cycles):
            assert before.period.end <= after.period.start
            if before.period.end == after.period.start:
                assert after.carry_from(before) == []
        for known in (each for cycle in cycles for each in cycle.as_known().attachments.values()):
            runs = [run for run in known.runs if run.since != run.until]
            for first, second in pairwise(runs):
                assert first.until is not None
                assert first.until <= second.since

    @invariant()
    def what_is_settled_never_changes_and_is_never_below_zero(self) -> None:
        for name in self._names():
            cycle = self.made.store.cycle(name)
            assert cycle.forgiven or not cycle.is_void, "nobody took it back for good"
            if cycle.settled is None or cycle.is_void:
                continue
            assert cycle.settled.subtotal >= 0
            assert cycle.issued is None or cycle.issued.total == cycle.settled.subtotal
            assert self.made.invoice(name).digest == cycle.settled.digest
            known = self.settled.setdefault((name, cycle.revision), cycle.settled.digest)
            assert known == cycle.settled.digest

    @invariant()
    def live_and_replayed_are_one_invoice(self) -> None:
        for name in self._names():
            live = self.made.invoice(name)
            if live.invoice.period.start <= self.made.now:
                assert self.made.invoice(name, as_of=self.made.now).digest == live.digest

    @invariant()
    def credits_are_not_used_beyond_what_was_granted(self) -> None:
        assert all(each.remaining >= 0 for each in self.made.holdings.credits("acme"))

    @invariant()
    def what_is_known_is_billed_exactly_once(self) -> None:
        """A cycle's own lines, the late ones about it, and what waits: the rating of it all."""
        cycles = [self.made.store.cycle(name) for name in self._names()]
        turns = in_turn(self.made.store.snapshot("acme"), self.made.store.current())
        waiting, left = _waiting(turns), _left(turns)
        for cycle in cycles:
            if cycle.settled is None or cycle.is_void:
                continue
            known = self._rated_anew(cycle.id, left.get(cycle.id))
            touched = cycle.adjusted_lines()
            billed = dict(cycle.settled.basis)
            for line, amount in [*_billed_late(cycles, cycle.id), *waiting.get(cycle.id, ())]:
                billed[line] = billed.get(line, 0) + amount
            for line in (known.keys() | billed.keys()) - touched:
                assert known.get(line, 0) == billed.get(line, 0), (cycle.id, line)

    # How it is looked at

    def _names(self) -> list[str]:
        return self.made.store.cycle_names("acme")

    def _ago(self, hours: int) -> datetime:
        return max(self.made.now - timedelta(hours=hours), JANUARY)

    def _try(self, change: Callable[[], object]) -> None:
        before = list(self.made.store.events)
        try:
            change()
        except REFUSED:
            assert self.made.store.events == before, "what is refused changes nothing"

    def _pay(self, name: str) -> None:
        with self.made.store.change("acme", actor="stripe", cycle=name) as books:
            assert books.asked is not None
            paid = InvoicePaid(at=self.made.now, amount=books.asked.owed)
            books.append(books.asked, books.asked.record_outcome(paid))

    def _rated_anew(self, name: str, left: HandedOver | None) -> dict[str, int]:
        """The cycle as if everything had been known in time: lines that follow from facts.

        left: what the cycle before leaves now, where that is not recorded yet.
        """
        history, catalog = self.made.store.history(name), self.made.store.current()
        first = history[0]
        assert isinstance(first.event, CycleOpened)
        cycle = opened(first.event, first.recorded_at)
        for recorded in history[1:]:
            if isinstance(recorded.event, (Fact, *CONTENT)):
                cycle.apply(recorded.event)
        tallies = replay_usage(cycle, UsageHistory(history), catalog)
        settled = self.made.store.cycle(name).settled
        around = Surroundings(coming=settled.coming if settled else None, handover=left)
        rated = rate(cycle, tallies, catalog.book, meters_in_force(catalog, cycle), around)
        return {key: line.amount for key, line in rated.basis.items()}


def _waiting(turns: list[InTurn]) -> dict[str, list[tuple[str, int]]]:
    """Late amounts of each cycle that the next invoice to be settled will bill."""
    return {
        turn.state.cycle.id: [(line.line, line.amount) for line in turn.late.lines]
        for turn in turns
        if turn.late
    }


def _left(turns: list[InTurn]) -> dict[str, HandedOver]:
    """What is left to each cycle otherwise than is recorded in it."""
    return {after.state.cycle.id: before.left for before, after in pairwise(turns) if before.left}


def _billed_late(cycles: list[BillingCycle], name: str) -> Iterator[tuple[str, int]]:
    """What settled invoices that still stand bill late of a cycle, as it stands on them."""
    for cycle in cycles:
        billed = cycle.late_amounts.get(name)
        if cycle.settled is None or cycle.is_void or billed is None:
            continue
        begun = name.split(".")[1]
        for line in billed.lines:
            if not cycle.settled.automatic_tax:  # with it, one below zero reduces others
                assert cycle.settled.lines[about(f"late/{begun}", line.line)] == line.amount
            yield line.line, line.amount


DEEP = int(os.environ.get("DEEP_EXAMPLES", "0"))
TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=max(DEEP // 100, 8), stateful_step_count=50 if DEEP else 25, deadline=None
)
