"""Whatever happens and in whatever order, live, replayed and explained invoices are one."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.errors import NotFound, RuleViolation
from tests.january import JANUARY, day
from tests.world import World, world

BACK = st.sampled_from([0, 1, 5, 20, 200])
"""How many hours ago something happened."""

FEW = st.sampled_from(["a1", "a2", "a3"])


class BooksConverge(RuleBasedStateMachine):
    """acme from January into March; every change may be refused, and then changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.made: World = world()
        self.made.price("all", meter="cpu", model="per_unit", unit_amount="1", scope="organization")
        self.made.service("shared", "all")
        self.made.attach("a1", "machine", JANUARY)
        self.made.credit("k0", 7000)
        self.made.travel(day(31))
        self.told: list[tuple[object, ...]] = []

    @rule(hours=st.sampled_from([1, 6, 12, 25, 24 * 27]))
    def time_goes_by(self, hours: int) -> None:
        self.made.later(hours=hours)

    @rule(attachment=FEW, service=st.sampled_from(["machine", "seat", "shared"]), back=BACK)
    def something_is_attached(self, attachment: str, service: str, back: int) -> None:
        at = self.made.now - timedelta(hours=back)
        self._try(lambda: self.made.attach(attachment, service, at))

    @rule(attachment=FEW, back=BACK)
    def something_is_detached(self, attachment: str, back: int) -> None:
        self._try(lambda: self.made.detach(attachment, self.made.now - timedelta(hours=back)))

    @rule(attachment=FEW, count=st.integers(0, 5), back=BACK)
    def a_quantity_changes(self, attachment: str, count: int, back: int) -> None:
        at = self.made.now - timedelta(hours=back)
        self._try(lambda: self.made.count(attachment, str(count), at))

    @rule(attachment=FEW | st.just(""), value=st.integers(0, 40), back=BACK)
    def usage_is_reported(self, attachment: str, value: int, back: int) -> None:
        self.made.use(str(value), self.made.now - timedelta(hours=back), attachment)

    @rule(attachment=FEW, service=st.sampled_from(["machine", "seat", "shared"]), back=BACK)
    def something_is_swapped(self, attachment: str, service: str, back: int) -> None:
        at = self.made.now - timedelta(hours=back)
        swap = self.made.attaching.swap
        self._try(lambda: swap("acme", attachment, service, at=at, actor="test"))

    @rule(number=st.integers(1, 10), again=st.booleans())
    def a_record_is_taken_back(self, number: int, again: bool) -> None:
        correcting = self.made.correcting
        change = correcting.revert if again else correcting.retract
        self._try(lambda: change("test", f"r{number}", "by mistake", actor="test"))

    @rule(number=st.integers(1, 5), amount=st.integers(1, 9000))
    def an_item_is_added(self, number: int, amount: int) -> None:
        self._try(lambda: self.made.item(f"i{number}", amount, self.made.now))

    @rule(number=st.integers(1, 3), amount=st.integers(1, 9000))
    def a_credit_is_granted(self, number: int, amount: int) -> None:
        self._try(lambda: self.made.credit(f"k{number}", amount))

    @rule(mode=st.sampled_from(["reissue", "forgive"]))
    def an_invoice_is_taken_back(self, mode: str) -> None:
        oldest, *_ = self.made.store.cycle_names("acme")
        self._try(lambda: self.made.voiding.void(oldest, mode, "wrong", actor="test"))

    @rule()
    def the_clock_closes_what_is_due(self) -> None:
        assert self.made.advance().waiting == []

    @rule()
    def somebody_notes_what_is_known(self) -> None:
        self.made.later(hours=1)
        known = self.made.now - timedelta(minutes=1)
        for cycle in self.made.store.cycle_names("acme"):
            self.told.append((cycle, known, self.made.invoice(cycle, known_at=known).digest))

    def _try(self, change: object) -> None:
        before = list(self.made.store.events)
        try:
            change()  # type: ignore[operator]
        except (RuleViolation, NotFound):
            assert self.made.store.events == before, "what is refused changes nothing"

    @invariant()
    def live_and_replayed_are_one_invoice(self) -> None:
        for cycle in self.made.store.cycle_names("acme"):
            live = self.made.invoice(cycle)
            if live.invoice.period.start <= self.made.now:
                assert self.made.invoice(cycle, as_of=self.made.now).digest == live.digest
            assert live.invoice.subtotal >= 0

    @invariant()
    def each_line_explains_itself_to_the_cent(self) -> None:
        invoice = self.made.current().invoice.invoice
        for line in invoice.lines:
            found = self.made.invoices.explain(invoice.cycle, line.key)
            exact = sum((s.amount or 0 for s in found.steps if s.kind == "charge"), Fraction(0))
            assert exact == line.unrounded
            assert len(found.usage) == found.records

    @invariant()
    def cycles_tile_time_and_begin_as_the_last_one_ended(self) -> None:
        end = JANUARY
        for name in self.made.store.cycle_names("acme"):
            cycle = self.made.store.cycle(name)
            assert cycle.period.start == end
            end = cycle.period.end
        cycles = [state.cycle for state in self.made.store.snapshot("acme").cycles]
        for before, after in pairwise(cycles):
            assert after.carry_from(before) == []
        for attachment in (each for cycle in cycles for each in cycle.attachments.values()):
            runs = [run for run in attachment.runs if run.since != run.until]
            for first, second in pairwise(runs):
                assert first.until is not None
                assert first.until <= second.since

    @invariant()
    def an_issued_invoice_never_changes(self) -> None:
        for name in self.made.store.cycle_names("acme"):
            cycle = self.made.store.cycle(name)
            if cycle.settled is not None and not cycle.forgiven:
                assert self.made.invoice(name).digest == cycle.settled.digest
        for cycle_name, known, digest in self.told:
            again = self.made.invoice(str(cycle_name), known_at=known)
            assert again.digest == digest, "an answer about what was known never changes"

    @invariant()
    def no_credit_is_used_beyond_its_amount(self) -> None:
        for credit in self.made.holdings.credits("acme"):
            assert credit.remaining >= 0


TestBooksConverge = BooksConverge.TestCase
TestBooksConverge.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
