"""Usage that comes after its cycle's cut-off: taken as late, or kept for a person."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.ports import Appended, CycleState
from domain.events.catalog import MeterDefined
from domain.events.cycle import CycleClosed, FinalizationStarted
from domain.events.late import LateFactsBilled, LateFactsReopened
from domain.events.organization import (
    OrganizationClosed,
    OrganizationRegistered,
    PolicyChanged,
)
from domain.events.outcome import InvoiceFinalized, InvoiceVoided
from domain.identity import catalog_stream
from domain.period import Period
from domain.usage import UsageRecord
from tests.january import FEBRUARY, JANUARY, MARCH, day
from tests.memory import MemoryStore
from tests.memory_usage import MemoryUsageLog

FIRST = "acme.2026-01-01"
NOON = day(5, 12)
CUT_OFF = FEBRUARY + timedelta(hours=12)
MONTHS = [datetime(2026, month, 1, tzinfo=JANUARY.tzinfo) for month in range(1, 8)]
REGISTERED = OrganizationRegistered(
    at=JANUARY, organization="acme", currency="usd", time_zone="UTC", anchor_day=1
)


class Books:
    """acme's books in memory. Its cycles begin on the first of each month."""

    def __init__(self, **policies: object) -> None:
        self.store = MemoryStore(JANUARY)
        self.usage = MemoryUsageLog(self.store)
        meter = MeterDefined(
            at=JANUARY, meter="cpu", version=1, aggregation="sum", unit="hour", dimensions=()
        )
        self.store.append(catalog_stream(), 0, [meter], actor="test", at=JANUARY)
        january = Period(JANUARY, FEBRUARY)
        self.store.register([REGISTERED], january, january, actor="test")
        if policies:
            self.decide([PolicyChanged(at=JANUARY, policies=policies)])
        self.sent = 0

    def use(self, value: str, at: datetime = NOON) -> Appended:
        self.sent += 1
        record = UsageRecord(
            source="s",
            id=f"r{self.sent}",
            organization="acme",
            meter="cpu",
            value=value,
            occurred_at=at,
        )
        return self.usage.append([record], actor="test", now=self.store.now)

    def decide(self, events: list[Any]) -> None:
        with self.store.change("acme", actor="test") as books:
            books.append_organization(events)

    def add(self, *events: Any, cycle: str = FIRST) -> None:
        with self.store.change("acme", actor="test", cycle=cycle) as books:
            assert books.asked is not None
            books.append(books.asked, events)

    def go_on(self, months: int = 1) -> None:
        """Open some more cycles."""
        with self.store.change("acme", actor="test") as books:
            for _ in range(months):
                newest = books.cycles[-1]
                books.append(newest, newest.begin_closing(newest.period.end))
                end = next(each for each in MONTHS if each > newest.period.end)
                period = Period(newest.period.end, end)
                books.open_cycle(period, period, newest)
        self.store.now = max(self.store.now, period.start)

    def cut_off(self) -> None:
        """The first cycle's period and its grace are over."""
        self.go_on()
        self.store.now = CUT_OFF
        self.add(CycleClosed(at=CUT_OFF, version=self.state().version))

    def issue(self) -> None:
        version = self.state().version
        started = FinalizationStarted(
            at=CUT_OFF, version=version, digest="sha256:0", subtotal=0, lines={}, basis={}
        )
        self.add(started, InvoiceFinalized(at=CUT_OFF, total=0))

    def state(self, cycle: str = FIRST) -> CycleState:
        found = self.store.snapshot("acme", cycle).asked
        assert found is not None
        return found

    def quantities(self) -> tuple[int, int | None]:
        """What the first cycle's usage adds up to at its basis, and with everything known."""
        state = self.state()
        basis = sum(int(tally.quantity) for tally in state.tallies.values())
        if state.late is None:
            return basis, None
        return basis, sum(int(tally.quantity) for tally in state.late.values())

    def owing(self) -> list[str]:
        return [each.cycle.id for each in self.store.snapshot("acme").owing]


def codes(appended: Appended) -> Mapping[int, str]:
    return {index: refusal.code for index, refusal in appended.refusals.items()}


def test_a_record_after_the_cut_off_is_accepted_as_late() -> None:
    books = Books()
    assert books.use("7").late == 0
    books.cut_off()
    assert books.quantities() == (7, None)
    appended = books.use("2")
    assert (codes(appended), appended.late) == ({}, 1)
    assert books.quantities() == (7, 9)
    assert books.store.history(FIRST)[-1].position == appended.position


@pytest.mark.parametrize(
    ("policies", "months", "code"),
    [
        pytest.param({"late_facts": "reject"}, 0, "late_rejected", id="the policy takes none"),
        pytest.param({"late_limit_cycles": 0}, 0, "too_late", id="only of the newest cycle"),
        pytest.param({"late_limit_cycles": 1}, 0, None, id="the cycle before the newest"),
        pytest.param({"late_limit_cycles": 1}, 1, "too_late", id="two cycles before it"),
        pytest.param({"late_facts": "credit_note_or_charge"}, 0, None, id="credited at once"),
    ],
)
def test_policies_say_which_late_usage_is_taken(
    policies: dict[str, object], months: int, code: str | None
) -> None:
    books = Books(**policies)
    books.cut_off()
    if months:
        books.go_on(months)
    appended = books.use("2")
    assert codes(appended) == ({0: code} if code else {})
    assert appended.late == (0 if code else 1)


def test_usage_of_a_forgiven_invoice_is_written_off() -> None:
    books = Books()
    books.cut_off()
    books.issue()
    books.add(InvoiceVoided(at=CUT_OFF, reason="goodwill", mode="forgive"))
    assert codes(books.use("2")) == {0: "written_off"}


def test_usage_after_the_end_of_an_organization_waits() -> None:
    books = Books()
    books.decide([OrganizationClosed(at=FEBRUARY, reason="moved away")])
    assert codes(books.use("2", MARCH)) == {0: "organization_closed"}


def test_an_issued_invoice_owes_until_its_late_facts_are_billed() -> None:
    books = Books()
    books.cut_off()
    books.issue()
    assert books.owing() == []
    books.use("2")
    assert books.owing() == [FIRST]
    with books.store.change("acme", actor="test") as locked:
        assert [each.id for each in locked.issued] == [FIRST]
        assert locked.state(locked.issued[0]).late is not None
    books.add(LateFactsBilled(at=CUT_OFF, by="acme.2026-02-01", lines={"usage/a1/cpu@1": 4}))
    assert books.owing() == []
    books.add(LateFactsReopened(at=CUT_OFF, by="acme.2026-02-01"))
    assert books.owing() == [FIRST]


def test_a_reissue_counts_what_came_late() -> None:
    books = Books()
    books.use("7")
    books.cut_off()
    books.issue()
    books.use("2")
    version = books.state().version
    books.add(InvoiceVoided(at=CUT_OFF, reason="wrong", mode="reissue", version=version))
    assert books.quantities() == (9, None)
    assert books.owing() == []


def test_a_change_can_lock_issued_cycles_from_an_instant_on() -> None:
    books = Books()
    books.cut_off()
    books.issue()
    with books.store.change("acme", actor="test", since=day(20)) as locked:
        assert [each.id for each in locked.issued] == [FIRST]
    with books.store.change("acme", actor="test", since=FEBRUARY) as locked:
        assert locked.issued == []
    with books.store.change("acme", actor="test", cycle=FIRST) as locked:
        assert locked.issued == [locked.asked]


def test_a_record_is_found_by_source_and_id() -> None:
    books = Books()
    books.use("7")
    found = books.store.find("s", "r1")
    assert found is not None
    name, record = found
    assert (name, record.value) == (FIRST, "7")
    assert books.store.find("s", "r2") is None
