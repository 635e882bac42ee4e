"""Webhooks: stored once, answered at once, and never believed: the invoice is read afresh."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.handling import Handling
from application.inbox import ATTEMPTS_MAX, Inbox, Message, Unhandled
from domain.errors import NotFound
from tests.january import FEBRUARY, JANUARY
from tests.world import World, world

CYCLE = "acme.2026-01-01"


class Box:
    """The ``InboxStore`` port in memory."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[Message, datetime | None]] = {}
        self.seen: set[str] = set()
        self.errors: dict[str, str] = {}

    def add(self, message: Message, payload: bytes) -> bool:
        new = message.id not in self.seen
        if new:
            self.seen.add(message.id)
            self.open[message.id] = (message, JANUARY)
        return new

    def get(self, message: str) -> Message | None:
        return self.open[message][0] if message in self.open else None

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Message]:
        found = [m for m, due in self.open.values() if due is not None and due <= now][:limit]
        self.open |= {message.id: (message, until) for message in found}
        return found

    def handled(self, message: str) -> None:
        self.open.pop(message, None)

    def failed(self, message: str, error: str, due_at: datetime | None) -> None:
        known, _ = self.open[message]
        self.open[message] = (replace(known, attempts=known.attempts + 1), due_at)
        self.errors[message] = error

    def unhandled(self, after: str, limit: int) -> Sequence[Unhandled]:
        names = sorted(each for each in self.open if each in self.errors and each > after)
        return [
            Unhandled(
                message=self.open[each][0],
                received_at=JANUARY,
                due_at=self.open[each][1],
                error=self.errors[each],
            )
            for each in names[:limit]
        ]

    def retry(self, message: str | None) -> int:
        found = [each for each in self.open if each in self.errors and message in (None, each)]
        for each in found:
            self.open[each] = (replace(self.open[each][0], attempts=0), JANUARY)
        return len(found)


class Post:
    """A world whose January is issued at Stripe, and an inbox for what Stripe says of it."""

    def __init__(self) -> None:
        self.made: World = world()
        self.made.attach("a1", "seat", JANUARY)
        self.box = Box()
        self.resynced: list[str] = []
        handling = Handling(
            self.made.books,
            self.made.gateway,
            self.made.stripe,
            self.resynced.append,
            self.made.renewals.claim,
        )
        self.inbox = Inbox(self.box, handling)

    def issue(self) -> str:
        self.made.travel(FEBRUARY + timedelta(days=1))
        self.made.advance()
        return self.made.invoice().stripe.invoice or ""

    def say(self, what: str, invoice: str, identity: str = "evt_1") -> None:
        message = Message(id=identity, type=what, object_id=invoice, cycle=None)
        self.inbox.accept(message, b"{}")

    def work(self) -> int:
        return self.inbox.work(self.made.now)

    @property
    def outcomes(self) -> list[str]:
        names = self.made.names()
        return names[names.index("InvoiceFinalized") + 1 :]


def test_a_webhook_is_stored_once_however_often_it_is_sent() -> None:
    post = Post()
    message = Message(id="evt_1", type="invoice.paid", object_id="in_1", cycle=None)
    assert [post.inbox.accept(message, b"{}") for _ in range(3)] == [True, False, False]


def test_the_echo_of_a_sync_is_not_looked_into() -> None:
    post = Post()
    echo = Message(id="evt_1", type="invoice.updated", object_id="in_1", cycle=CYCLE, echo=True)
    assert not post.inbox.accept(echo, b"{}")
    assert post.box.open == {}


def test_a_paid_invoice_is_paid_in_the_books_once() -> None:
    post = Post()
    invoice = post.issue()
    post.made.client.v1.invoices.pay(invoice)
    post.say("invoice.paid", invoice)
    post.say("invoice.payment_succeeded", invoice, "evt_2")
    assert post.work() == 2
    assert post.outcomes == ["PaymentRecorded", "InvoicePaid"]
    view = post.made.invoice()
    assert (view.status, view.amount_paid, view.amount_remaining) == ("paid", 3100, 0)
    assert post.box.open == {}


def test_what_a_webhook_claims_is_not_believed() -> None:
    post = Post()
    invoice = post.issue()
    post.say("invoice.paid", invoice)
    post.work()
    assert post.outcomes == []
    assert post.made.invoice().status == "issued"


def test_void_and_uncollectible_reach_the_books() -> None:
    for action, outcome in (
        ("void_invoice", "InvoiceVoided"),
        ("mark_uncollectible", "InvoiceMarkedUncollectible"),
    ):
        post = Post()
        invoice = post.issue()
        getattr(post.made.client.v1.invoices, action)(invoice)
        post.say("invoice.updated", invoice)
        post.work()
        assert post.outcomes == [outcome]


def test_an_edited_draft_asks_for_a_sync() -> None:
    post = Post()
    post.made.reconciler.sync(CYCLE, "test")
    invoice = post.made.invoice().stripe.invoice or ""
    post.made.sandbox.dashboard.add_line(invoice, 777, "by hand")
    post.say("invoice.updated", invoice)
    post.work()
    assert (post.resynced, post.box.open) == ([CYCLE], {})


def test_what_a_sync_wrote_itself_asks_for_no_other() -> None:
    post = Post()
    post.made.reconciler.sync(CYCLE, "test")
    post.say("invoice.created", post.made.invoice().stripe.invoice or "")
    post.work()
    assert (post.resynced, post.box.open) == ([], {})


def test_while_a_sync_writes_what_stripe_says_of_the_draft_has_to_wait() -> None:
    post = Post()
    post.made.reconciler.sync(CYCLE, "test")
    invoice = post.made.invoice().stripe.invoice or ""
    state, version = post.made.stripe.load(CYCLE)
    writing = state.attempted(
        purpose="update_lines", key="k", method="post", endpoint="/", form={}, at=post.made.now
    )
    post.made.stripe.append(CYCLE, version, [writing], "sync")
    post.say("invoice.updated", invoice)
    post.work()
    assert (post.resynced, post.box.errors["evt_1"][:5]) == ([], "busy:")


def test_where_others_finalized_the_draft_the_next_one_is_due_at_once() -> None:
    post = Post()
    post.made.travel(FEBRUARY + timedelta(hours=1))
    post.made.advance()
    post.made.reconciler.sync(CYCLE, "test")
    invoice = post.made.invoice().stripe.invoice or ""
    post.made.sandbox.dashboard.act(invoice, "finalize")
    post.say("invoice.finalized", invoice)
    post.work()
    assert post.resynced == [CYCLE, "acme.2026-02-01"]


def test_a_draft_that_is_gone_asks_for_a_sync_by_the_cycle_it_named() -> None:
    post = Post()
    post.inbox.accept(
        Message(id="evt_1", type="invoice.deleted", object_id="in_gone", cycle=CYCLE), b"{}"
    )
    post.work()
    assert post.resynced == [CYCLE]


@pytest.mark.parametrize("kind", ["customer.created", "invoice.created", "charge.succeeded"])
def test_what_is_none_of_ours_is_done_at_once(kind: str) -> None:
    post = Post()
    post.say(kind, "in_unknown")
    assert (post.work(), post.box.open, post.resynced) == (1, {}, [])


def test_news_that_comes_too_early_is_tried_again_for_as_long_as_it_takes() -> None:
    """Somebody finalizes the draft by hand and it is paid, while our cycle still accrues."""
    post = Post()
    post.made.reconciler.sync(CYCLE, "test")
    invoice = post.made.invoice().stripe.invoice or ""
    post.made.client.v1.invoices.finalize_invoice(invoice)
    post.made.client.v1.invoices.pay(invoice)
    post.say("invoice.paid", invoice)
    post.work()
    assert post.box.errors["evt_1"].startswith("not_issued")
    assert post.work() == 0, "not before its pause is over"
    for _ in range(2 * ATTEMPTS_MAX):
        post.made.later(hours=1)
        assert post.work() == 1


def a_copy_of_the_invoice(post: Post) -> str:
    """A finalized invoice that carries our cycle, and is not the one on our record."""
    invoices, made = post.made.client.v1.invoices, post.made.invoice()
    marks = {"cycle_id": CYCLE, "revision": "1"}
    customer = invoices.retrieve(made.stripe.invoice or "").customer
    copied = invoices.create({"customer": str(customer), "metadata": marks})
    invoices.finalize_invoice(copied.id)
    return copied.id


def test_after_many_attempts_a_person_has_to_look() -> None:
    post = Post()
    post.issue()
    post.say("invoice.paid", a_copy_of_the_invoice(post))
    for _ in range(ATTEMPTS_MAX):
        assert post.work() == 1
        post.made.later(hours=1)
    assert post.work() == 0
    (failed,) = post.inbox.unhandled("", 10)
    assert (failed.message.id, failed.due_at, failed.error[:10]) == ("evt_1", None, "not_found:")


def test_a_person_has_it_tried_again() -> None:
    post = Post()
    post.issue()
    post.say("invoice.paid", a_copy_of_the_invoice(post))
    post.work()
    assert (post.inbox.retry("evt_1"), post.work()) == (1, 1)
    assert (post.inbox.retry(), post.work()) == (1, 1)
    with pytest.raises(NotFound):
        post.inbox.retry("evt_2")


@pytest.mark.parametrize("fault", ["error_before", "rate_limit"])
def test_what_waiting_mends_is_waited_for_however_long(fault: str) -> None:
    post = Post()
    invoice = post.issue()
    post.made.client.v1.invoices.pay(invoice)
    post.say("invoice.paid", invoice)
    for _ in range(2 * ATTEMPTS_MAX):
        post.made.sandbox.faults.add(fault, method="GET", path="invoices")
        assert post.work() == 1
        post.made.later(hours=1)
    assert (post.work(), post.box.open) == (1, {})
    assert post.outcomes == ["PaymentRecorded", "InvoicePaid"]


def test_one_event_can_be_handled_by_name() -> None:
    post = Post()
    invoice = post.issue()
    post.made.client.v1.invoices.pay(invoice)
    post.say("invoice.paid", invoice)
    for _ in range(2):
        post.inbox.handle("evt_1", post.made.now)
    assert post.outcomes == ["PaymentRecorded", "InvoicePaid"]
