"""Catching up: what no webhook told is found in Stripe's own lists, and ends in the same state."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.sandbox.chaos import Chaos
from adapters.stripe.events import StripeEvents
from application.catching_up import OVERLAP, CatchingUp, CaughtUp, Heard, NoFeed
from domain.errors import GatewayUnavailable
from tests.application.test_inbox import Post
from tests.january import JANUARY
from tests.memory_cursor import MemoryCursor


class Deaf(Post):
    """A world in which no webhook ever arrives, and January is issued."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = MemoryCursor()
        self.feed = StripeEvents(self.made.client)
        self.invoice = self.issue()
        self.board = self.made.sandbox.dashboard
        self.read: list[str] = []

    def catch_up(self, since: datetime | None = None) -> CaughtUp:
        """Catch up, and handle what was found."""
        calls = self.made.sandbox.transport.calls
        calls.clear()
        told = self.catching_up().run(self.made.now, since)
        self.read = [each["path"] for each in calls]
        while self.work():
            assert self.box.errors == {}
        return told

    def catching_up(self, began: datetime | None = JANUARY) -> CatchingUp:
        return CatchingUp(
            inbox=self.inbox,
            feed=self.feed,
            cursor=self.cursor,
            gateway=self.made.gateway,
            stripe=self.made.stripe,
            books=self.made.books,
            began=lambda: began,
        )


@pytest.fixture
def deaf() -> Deaf:
    return Deaf()


def test_what_no_webhook_told_is_found(deaf: Deaf) -> None:
    deaf.board.act(deaf.invoice, "pay")
    told = deaf.catch_up()
    assert (told.events, told.new) == (5, 4), "one is the echo of a sync"
    assert deaf.outcomes == ["PaymentRecorded", "InvoicePaid"]
    assert (deaf.made.invoice().status, deaf.box.open) == ("paid", {})


@pytest.mark.parametrize("chaos", [Chaos(lost=1), Chaos(stale=1), Chaos(copies=5, shuffled=True)])
def test_whatever_befalls_webhooks_on_their_way(deaf: Deaf, chaos: Chaos) -> None:
    deaf.made.sandbox.world.make_chaos(chaos)
    deaf.board.decline(deaf.invoice)
    deaf.catch_up()
    deaf.made.later(hours=1)
    deaf.board.act(deaf.invoice, "pay")
    deaf.catch_up()
    assert deaf.outcomes == ["PaymentFailed", "PaymentRecorded", "InvoicePaid"]


def test_what_a_webhook_told_is_no_news(deaf: Deaf) -> None:
    deaf.board.act(deaf.invoice, "pay")
    for event in deaf.made.sandbox.world.ledger.every("event"):
        deaf.say(event["type"], event["data"]["object"]["id"], event["id"])
    assert deaf.catch_up().new == 0


def test_the_list_is_read_again_from_a_little_before_the_last_event(deaf: Deaf) -> None:
    deaf.catch_up()
    assert deaf.cursor.at == deaf.made.now
    before = deaf.made.now
    deaf.made.later(minutes=1)
    deaf.board.act(deaf.invoice, "pay")
    deaf.made.later(minutes=2)
    told = deaf.catch_up()
    assert (told.since, told.new) == (before, 2)
    assert deaf.made.invoice().status == "paid"
    deaf.made.later(hours=1)
    assert (deaf.catch_up().new, deaf.cursor.at) == (0, before + timedelta(minutes=1))


def test_it_goes_on_where_the_clocks_differ(deaf: Deaf) -> None:
    """Stripe's clock is four minutes behind ours: what it says happened before we last looked."""
    deaf.cursor.at = deaf.made.now + OVERLAP - timedelta(minutes=1)
    deaf.board.act(deaf.invoice, "pay")
    deaf.catch_up()
    assert deaf.made.invoice().status == "paid"


def test_where_nothing_happens_the_cursor_stays_within_what_is_listed(deaf: Deaf) -> None:
    deaf.catch_up()
    for _ in range(40):
        deaf.made.later(days=1)
        assert deaf.catch_up().invoices == 0
    assert deaf.cursor.at == deaf.made.now - timedelta(days=1)


def test_more_events_than_a_page_are_all_read(deaf: Deaf) -> None:
    for number in range(120):
        deaf.made.client.v1.invoices.update(deaf.invoice, {"metadata": {"n": str(number)}})
    told = deaf.catch_up()
    assert told.events > 120
    assert deaf.read.count("/v1/events") == 2


def test_an_empty_store_has_nothing_to_catch_up_with(deaf: Deaf) -> None:
    told = deaf.catching_up(began=None).run(deaf.made.now)
    assert (told.events, deaf.cursor.at) == (0, None)


def test_at_another_processor_nothing_happens_without_us(deaf: Deaf) -> None:
    deaf.feed = NoFeed()  # type: ignore[assignment]
    assert deaf.catch_up().events == 0


# Beyond what Stripe lists of events


def pay(deaf: Deaf) -> None:
    deaf.board.act(deaf.invoice, "pay")


def void(deaf: Deaf) -> None:
    deaf.board.act(deaf.invoice, "void")


def decline(deaf: Deaf) -> None:
    deaf.board.decline(deaf.invoice)


def credit(deaf: Deaf) -> None:
    deaf.board.credit(deaf.invoice, amount=100)


def refund(deaf: Deaf) -> None:
    pay(deaf)
    deaf.board.refund(deaf.invoice, 100)


def dispute(deaf: Deaf) -> None:
    pay(deaf)
    deaf.board.dispute(deaf.invoice, 100)


PAID = ["PaymentRecorded", "InvoicePaid"]


@pytest.mark.parametrize(
    ("happens", "outcomes"),
    [
        (pay, PAID),
        (void, ["InvoiceVoided"]),
        (decline, ["PaymentFailed"]),
        (credit, ["CreditNoteIssued"]),
        (refund, [*PAID, "RefundRecorded"]),
        (dispute, [*PAID, "DisputeOpened"]),
    ],
)
def test_what_happened_before_the_events_that_are_left_is_found_in_other_lists(
    deaf: Deaf, happens: Any, outcomes: list[str]
) -> None:
    deaf.catch_up()
    deaf.made.later(minutes=10)
    happens(deaf)
    deaf.made.later(days=40)
    told = deaf.catch_up()
    assert (told.events, told.invoices, told.differing) == (0, 1, 1)
    assert deaf.outcomes == outcomes
    assert deaf.cursor.at == deaf.made.now - timedelta(days=1)


def test_a_refund_of_an_invoice_that_we_knew_paid_is_found_as_well(deaf: Deaf) -> None:
    pay(deaf)
    deaf.catch_up()
    made = deaf.board.refund(deaf.invoice, 100)
    deaf.made.later(days=40)
    assert deaf.catch_up().differing == 0
    assert deaf.outcomes == [*PAID, "RefundRecorded"]
    deaf.cursor.at = JANUARY
    deaf.board.fail_refund(made["id"])
    deaf.catch_up()
    assert deaf.outcomes == [*PAID, "RefundRecorded", "RefundFailed"]


def test_an_old_edit_of_a_draft_asks_for_a_sync(deaf: Deaf) -> None:
    deaf.made.attach("a2", "seat", deaf.made.now)
    deaf.made.reconciler.sync("acme.2026-02-01", "test")
    deaf.catch_up()
    deaf.resynced.clear()
    draft = deaf.made.invoice("acme.2026-02-01").stripe.invoice or ""
    deaf.board.add_line(draft, 777, "by hand")
    deaf.made.later(days=40)
    told = deaf.catch_up()
    assert (told.invoices, told.differing, deaf.resynced) == (2, 1, ["acme.2026-02-01"])


def test_invoices_of_strangers_are_left_alone(deaf: Deaf) -> None:
    deaf.catch_up()
    invoices = deaf.made.client.v1.invoices
    customer = str(invoices.retrieve(deaf.invoice).customer)
    for marks in ({}, {"cycle_id": "nobody.2026-01-01"}, {"cycle_id": "!"}):
        invoices.create({"customer": customer, "metadata": marks})
    deaf.made.later(days=40)
    told = deaf.catch_up()
    assert (told.invoices, told.differing) == (4, 0)


def test_a_look_back_that_failed_is_repeated_and_makes_its_messages_once(deaf: Deaf) -> None:
    deaf.catch_up()
    known = deaf.cursor.at
    pay(deaf)
    deaf.made.later(days=40)
    deaf.made.sandbox.faults.add("error_before", method="GET", path="/v1/refunds")
    with pytest.raises(GatewayUnavailable):
        deaf.catching_up().run(deaf.made.now)
    assert deaf.cursor.at == known
    waiting = set(deaf.box.open)
    deaf.made.later(minutes=3)
    deaf.catch_up()
    assert {each for each in deaf.box.seen if each.startswith("listed/in_")} == waiting
    assert deaf.outcomes == PAID


def test_from_an_instant_on_a_person_can_have_it_all_read_again(deaf: Deaf) -> None:
    deaf.catch_up()
    told = deaf.catch_up(since=JANUARY)
    assert (told.new, told.since) == (0, JANUARY)


def test_reading_the_end_by_hand_does_not_skip_what_lies_between(deaf: Deaf) -> None:
    deaf.catch_up()
    deaf.made.later(hours=1)
    pay(deaf)
    deaf.made.later(hours=1)
    deaf.catch_up(since=deaf.made.now - OVERLAP)
    assert deaf.outcomes == []
    deaf.catch_up()
    assert deaf.outcomes == PAID


class Interrupted:
    """A feed whose second page never comes."""

    def __init__(self, feed: StripeEvents) -> None:
        self._feed = feed

    def happened(self, since: datetime) -> Iterator[Sequence[Heard]]:
        (page,) = self._feed.happened(since)
        yield page[:2]
        raise GatewayUnavailable("no answer from Stripe; the outcome is unknown")

    def given_back(self, since: datetime) -> Iterator[Sequence[Heard]]:
        return self._feed.given_back(since)


def test_a_list_that_breaks_off_is_read_again_from_where_it_was_begun(deaf: Deaf) -> None:
    pay(deaf)
    whole = deaf.feed
    deaf.feed = Interrupted(whole)  # type: ignore[assignment]
    with pytest.raises(GatewayUnavailable):
        deaf.catching_up().run(deaf.made.now)
    assert deaf.cursor.at is None
    deaf.feed = whole
    told = deaf.catch_up()
    assert (told.events, told.new) == (5, 2), "two were kept, and one is the echo of a sync"
    assert deaf.outcomes == PAID
