"""What insight needs from the outside world besides the books. Adapters implement these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol


class MeterDay(NamedTuple):
    """What a meter came to on one local day of an organization."""

    day: date
    meter: str
    quantity: Decimal
    records: int


class UsageDays(Protocol):
    """Usage by local day, as it counts now. It follows the log, and may be a moment behind."""

    def days(
        self, organization: str, since: date, until: date, meter: str | None = None
    ) -> Sequence[MeterDay]:
        """The days with usage from ``since`` to ``until``, both included, by day and meter."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PastInvoice:
    """A settled invoice. subtotal, lines: minor units, by line key. start, end: of its period."""

    cycle: str
    currency: str
    start: datetime
    end: datetime
    subtotal: int
    lines: Mapping[str, int]


class PastInvoices(Protocol):
    """Settled invoices of an organization."""

    def settled(self, organization: str, before: datetime, limit: int) -> Sequence[PastInvoice]:
        """Those of cycles that began before an instant, newest first, none that is void."""
        ...


class AlertLook(NamedTuple):
    """A cycle whose alerts are to be looked at. version: of it. alerts: position of the newest."""

    organization: str
    cycle: str
    version: int
    alerts: int


class AlertLooks(Protocol):
    """Remembers which cycles were looked at, and which alerts they reached."""

    def due(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        """Cycles of organizations with alerts, not issued yet, that changed since the last look;
        those not looked at for longest first."""
        ...

    def unseen(self, now: datetime, limit: int) -> Sequence[AlertLook]:
        """Those of them that nobody has looked at for a while, whether they changed or not."""
        ...

    def reached(self, cycle: str) -> Mapping[tuple[str, int], datetime]:
        """When alerts were reached in a cycle, by (alert, times it had been configured)."""
        ...

    def looked(self, look: AlertLook, reached: Sequence[tuple[str, int]], at: datetime) -> None:
        """Remember a look, and the alerts that were found reached, as (alert, times)."""
        ...
