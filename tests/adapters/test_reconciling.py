"""What a reconciliation finds: real books, a real database, and Stripe's sandbox behind the SDK."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import pytest

from projections.remote_invoice import RemoteInvoice
from tests.adapters.reconciled_sweeps import FEB, JAN, Forgetful, another, draft, issued, tamper
from tests.application.test_stories import (
    a_swap_and_a_trial,
    closing_an_organization,
    fees_in_advance,
    late_facts,
    void_and_reissue,
)
from tests.january import day
from tests.reconciled_world import Reconciled, reconciled_world
from tests.world import World, january


@pytest.fixture
def world(database_url: str) -> Iterator[Reconciled]:
    with reconciled_world(database_url) as made:
        yield made


# Nothing differs


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
def test_books_in_step_are_clean(world: Reconciled, happened: Callable[[World], None]) -> None:
    happened(world.made)
    world.stored.settle_down()
    report = world.sweep()
    assert world.found == []
    assert report.clean and (report.status, report.done) == ("done", report.expected)
    assert report.expected > 1 and report.listed > 0


def test_a_clean_sweep_reads_stripes_list_and_nothing_else(world: Reconciled) -> None:
    issued(world)
    before = {cycle: world.made.stripe.load(cycle)[1] for cycle in (JAN, FEB)}
    world.reads()
    assert world.sweep().clean
    assert set(world.reads()) == {"/v1/invoices"}
    assert {cycle: world.made.stripe.load(cycle)[1] for cycle in (JAN, FEB)} == before


def test_lines_are_read_only_where_those_in_sight_do_not_suffice(world: Reconciled) -> None:
    draft(world)
    for number in range(12):
        world.made.item(f"i{number:02}", 100, day(10))
    world.stored.settle_down()
    world.reads()
    assert world.sweep().clean
    assert [each for each in world.reads() if each.endswith("/lines")] == []
    for key, amount in (("item/i10", 90), ("item/i11", 110)):
        world.made.sandbox.dashboard.edit_line(world.line(JAN, key), amount=amount)
    assert world.sweep().clean
    world.sweep(every_line=True)
    assert world.told() == [("edited", "warning", 0, JAN)]


def test_what_accrued_since_and_is_still_to_be_synced_is_no_discrepancy(
    world: Reconciled,
) -> None:
    draft(world)
    world.made.item("setup", 4900, day(10))
    assert world.sweep().clean


class Meanwhile(Forgetful):
    """A gateway while whose list is read, work goes on."""

    happens: Callable[[], object]

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        yield from self._gateway.listed(start, end)
        self.happens()


def test_a_draft_synced_while_stripe_is_listed_costs_no_read(world: Reconciled) -> None:
    draft(world)

    def sync() -> None:
        world.made.later(seconds=1)
        world.made.item("setup", 4900, day(10))
        world.stored.settle_down()
        world.reads()

    gateway = Meanwhile(world.made.gateway, 0)
    gateway.happens = sync
    assert world.sweep(gateway).clean  # type: ignore[arg-type]
    assert world.reads() == []


# What differs


def test_a_line_put_there_by_hand(world: Reconciled) -> None:
    invoice = draft(world)
    world.made.sandbox.dashboard.add_line(invoice, 777, "By hand")
    report = world.sweep()
    assert world.told() == [("edited", "warning", 777, JAN)]
    (edited,) = world.found
    assert (edited.invoice, edited.ours, edited.theirs) == (invoice, "3100", "3877")
    assert not report.clean and (report.status, report.done) == ("done", 1)
    (count,) = report.counts
    assert (count.kind, count.findings, count.cents, count.currency) == ("edited", 1, 777, "usd")


def test_support_finds_it_with_the_cycle(world: Reconciled) -> None:
    world.made.sandbox.dashboard.add_line(draft(world), 777, "By hand")
    world.sweep()
    state, _ = world.made.stripe.load(JAN)
    assert [each.kind for each in state.discrepancies.values()] == ["foreign_line"]


def test_an_edited_line(world: Reconciled) -> None:
    draft(world)
    line = world.line(JAN, "fee/a1/seat@1")
    world.made.sandbox.dashboard.edit_line(line, amount=3000)
    world.sweep()
    assert world.told() == [("edited", "warning", -100, JAN)]
    assert "ours 3100, Stripe's 3000" in world.found[0].detail


def test_a_draft_that_somebody_deleted(world: Reconciled) -> None:
    world.made.sandbox.dashboard.act(draft(world), "delete")
    another(world, "ghost.2026-01-01", 0)
    world.sweep()
    assert world.told() == [
        ("missing", "warning", -3100, JAN),
        ("orphan_draft", "info", 0, "ghost.2026-01-01"),
    ]


def test_an_issued_invoice_over_another_amount(world: Reconciled) -> None:
    issued(world)
    tamper(world, "invoice", world.invoice(JAN), subtotal=3000, total=3000)
    tamper(world, "line", world.ledger.get("line", world.line(JAN, "fee/a1/seat@1")), amount=3000)
    world.sweep()
    assert world.told() == [("amount", "error", -100, JAN)]


@pytest.mark.parametrize(
    ("fields", "kind"), [({"currency": "eur"}, "currency"), ({"customer": "cus_x"}, "customer")]
)
def test_another_currency_or_customer(world: Reconciled, fields: dict[str, str], kind: str) -> None:
    draft(world)
    tamper(world, "invoice", world.invoice(JAN), **fields)
    world.sweep()
    assert (kind, "error", 0, JAN) in world.told()


def test_a_second_invoice_for_the_same_cycle(world: Reconciled) -> None:
    draft(world)
    second = another(world, JAN, 500)
    world.sweep()
    assert world.told() == [("duplicate_invoice", "error", 500, JAN)]
    assert world.found[0].invoice == second


def test_drafts_and_invoices_of_cycles_that_do_not_exist(world: Reconciled) -> None:
    draft(world)
    another(world, "ghost.2026-01-01", 500)
    open_one = another(world, "ghost.2026-02-01", 700)
    world.made.sandbox.dashboard.act(open_one, "finalize")
    world.sweep(repair=True)
    assert sorted(world.told()) == [
        ("extra", "error", 700, "ghost.2026-02-01"),
        ("orphan_draft", "warning", 500, "ghost.2026-01-01"),
    ]
    assert len(world.ledger.every("invoice")) == 3  # nothing that is not ours is deleted


def test_an_invoice_that_was_finalized_behind_our_back(world: Reconciled) -> None:
    world.made.sandbox.dashboard.act(draft(world), "finalize")
    world.sweep(repair=True)
    assert world.told() == [("status", "error", 3100, JAN)]
    assert world.found[0].repair is None


@pytest.mark.parametrize(
    ("change", "severity", "cents"),
    [
        ("status = 'paid'", "error", 0),
        ("total = 3000", "error", -100),
        ("number = 'X'", "warning", 0),
    ],
)
def test_a_projected_row_that_is_not_what_the_events_say(
    world: Reconciled, change: str, severity: str, cents: int
) -> None:
    issued(world)
    world.stored.damage(f"UPDATE invoice_summary SET {change} WHERE cycle = '{JAN}'")
    world.sweep()
    assert world.told() == [("projection_differs", severity, cents, JAN)]


def test_an_event_changed_after_the_books_were_settled(world: Reconciled) -> None:
    issued(world)
    world.stored.rewrite("ServiceAttached", lambda body: body.update(quantity="2"))
    world.sweep()
    assert ("replay_differs", "error", -3100, JAN) in world.told()


def test_a_cycle_that_cannot_be_read_keeps_no_other_from_it(world: Reconciled) -> None:
    draft(world)
    world.made.register("zeta")
    world.stored.settle_down()
    world.stored.rewrite("ServiceAttached", lambda body: body.update(quantity={"not": "one"}))
    report = world.sweep()
    assert ("unreadable", JAN) in [(each.kind, each.cycle) for each in world.found]
    assert (report.status, report.expected, report.done, report.clean) == ("done", 2, 1, False)
