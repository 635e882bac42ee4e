"""Whatever customers, Stripe and a person in the Dashboard do, a clean sync converges."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.errors import EditedAtStripe, Unavailable
from tests.stripe_memory import CYCLE, Billed

KEYS = [f"usage/a{n:02}" for n in range(14)]
FAULTS = ["rate_limit", "lock_timeout", "error_before", "error_after", "partial", "lost_response"]
amounts = st.dictionaries(st.sampled_from(KEYS), st.integers(-300, 900), max_size=14)
few = st.integers(0, 15)


class Convergence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.billed = Billed()
        self.by_hand: set[str] = set()

    @property
    def dashboard(self):
        return self.billed.sandbox.dashboard

    def line(self, pick: int) -> str:
        lines = self.billed.lines
        return lines[pick % len(lines)]["id"]

    @rule(amounts=amounts)
    def the_books_move(self, amounts: dict[str, int]) -> None:
        self.billed.owes(amounts)

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.billed.later(hours=hours)

    # A person in Stripe's Dashboard

    @precondition(lambda self: self.billed.lines)
    @rule(pick=few, amount=st.integers(-500, 500))
    def someone_edits_a_line(self, pick: int, amount: int) -> None:
        self.dashboard.edit_line(self.line(pick), amount=amount)

    @precondition(lambda self: self.billed.lines)
    @rule(pick=few)
    def someone_removes_a_line(self, pick: int) -> None:
        gone = self.line(pick)
        self.dashboard.remove_line(gone)
        self.by_hand.discard(gone)

    @precondition(lambda self: self.billed.invoices)
    @rule()
    def someone_adds_a_line(self) -> None:
        self.dashboard.add_line(self.billed.invoice["id"], 7, "goodwill")
        self.by_hand.add(self.billed.lines[-1]["id"])

    @precondition(lambda self: self.billed.lines)
    @rule(pick=few)
    def a_line_is_there_twice(self, pick: int) -> None:
        lines = self.billed.lines
        line = lines[pick % len(lines)]
        if line["metadata"]:
            copy = {"metadata": line["metadata"], "period": line["period"]}
            self.dashboard.add_line(line["invoice"], line["amount"], "copy", **copy)

    @precondition(lambda self: self.billed.invoices)
    @rule()
    def someone_deletes_the_draft(self) -> None:
        self.dashboard.act(self.billed.invoice["id"], "delete")
        self.by_hand.clear()

    # Stripe on a bad day

    @rule(fault=st.sampled_from(FAULTS), skip=st.integers(0, 3))
    def a_sync_meets(self, fault: str, skip: int) -> None:
        self.billed.sandbox.faults.add(fault, skip=skip)
        try:
            self.billed.reconciler.sync(CYCLE, "worker", force=True)
        except EditedAtStripe:
            assert self.billed.stream.load(CYCLE)[0].discrepancies
        except Unavailable:
            assert self.billed.stream.load(CYCLE)[0].plan > 0
        self.billed.sandbox.faults.clear()

    # What must hold

    @rule()
    def a_clean_sync_converges(self) -> None:
        result = self.billed.overwriting(force=True)
        self.by_hand.clear()
        assert result.discrepancies == ()
        wanted = {line.key: line.amount for line in self.billed.desired.invoice.lines}
        held = self.billed.lines
        if self.billed.invoices:
            assert {line["metadata"]["line_key"]: line["amount"] for line in held} == wanted
            assert len(held) == len(wanted)
        else:
            assert not any(wanted.values())
        assert not self.billed.reconciler.plan(CYCLE)
        assert not self.billed.reconciler.pending(CYCLE)
        assert self.billed.reconciler.audit(CYCLE) == ()

    @rule()
    def a_second_sync_writes_nothing(self) -> None:
        self.billed.overwriting(force=True)
        self.by_hand.clear()
        self.billed.forget_calls()
        self.billed.reconciler.sync(CYCLE, "worker", force=True)
        assert self.billed.writes() == []

    @invariant()
    def a_cycle_has_at_most_one_invoice(self) -> None:
        assert len(self.billed.invoices) <= 1

    @invariant()
    def lines_added_by_hand_are_left_alone(self) -> None:
        assert self.by_hand <= {line["id"] for line in self.billed.lines}


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(
    max_examples=50,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
