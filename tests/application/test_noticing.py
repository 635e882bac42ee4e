"""What no event tells: what cannot be shown keeps nobody else from being told."""

from datetime import UTC, datetime

import pytest

from application.notices import Notice
from application.noticing import Upcoming
from application.schedule_ports import Tally
from application.views import InvoiceView
from domain.errors import RuleViolation
from tests.january import JANUARY
from tests.world import world

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


class Ending:
    """Two periods that end soon, and what was told. Stands in for the tables."""

    def __init__(self) -> None:
        self.told: list[Notice] = []

    def ending(self, now: datetime, until: datetime, limit: int) -> list[str]:
        return ["broken.2026-01-01", "acme.2026-01-01"]

    def announce(self, notices: list[Notice]) -> int:
        self.told += notices
        return len(notices)


@pytest.mark.parametrize("error", [RuleViolation, KeyError])
def test_an_invoice_that_cannot_be_shown_keeps_nobody_else_from_being_told(
    caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    made = world(JANUARY)

    def invoice(cycle: str) -> InvoiceView:
        if cycle.startswith("broken"):
            raise error("its books cannot be rated")
        return made.invoices.get(cycle)

    ending = Ending()
    tally = Upcoming(ending, ending, invoice, 7).run(NOW)  # type: ignore[arg-type]
    assert [each.occurrence for each in ending.told] == ["invoice.upcoming/acme.2026-01-01"]
    assert tally == Tally(expected=2, done=1, problem="cannot be shown: broken.2026-01-01")
    assert "broken.2026-01-01 cannot be told of: " in caplog.text
    assert "its books cannot be rated" in caplog.text
