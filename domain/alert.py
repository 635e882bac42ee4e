"""A spend alert: what a cycle has to come to before somebody is told."""

from dataclasses import dataclass
from datetime import datetime

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


def configured(
    organization: str,
    alert: str,
    of: str,
    currency: str,
    at: datetime,
    *,
    amount: int | None = None,
    percent: int | None = None,
    budget: int | None = None,
) -> AlertConfigured:
    """What an alert is to be.

    Raises:
        InvalidInput: it compares nothing, or two things, or is out of bounds.
    """
    if of not in COMPARED:
        raise InvalidInput(f"of must be {' or '.join(COMPARED)}", field="of")
    if (amount is None) == (percent is None):
        raise InvalidInput("give either amount or percent", field="amount")
    if budget is not None and percent is None:
        raise InvalidInput("budget is what percent is of; give percent with it", field="budget")
    _check("amount", amount, AMOUNT_MAX, "minor units")
    _check("percent", percent, PERCENT_MAX, "percent")
    _check("budget", budget, AMOUNT_MAX, "minor units")
    return AlertConfigured(
        at=at,
        organization=organization,
        alert=alert,
        of=of,
        currency=currency,
        amount=amount,
        percent=percent,
        budget=budget,
    )


def _check(field: str, value: int | None, most: int, unit: str) -> None:
    if value is not None and not 1 <= value <= most:
        raise InvalidInput(f"{field} must be {unit} from 1 to {most}", field=field)
