"""Webhooks in any order, doubled, days late, about things unknown: the books end the same."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sandbox.dashboard import Dashboard
from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import Refused
from application.inbox import Message
from domain.events.outcome import (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeClosed,
    DisputeOpened,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)
from tests.application.test_inbox import CYCLE, Post

Step = Callable[["Life"], object]


class Life(Post):
    """January's invoice, what happens to it at Stripe, and the webhooks that tell of it."""

    def __init__(self) -> None:
        super().__init__()
        self.invoice = self.issue()
        self.told: Counter[str] = Counter()

    @property
    def board(self) -> Dashboard:
        board: Dashboard = self.made.sandbox.dashboard
        return board

    @property
    def events(self) -> list[Thing]:
        """Everything that happened, oldest first."""
        happened: list[Thing] = self.made.sandbox.world.ledger.every("event")
        return happened

    def live(self, step: Step) -> None:
        """Let something happen at Stripe, if Stripe lets it."""
        # What does not fit what happened before fits in no order of the webhooks.
        with suppress(Refused, stripe.StripeError, IndexError):
            step(self)

    def tell(self, event: Thing) -> None:
        """Deliver a webhook: the copies beyond the first are stored no more."""
        about = event["data"]["object"]
        cycle = (about.get("metadata") or {}).get("cycle_id")
        message = Message(id=event["id"], type=event["type"], object_id=about["id"], cycle=cycle)
        self.inbox.accept(message, b"{}")

    def settle_down(self) -> None:
        """Handle everything, for as long as it takes."""
        while self.box.open:
            self.work()
            self.made.later(hours=1)

    def kept(self, kind: str) -> list[Thing]:
        """Stripe's things of a kind."""
        things: list[Thing] = self.made.sandbox.world.ledger.every(kind)
        return things

    def end(self) -> dict[str, Any]:
        """The state of the books, without Stripe's ids and without instants."""
        cycle, view = self.made.store.cycle(CYCLE), self.made.invoice()
        amounts: Counter[tuple[str, int]] = Counter(
            (type(each).__name__, each.amount) for each in cycle.outcomes if isinstance(each, MONEY)
        )
        decided = sorted(each.outcome for each in cycle.outcomes if isinstance(each, DisputeClosed))
        return {
            "status": cycle.status,
            "owed": cycle.owed,
            "paid": (view.amount_paid, view.amount_remaining),
            "credited": sum(note.amount for note in cycle.standing_notes),
            "amounts": amounts,
            "disputes": decided,
            "record": self.made.stripe.load(CYCLE)[0].status,
        }


MONEY = (
    CreditNoteIssued,
    CreditNoteVoided,
    DisputeOpened,
    PaymentRecorded,
    RefundFailed,
    RefundRecorded,
)

STEPS: dict[str, Step] = {
    "decline": lambda life: life.board.decline(life.invoice),
    "pay": lambda life: life.board.act(life.invoice, "pay"),
    "void": lambda life: life.board.act(life.invoice, "void"),
    "give up": lambda life: life.board.act(life.invoice, "mark_uncollectible"),
    "credit": lambda life: life.board.credit(life.invoice, amount=300),
    "take a note back": lambda life: life.board.void_note(life.kept("credit_note")[0]["id"]),
    "refund": lambda life: life.board.refund(life.invoice, 200),
    "refund fails": lambda life: life.board.fail_refund(life.kept("refund")[0]["id"]),
    "dispute": lambda life: life.board.dispute(life.invoice, 100),
    "bank decides": lambda life: life.board.decide(life.kept("dispute")[0]["id"], "lost"),
}

STRANGE: tuple[Thing, ...] = tuple(
    {"id": f"evt_strange_{number}", "type": type_, "data": {"object": {"id": thing}}}
    for number, (type_, thing) in enumerate(
        [
            ("invoice.paid", "in_of_nobody"),
            ("invoice.some_day_invented", "in_of_nobody"),
            ("refund.failed", "re_of_nobody"),
            ("credit_note.voided", "cn_of_nobody"),
            ("charge.dispute.closed", "du_of_nobody"),
            ("customer.deleted", "cus_of_nobody"),
            ("payout.paid", "po_1"),
            ("invoice.upcoming", ""),
        ]
    )
)


def in_order(names: list[str]) -> Life:
    """A life whose webhooks come at once, each once."""
    life = Life()
    for name in names:
        life.live(STEPS[name])
        for event in life.events:
            life.tell(event)
        life.settle_down()
    for event in life.events:
        life.tell(event)
    life.settle_down()
    return life


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=7), data=st.data())
def test_any_order_any_number_any_delay(names: list[str], data: st.DataObject) -> None:
    life = Life()
    for name in names:
        life.live(STEPS[name])
        known = st.lists(st.sampled_from([*life.events, *STRANGE]), max_size=4)
        for event in data.draw(known, label="told early"):
            life.tell(event)
        if data.draw(st.booleans(), label="handled early"):
            life.work()
    life.made.later(days=data.draw(st.sampled_from([0, 3]), label="days late"))
    copies = data.draw(st.integers(1, 5), label="copies")
    for event in data.draw(st.permutations([*life.events, *STRANGE] * copies), label="order"):
        life.tell(event)
    life.settle_down()
    assert life.end() == in_order(names).end()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["decline", "decline", "pay", "refund", "refund fails"], id="a refund fails"),
        pytest.param(["credit", "take a note back", "pay"], id="a note is taken back"),
        pytest.param(["pay", "dispute", "bank decides", "refund"], id="a dispute is lost"),
        pytest.param(["give up", "pay"], id="paid after all"),
        pytest.param(["decline", "void"], id="taken back"),
    ],
)
def test_a_whole_life_told_backwards_five_times_over_three_days_late(names: list[str]) -> None:
    life = Life()
    for name in names:
        life.live(STEPS[name])
    life.made.travel(life.made.now + timedelta(days=3))
    for event in [*STRANGE, *life.events][::-1] * 5:
        life.tell(event)
        life.work()
    life.settle_down()
    assert life.end() == in_order(names).end()
    assert all(count == 1 for count in life.end()["amounts"].values())
