"""Reconciliations that cannot be trusted fail; when they run, and over which cycles."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from application.reconciling.ports import Asked
from application.reconciling.reconciliations import ATTEMPTS_MAX, DAILY
from domain.errors import GatewayUnavailable
from domain.events.stripe_invoice import InvoiceObserved
from domain.identity import stripe_stream
from projections.remote_invoice import RemoteInvoice
from tests.adapters.reconciled_sweeps import FEB, JAN, Forgetful, draft, issued
from tests.january import FEBRUARY, JANUARY, day
from tests.reconciled_world import Reconciled, reconciled_world


@pytest.fixture
def world(database_url: str) -> Iterator[Reconciled]:
    with reconciled_world(database_url) as made:
        yield made


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
