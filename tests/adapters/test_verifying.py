"""A sound store passes every check; one changed by hand is told by invariant and by place."""

from collections.abc import Callable, Iterator

import pytest

from application.verification import TELL_EVERY
from domain.events.organization import StripeCustomerLinked
from domain.identity import organization_stream
from projections.checks.judging import SHOWN_MAX
from tests.application.test_stories import (
    a_swap_and_a_trial,
    closing_an_organization,
    fees_in_advance,
    late_facts,
    void_and_reissue,
)
from tests.january import day
from tests.reopened import EVERYTHING
from tests.stored_stories import FIRST, SECOND, february_is_issued, much_happened
from tests.stored_world import StoredWorld, stored_world
from tests.world import World, january


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        yield found


# A sound store


@pytest.mark.parametrize(
    "happened",
    [
        january,
        a_swap_and_a_trial,
        late_facts,
        void_and_reissue,
        fees_in_advance,
        closing_an_organization,
    ],
)
def test_a_store_in_which_a_story_happened_is_sound(
    stored: StoredWorld, happened: Callable[[World], None]
) -> None:
    happened(stored.made)
    stored.settle_down()
    report = stored.verify(ask_stripe=True)
    assert (report.broken, report.checked) == ([], EVERYTHING)
    assert report.organizations == 1 and report.cycles > 1


@pytest.mark.parametrize("happened", [much_happened, february_is_issued])
def test_a_store_in_which_much_happened_is_sound(
    stored: StoredWorld, happened: Callable[[StoredWorld], None]
) -> None:
    happened(stored)
    report = stored.verify(ask_stripe=True)
    assert report.broken == []
    told = {what: count for what, count in report.accounts["acme"].items() if count}
    assert told == {"priced": 11, "unpriced": 1, "retracted": 2}
    assert stored.verify(organization="acme").broken == []


def test_progress_is_told_as_usage_is_read(stored: StoredWorld) -> None:
    made, thousand = stored.made, TELL_EVERY
    made.attach("a1", "machine", day(1))
    made.travel(day(9))
    for _ in range(2):
        made.record([made.usage("1", day(5)) for _ in range(thousand)])
    all_of_it = 2 * thousand + len([FIRST])
    assert stored.progress() == [
        (thousand, all_of_it),
        (2 * thousand, all_of_it),
        (all_of_it, all_of_it),
    ]


# What is broken in more than one way


def test_late_amounts_are_on_the_invoice_that_is_said_to_bill_them(stored: StoredWorld) -> None:
    february_is_issued(stored)
    assert stored.told() == set()
    stored.rewrite("LateFactsBilled", lambda it: it["lines"].update({"usage/a1/cpu@1": 1}))
    assert (5, FIRST) in stored.told()
    assert stored.told(5) == {(5, FIRST)}


def test_a_tally_that_is_gone_is_missed_wherever_it_counts(stored: StoredWorld) -> None:
    much_happened(stored)
    stored.damage("DELETE FROM usage_tally WHERE cycle_no = 2")
    found = stored.verify()
    assert {(each.invariant, each.about) for each in found.broken} == {
        (2, SECOND),
        (3, SECOND),
        (4, SECOND),
        (5, SECOND),
        (8, SECOND),
    }
    (tally,) = [each for each in found.broken if each.invariant == 2]
    assert tally.what == "cpu/a1/cpu@1 region="
    assert tally.detail == "kept nothing, by the log 3.0 of 6 records"


def test_an_event_that_cannot_be_read_is_told_and_the_rest_is_checked(stored: StoredWorld) -> None:
    much_happened(stored)
    stored.made.register("zeta")
    stored.settle_down()
    stored.damage("UPDATE cyclebook_events SET state = 'x' WHERE topic = 'UsageRetracted@1'")
    stored.damage("UPDATE cycle_head SET records = 1 WHERE organization = 'zeta'")
    found = stored.told()
    assert {(10, "acme"), (11, "log"), (1, "zeta.2026-02-01")} <= found
    assert {about for _, about in found} == {"acme", "log", "zeta.2026-02-01"}


def test_of_one_thing_wrong_everywhere_only_so_much_is_told(stored: StoredWorld) -> None:
    made = stored.made
    made.attach("a1", "machine", day(1))
    made.travel(day(9))
    made.record([made.usage("1", day(5)) for _ in range(3 * SHOWN_MAX)])
    stored.damage("DELETE FROM usage_dedup")
    found = stored.verify(1).broken
    assert len(found) == SHOWN_MAX + 1
    assert {each.invariant for each in found} == {1}


def test_two_live_invoices_are_found_by_asking_stripe(stored: StoredWorld) -> None:
    much_happened(stored)
    assert stored.told(7) == set()
    draft = stored.made.gateway.find(*_at_stripe(stored))[0]
    again = stored.made.client.v1.invoices.retrieve(draft.id)
    stored.made.client.v1.invoices.create(
        {"customer": str(again.customer), "metadata": again.metadata.to_dict()}
    )
    assert stored.told(7) == set(), "our own record does not know of it"
    found = stored.verify(7, ask_stripe=True).broken
    assert [(each.invariant, each.about) for each in found] == [(7, SECOND)]


def _at_stripe(stored: StoredWorld) -> tuple[str, str]:
    """acme's customer there, and the cycle that accrues."""
    events = stored.log.read(organization_stream("acme"))
    (linked,) = [e.event for e in events if isinstance(e.event, StripeCustomerLinked)]
    return linked.customer, SECOND
