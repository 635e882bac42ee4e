"""Failing syncs: when operators are told, when customers are, and when it is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.notices import Notice
from application.noticing import (
    CUSTOMERS_TOLD_AFTER,
    FAILING_FOR,
    Trouble,
    Upcoming,
    told_of,
)
from application.schedule_ports import Tally
from application.views import InvoiceView
from domain.errors import RuleViolation
from tests.january import JANUARY
from tests.world import world

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
SHORT = timedelta(seconds=1)


def failing(cycle: str = "acme.2026-01-01", ago: timedelta = FAILING_FOR, **more) -> Trouble:
    values = {"parked": False, "error": "gateway_rejected: no", **more}
    return Trouble(cycle=cycle, since=NOW - ago, **values)


def over(trouble: Trouble) -> Trouble:
    return replace(trouble, error=None, parked=False)


@pytest.mark.parametrize(
    ("troubles", "kinds"),
    [
        pytest.param([], [], id="nothing fails"),
        pytest.param([failing(ago=FAILING_FOR - SHORT)], [], id="for minutes"),
        pytest.param([failing()], ["sync.failed"], id="for a quarter of an hour"),
        pytest.param([failing(ago=SHORT, parked=True)], ["sync.failed"], id="parked"),
        pytest.param([failing(told_at=NOW)], [], id="told before"),
        pytest.param(
            [failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW)], ["trouble.noticed"], id="for an hour"
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
                failing("acme.2026-02-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            ["trouble.noticed"],
            id="two cycles of one customer",
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
                failing("globex.2026-01-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            ["trouble.noticed", "trouble.noticed"],
            id="two customers",
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW, customer_told_at=NOW),
                failing("acme.2026-02-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            [],
            id="the customer knows already",
        ),
        pytest.param([over(failing())], [], id="over before it was told"),
        pytest.param([over(failing(told_at=NOW))], ["sync.recovered"], id="over"),
        pytest.param(
            [over(failing(told_at=NOW, customer_told_at=NOW))],
            ["sync.recovered", "trouble.over"],
            id="over for a customer who was told",
        ),
        pytest.param(
            [
                over(failing(told_at=NOW, customer_told_at=NOW)),
                failing("acme.2026-02-01", told_at=NOW, customer_told_at=NOW),
            ],
            ["sync.recovered"],
            id="over for one cycle of two",
        ),
    ],
)
def test_who_is_told_what(troubles: list[Trouble], kinds: list[str]) -> None:
    notices, after = told_of(troubles, NOW)
    assert [each.kind for each in notices] == kinds
    assert [each.cycle for each in after] == [each.cycle for each in troubles]


def test_what_was_told_is_not_told_again() -> None:
    _, after = told_of([failing(ago=CUSTOMERS_TOLD_AFTER)], NOW)
    assert told_of(after, NOW + timedelta(days=1))[0] == []


def test_a_notice_holds_the_code_and_not_the_words_of_an_error() -> None:
    error = "customer_gone: the customer cus_1 of Ada Byron is gone"
    ((notice,), _) = told_of([failing(error=error)], NOW)
    assert notice.data["code"] == "customer_gone"
    assert "Ada" not in repr(notice)


class Ending:
    """Two periods that end soon, and what was told. Stands in for the tables."""

    def __init__(self) -> None:
        self.told: list[Notice] = []

    def ending(self, now: datetime, until: datetime, limit: int) -> list[str]:
        return ["broken.2026-01-01", "acme.2026-01-01"]

    def announce(self, notices: list[Notice]) -> int:
        self.told += notices
        return len(notices)


def test_an_invoice_that_cannot_be_shown_keeps_nobody_else_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = world(JANUARY)

    def invoice(cycle: str) -> InvoiceView:
        if cycle.startswith("broken"):
            raise RuleViolation("its books cannot be rated")
        return made.invoices.get(cycle)

    ending = Ending()
    tally = Upcoming(ending, ending, invoice, 7).run(NOW)  # type: ignore[arg-type]
    assert [each.occurrence for each in ending.told] == ["invoice.upcoming/acme.2026-01-01"]
    assert tally == Tally(expected=2, done=1, problem="cannot be shown: broken.2026-01-01")
    assert "broken.2026-01-01 cannot be told of: its books cannot be rated" in caplog.text


class Asked(Trouble):
    """A trouble that counts how often it is asked whose it is."""

    times = 0

    @property
    def organization(self) -> str:
        Asked.times += 1
        return super().organization


def test_each_trouble_is_looked_at_a_few_times_however_many_there_are() -> None:
    everybody = [
        Asked(cycle=f"o{number}.2026-01-01", since=NOW - FAILING_FOR, parked=True, error="no: no")
        for number in range(500)
    ]
    notices, _ = told_of(everybody, NOW)
    assert len(notices) == 500
    assert Asked.times <= 5 * len(everybody)
