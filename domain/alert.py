"""A spend alert: what a cycle has to come to before somebody is told."""

from dataclasses import dataclass

from domain.errors import InvalidInput
from domain.events.organization import AlertConfigured

SPEND, FORECAST = "spend", "forecast"
COMPARED = (SPEND, FORECAST)
AMOUNT_MAX = 10**12
PERCENT_MAX = 10_000
ALERTS_MAX = 50
"""How many one organization may have."""


@dataclass(frozen=True, slots=True)
class Armed:
    """An alert as it was configured. times: how often it was, over all its life; it may be
    reached once more after each."""

    configured: AlertConfigured
    times: int

    def threshold(self, last_invoice: int | None) -> int | None:
        """What has to be reached, in minor units; ``None`` where there is no last invoice.

        last_invoice: what it came to, in the alert's currency.
        """
        found = self.configured
        if found.amount is not None:
            return found.amount
        base = last_invoice if found.budget is None else found.budget
        if base is None or base <= 0 or found.percent is None:
            return None
        # Reached at the next whole minor unit, and never by nothing.
        return max(-(-base * found.percent // 100), 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What an alert is to be, in minor units and percent."""

    of: str
    amount: int | None = None
    percent: int | None = None
    budget: int | None = None

    def check(self) -> None:
        """Refuse what compares nothing, or two things, or is out of bounds.

        Raises:
            InvalidInput: ``field`` names what is wrong.
        """
        if self.of not in COMPARED:
            raise InvalidInput(f"of must be {' or '.join(COMPARED)}", field="of")
        if (self.amount is None) == (self.percent is None):
            raise InvalidInput("give either amount or percent", field="amount")
        if self.budget is not None and self.percent is None:
            raise InvalidInput("budget is what percent is of; give percent with it", field="budget")
        _check("amount", self.amount, AMOUNT_MAX, "minor units")
        _check("percent", self.percent, PERCENT_MAX, "percent")
        _check("budget", self.budget, AMOUNT_MAX, "minor units")


def _check(field: str, value: int | None, most: int, unit: str) -> None:
    if value is not None and not 1 <= value <= most:
        raise InvalidInput(f"{field} must be {unit} from 1 to {most}", field=field)
