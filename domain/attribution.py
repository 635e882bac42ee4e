"""Attribution: which attachment, at which price, rates a usage record."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from domain.attachment import Attachment
from domain.errors import RuleViolation
from domain.events.usage import micros
from domain.price import Price

FOREVER = 1 << 62
UNPRICED = ""
FILTERED = "!"
"""The attachment that usage is kept under where its meter's filter leaves it out: no id is this."""

Slot = tuple[int, int, str, str]
"""From, until (microseconds since 1970), attachment, price ref."""


class Attribution:
    """Where a cycle's usage records go, by meter, named attachment and time.

    A record that names an attachment is rated by that attachment's price for the meter. One
    that names none is rated by the attachment that carries an organization-wide price. A record
    that nothing rates at its instant keeps its attachment and has no price.

    currency: the cycle's; prices in another one rate nothing.
    """

    def __init__(
        self, attachments: Iterable[Attachment], book: Mapping[str, Price], currency: str
    ) -> None:
        self.known: set[str] = set()
        self._currency = currency
        self._slots: dict[tuple[str, str], list[Slot]] = {}
        for attachment in attachments:
            self.known.add(attachment.id)
            for run in attachment.runs:
                until = FOREVER if run.until is None else micros(run.until)
                for ref in run.prices:
                    self._add(book[ref], (micros(run.since), until, attachment.id, ref))

    def _add(self, price: Price, slot: Slot) -> None:
        if price.meter is None or price.currency != self._currency:
            return
        self._slots.setdefault((price.meter, slot[2]), []).append(slot)
        if price.scope == "organization":
            self._slots.setdefault((price.meter, ""), []).append(slot)

    def resolve(self, meter: str, named: str, at: int) -> tuple[str, str]:
        """The attachment and price ref that rate a record; no price means unpriced.

        at: microseconds since 1970.
        """
        for since, until, attachment, ref in self._slots.get((meter, named), ()):
            if since <= at < until:
                return attachment, ref
        return named, UNPRICED

    def resolve_span(self, meter: str, named: str, lo: int, hi: int) -> tuple[str, str] | None:
        """The same for all records between two instants, or ``None`` where they part."""
        for since, until, attachment, ref in self._slots.get((meter, named), ()):
            if since <= lo and hi < until:
                return attachment, ref
            if since <= hi and lo < until:
                return None
        return named, UNPRICED


def check_scopes(
    attachments: Iterable[Attachment],
    prices: Iterable[Price],
    at: datetime,
    book: Mapping[str, Price],
) -> None:
    """Refuse a second organization-wide price for a meter in one currency from ``at`` on.

    Raises:
        RuleViolation: usage that names no attachment would have two prices.
    """
    wanted = {_usage_rated(price) for price in prices if price.scope == "organization"}
    if not wanted:
        return
    for attachment in attachments:
        for run in attachment.runs:
            if run.until is not None and run.until <= at:
                continue
            for price in (book[ref] for ref in run.prices):
                if price.meter and price.scope == "organization" and _usage_rated(price) in wanted:
                    raise RuleViolation(
                        f"usage of {price.meter} is already rated for the whole organization "
                        f"by {price.ref} on {attachment.id}",
                        code="meter_already_rated",
                        attachment=attachment.id,
                    )


def _usage_rated(price: Price) -> tuple[str | None, str]:
    """The usage that a price rates: of a meter, in the cycles of a currency."""
    return price.meter, price.currency
