"""What a reconciliation mends: what is ours and safe; what people did is left alone."""

from collections.abc import Callable, Iterator

import pytest

from tests.adapters.reconciled_sweeps import FEB, ISSUE, JAN, draft, issued, tamper
from tests.january import FEBRUARY, day
from tests.reconciled_world import Reconciled, reconciled_world


@pytest.fixture
def world(database_url: str) -> Iterator[Reconciled]:
    with reconciled_world(database_url) as made:
        yield made


# What is mended


def test_a_draft_whose_sync_was_forgotten_is_synced(world: Reconciled) -> None:
    draft(world)
    world.made.item("setup", 4900, day(10))
    world.follow()
    world.stored.damage("DELETE FROM sync_queue")
    assert world.sweep().findings == 1
    assert world.told() == [("lagging", "warning", -4900, JAN)]
    report = world.sweep(repair=True)
    assert (report.findings, report.repaired) == (1, 1)
    assert (world.found[0].repair, world.found[0].repaired) == ("synced", True)
    assert world.invoice(JAN)["subtotal"] == 8000
    assert world.sweep().clean


def test_a_projected_row_is_rebuilt(world: Reconciled) -> None:
    issued(world)
    before = world.stored.rows("SELECT * FROM invoice_summary ORDER BY cycle")
    world.stored.damage(f"UPDATE invoice_summary SET total = 1, held = 'no' WHERE cycle = '{JAN}'")
    world.stored.damage(f"DELETE FROM invoice_summary WHERE cycle = '{FEB}'")
    report = world.sweep(repair=True)
    assert (report.findings, report.repaired) == (2, 2)
    assert world.stored.rows("SELECT * FROM invoice_summary ORDER BY cycle") == before


def test_a_payment_that_no_webhook_told_of_is_noted(world: Reconciled) -> None:
    world.made.sandbox.dashboard.act(issued(world), "pay")
    world.sweep()
    assert world.told() == [("status", "warning", 0, JAN)]
    report = world.sweep(repair=True)
    assert (report.findings, report.repaired) == (1, 1)
    assert world.made.invoice(JAN).status == "paid"
    assert world.sweep().clean


def test_an_invoice_issued_in_the_moment_of_a_crash_is_noted(
    world: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(world)
    world.made.travel(ISSUE)
    with monkeypatch.context() as crash:
        crash.setattr(type(world.made.conflicts), "finalize", dies_after(world))
        with pytest.raises(KeyboardInterrupt):
            world.made.advance()
    world.stored.settle_down()
    world.sweep(end=FEBRUARY)
    assert world.told() == [("status", "warning", 0, JAN)]
    report = world.sweep(end=FEBRUARY, repair=True)
    assert (world.found[0].repair, report.repaired) == ("noted", 1)
    assert world.made.invoice(JAN).status == "issued"


def dies_after(world: Reconciled) -> Callable[..., object]:
    """Finalizing at Stripe, and no word of it to the books."""

    def finalize(_self: object, cycle: str, actor: str, force: bool = False) -> object:
        world.made.reconciler.finalize(cycle, actor, force)
        raise KeyboardInterrupt

    return finalize


def test_what_people_did_at_stripe_and_issued_invoices_are_left_alone(world: Reconciled) -> None:
    issued(world)
    tamper(world, "invoice", world.invoice(JAN), subtotal=3000, total=3000)
    tamper(world, "line", world.ledger.get("line", world.line(JAN, "fee/a1/seat@1")), amount=3000)
    world.made.sandbox.dashboard.add_line(world.invoice(FEB)["id"], 777, "By hand")
    report = world.sweep(repair=True)
    assert sorted(each[0] for each in world.told()) == ["amount", "edited"]
    assert (report.repaired, {each.repair for each in world.found}) == (0, {None})
    assert world.invoice(FEB)["subtotal"] == 3877


def test_a_repair_that_fails_says_why(world: Reconciled) -> None:
    draft(world)
    world.made.item("setup", 4900, day(10))
    world.follow()
    world.stored.damage("DELETE FROM sync_queue")
    world.made.sandbox.faults.add("error_before", path="add_lines")
    report = world.sweep(repair=True)
    assert report.repaired == 0
    assert str(world.found[0].repair).startswith("not repaired: gateway_unavailable")
