"""What an invoice takes in reads at Stripe: as many as its allowance counts with."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.stripe.events import StripeEvents
from application.catching_up import CatchingUp
from domain.sync_allowance import READS_PER_SYNC, READS_TO_ISSUE
from tests.application.test_inbox import CYCLE, Post
from tests.january import FEBRUARY, JANUARY
from tests.memory_cursor import MemoryCursor

MORE_THAN_ONE_READ_SHOWS = 12
"""Lines: with its first ten an invoice comes in one read."""


class Large(Post):
    """January with so many lines, drafted; what happens at Stripe is heard of, and handled."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(MORE_THAN_ONE_READ_SHOWS):
            self.made.attach(f"b{number}", "seat", JANUARY)
        self.hears = CatchingUp(
            inbox=self.inbox,
            feed=StripeEvents(self.made.client),
            cursor=MemoryCursor(),
            gateway=self.made.gateway,
            stripe=self.made.stripe,
            books=self.made.books,
            began=lambda: JANUARY,
        )
        self.made.reconciler.sync(CYCLE, "worker")
        self.hear()

    def hear(self) -> None:
        """Everything that happened, once."""
        self.hears.run(self.made.now)
        while self.work():
            assert self.box.errors == {}

    def reads(self) -> Iterator[str]:
        """What was read of the invoice since the last look; the list of events is all's."""
        calls = self.made.sandbox.transport.calls
        paths = [each["path"] for each in calls if each["method"] == "GET"]
        calls.clear()
        return (each for each in paths if not each.startswith("/v1/events"))


@pytest.fixture
def large() -> Large:
    made = Large()
    made.made.sandbox.transport.calls.clear()
    return made


def test_a_changed_draft_takes_the_reads_of_its_sync_and_none_for_hearing_of_it(
    large: Large,
) -> None:
    large.made.count("b1", "5", JANUARY + timedelta(days=1))
    assert large.made.reconciler.sync(CYCLE, "worker").proof
    large.hear()
    assert len(list(large.reads())) == READS_PER_SYNC
    assert large.resynced == []


def test_what_others_did_to_a_draft_is_looked_into(large: Large) -> None:
    draft = large.made.invoice().stripe.invoice or ""
    large.made.sandbox.dashboard.add_line(draft, 500, "by hand")
    large.hear()
    assert large.resynced == [CYCLE]


def test_issuing_takes_no_more_than_what_is_kept_for_it(large: Large) -> None:
    large.made.travel(FEBRUARY + timedelta(days=1))
    large.made.advance()
    large.hear()
    large.made.client.v1.invoices.pay(large.made.invoice().stripe.invoice or "")
    large.hear()
    assert large.made.invoice().status == "paid"
    assert len(list(large.reads())) <= READS_TO_ISSUE
