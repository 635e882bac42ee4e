"""Reconciliations end to end: real books, a real database, and Stripe's sandbox behind the SDK."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.stripe.gateway import StripeGateway
from application.reconciling.ports import Asked
from application.reconciling.reconciliations import ATTEMPTS_MAX, DAILY
from domain.errors import GatewayUnavailable
from domain.events.stripe_invoice import InvoiceObserved
from domain.identity import stripe_stream
from projections.remote_invoice import RemoteInvoice
from tests.application.test_stories import (
    a_swap_and_a_trial,
    closing_an_organization,
    fees_in_advance,
    late_facts,
    void_and_reissue,
)
from tests.january import FEBRUARY, JANUARY, day
from tests.reconciled_world import Reconciled, reconciled_world
from tests.world import World, january

JAN, FEB = "acme.2026-01-01", "acme.2026-02-01"
ISSUE = FEBRUARY + timedelta(hours=12)


@pytest.fixture
def world(database_url: str) -> Iterator[Reconciled]:
    with reconciled_world(database_url) as made:
        yield made


def draft(world: Reconciled) -> str:
    """A draft in step, made on the tenth of January."""
    world.made.attach("a1", "seat", JANUARY)
    world.made.travel(day(10))
    world.stored.settle_down()
    return str(world.invoice(JAN)["id"])


def issued(world: Reconciled) -> str:
    """An open invoice, and February's draft."""
    draft(world)
    world.made.travel(ISSUE)
    world.made.advance()
    world.stored.settle_down()
    return str(world.invoice(JAN)["id"])


class Forgetful:
    """A gateway whose list lacks what it should show."""

    def __init__(self, gateway: StripeGateway, keep: int) -> None:
        self._gateway, self._keep = gateway, keep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        for page in self._gateway.listed(start, end):
            yield page[: self._keep]
            return


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


def another(world: Reconciled, cycle: str, amount: int, **more: str) -> str:
    """An invoice that carries a cycle's id, made without us."""
    customer = world.made.client.v1.customers.create({})
    invoice = world.made.client.v1.invoices.create(
        {
            "customer": customer.id,
            "currency": "usd",
            "metadata": {"cycle_id": cycle, "revision": "1", **more},
        }
    )
    if amount:
        world.made.sandbox.dashboard.add_line(invoice.id, amount, "Something")
    return str(invoice.id)


def test_an_issued_invoice_over_another_amount(world: Reconciled) -> None:
    issued(world)
    tamper(world, "invoice", world.invoice(JAN), subtotal=3000, total=3000)
    tamper(world, "line", world.ledger.get("line", world.line(JAN, "fee/a1/seat@1")), amount=3000)
    world.sweep()
    assert world.told() == [("amount", "error", -100, JAN)]


def tamper(world: Reconciled, kind: str, thing: dict[str, Any], **fields: Any) -> None:
    """Change at Stripe what nobody should be able to change."""
    excluding = {f"{name}_excluding_tax": amount for name, amount in fields.items()}
    known = {name: value for name, value in excluding.items() if name in thing}
    parent = thing["customer"] if kind == "invoice" else thing["invoice"]
    with world.ledger.transaction():
        world.ledger.put(kind, thing | fields | known, parent=parent)


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


# A sweep that cannot be trusted


def test_an_empty_list_where_the_books_expect_invoices_is_a_failure(world: Reconciled) -> None:
    world.made.sandbox.dashboard.act(draft(world), "delete")
    report = world.sweep()
    assert (report.status, world.found) == ("failed", [])
    assert "empty_sweep" in str(report.problem)
    state, _ = world.made.stripe.load(JAN)
    assert state.live(1) is not None  # with another account's key, nothing is taken for gone


def test_a_list_that_ends_early_is_a_failure(world: Reconciled) -> None:
    issued(world)
    world.made.later(days=2)
    report = world.sweep(Forgetful(world.made.gateway, keep=1))  # type: ignore[arg-type]
    assert (report.status, report.done, world.found) == ("failed", 2, [])
    assert world.invoice(FEB)["id"] in str(report.problem) and "list_ended_early" in str(
        report.problem
    )


class Silent(Forgetful):
    """A gateway that cannot be reached."""

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        raise GatewayUnavailable("no answer from Stripe")


def test_while_stripe_is_away_it_is_begun_anew_and_given_up_in_the_end(world: Reconciled) -> None:
    draft(world)
    world.follow()
    use_case = world.reconciliations(Silent(world.made.gateway, 0))  # type: ignore[arg-type]
    asked = use_case.request(Asked(), "test")
    for _ in range(ATTEMPTS_MAX - 1):
        with pytest.raises(GatewayUnavailable):
            use_case.step()
        assert not use_case.step()  # until its lease is over
        world.made.later(minutes=11)
    assert use_case.step()
    report = use_case.get(asked.id)
    assert (report.status, report.attempt) == ("failed", ATTEMPTS_MAX)
    assert not use_case.step()


def test_one_that_a_crash_cut_off_is_begun_anew_and_counts_nothing_twice(
    world: Reconciled,
) -> None:
    world.made.sandbox.dashboard.add_line(draft(world), 777, "By hand")
    world.follow()
    use_case = world.reconciliations(Cut(world.made.gateway, 0))  # type: ignore[arg-type]
    asked = use_case.request(Asked(), "test")
    with pytest.raises(KeyboardInterrupt):
        use_case.step()
    assert use_case.get(asked.id).status == "running"
    world.made.later(minutes=11)
    assert world.reconciliations().step()
    report = use_case.get(asked.id)
    assert (report.status, report.attempt, report.findings) == ("done", 2, 1)
    assert world.stored.rows("SELECT count(*) FROM reconciliation_sighting") == [(0,)]


class Cut(Forgetful):
    """A gateway in the middle of whose list the process dies."""

    def listed(self, start: datetime, end: datetime) -> Iterator[Sequence[RemoteInvoice]]:
        yield from self._gateway.listed(start, end)
        raise KeyboardInterrupt


# When


def test_one_that_a_person_interrupts_is_over_and_one_under_way_is_nobody_elses(
    world: Reconciled,
) -> None:
    draft(world)
    use_case = world.reconciliations()

    def interrupt(_done: int, _expected: int) -> None:
        assert not use_case.step()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use_case.run(Asked(), "test", interrupt)
    (report,) = use_case.list(None, 10)
    assert (report.status, report.problem) == ("failed", "interrupted")


def test_what_cannot_be_kept_with_the_cycle_is_told_besides(world: Reconciled) -> None:
    invoice = issued(world)
    world.stored.rewrite("ServiceAttached", lambda body: body.update(quantity="2"))
    world.made.sandbox.dashboard.act(invoice, "void")
    world.sweep()
    found = [(each.kind, each.detail) for each in world.found if each.cycle == JAN]
    assert [kind for kind, _ in found] == ["replay_differs", "status", "unreadable"]
    assert found[-1][1].startswith("not kept with the cycle: settled_differs")


def test_the_window_takes_the_cycles_that_overlap_it(world: Reconciled) -> None:
    issued(world)
    for window, expected in (
        ({"end": FEBRUARY}, 1),
        ({"start": FEBRUARY}, 1),
        ({"start": day(31), "end": FEBRUARY + timedelta(seconds=1)}, 2),
        ({"start": day(300)}, 0),
    ):
        report = world.sweep(**window)
        assert (report.expected, report.done, report.clean) == (expected, expected, True)


def test_it_is_asked_for_once_a_day(world: Reconciled) -> None:
    use_case = world.reconciliations()
    now = datetime.now(JANUARY.tzinfo)
    draft(world)
    for _ in range(2):
        use_case.request_daily(now)
    (daily,) = use_case.list(None, 10)
    assert (daily.requested_by, daily.asked.repair, daily.status) == (DAILY, True, "requested")
    use_case.request_daily(now + timedelta(days=1, minutes=1))
    assert len(use_case.list(None, 10)) == 2


def test_an_observation_of_the_sweep_is_recorded_as_its_own(world: Reconciled) -> None:
    world.made.sandbox.dashboard.add_line(draft(world), 777, "By hand")
    report = world.sweep()
    seen = [
        each
        for each in world.stored.log.read(stripe_stream(JAN))
        if each.actor == f"reconciliation:{report.id}"
    ]
    assert isinstance(seen[0].event, InvoiceObserved)
