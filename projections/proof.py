"""The proof: our invoice and Stripe's, compared line by line; what differs is a value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.events.stripe_invoice import Discrepancy, HeldLine
from domain.invoice import Invoice
from projections.remote_invoice import RemoteInvoice, RemoteStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What Stripe should hold. lines: by key; ``line`` ids are not compared.

    customer: Stripe's id, where it is known. issued: whether it should be finalized by now.
    automatic_tax: whether Stripe has to compute its tax.
    """

    cycle: str
    revision: int
    currency: str
    lines: Mapping[str, HeldLine]
    customer: str | None
    issued: bool
    automatic_tax: bool = False

    @property
    def nothing(self) -> bool:
        """Whether no invoice is needed: it would come to nothing."""
        return not sum(line.amount for line in self.lines.values())


def wanted(invoice: Invoice) -> dict[str, HeldLine]:
    """The lines of our invoice, as an expectation has them."""
    return {
        line.key: HeldLine(
            key=line.key,
            line="",
            amount=line.amount,
            start=line.period.start,
            end=line.period.end,
            description=line.description,
        )
        for line in invoice.lines
    }


def compare(expected: Expectation, actual: RemoteInvoice | None) -> tuple[Discrepancy, ...]:
    """Every way in which Stripe differs from what it should hold. Empty is the proof.

    ``actual`` must be read completely. No invoice at all equals one that comes to nothing.
    """
    if actual is None:
        if expected.nothing:
            return ()
        total = sum(line.amount for line in expected.lines.values())
        return (Discrepancy(kind="missing_invoice", key="", ours=str(total), theirs=""),)
    actual = actual.claiming(expected.lines)
    return (*_header(expected, actual), *_lines(expected, actual), *_strangers(actual))


def _header(expected: Expectation, actual: RemoteInvoice) -> Iterator[Discrepancy]:
    if actual.currency != expected.currency:
        yield _differing("currency", "", expected.currency, actual.currency)
    # An issued invoice stays whose it was, whoever the organization is linked to since.
    known = None if expected.issued else expected.customer
    if known is not None and actual.customer != known:
        yield _differing("customer", "", known, actual.customer)
    if not _status_fits(actual.status, expected.issued):
        status = "issued" if expected.issued else "draft"
        yield _differing("status", "", status, actual.status.value)
    held = actual.ours + sum(line.amount for line in actual.foreign)
    if actual.subtotal != held:
        yield _differing("subtotal", "", str(held), str(actual.subtotal))
    if actual.untaxed not in (None, actual.subtotal):  # a discount that somebody gave at Stripe
        yield _differing("total", "", str(actual.subtotal), str(actual.untaxed))
    if expected.automatic_tax and actual.collection and not actual.collection.automatic_tax:
        yield _differing("automatic_tax", "", "on", "off")


def _status_fits(status: RemoteStatus, issued: bool) -> bool:
    if status in (RemoteStatus.VOID, RemoteStatus.DELETED):
        return False
    return (status is not RemoteStatus.DRAFT) == issued


def _lines(expected: Expectation, actual: RemoteInvoice) -> Iterator[Discrepancy]:
    for key in sorted(expected.lines.keys() | actual.lines.keys()):
        ours, found = expected.lines.get(key), actual.lines.get(key)
        if ours is None and found is not None:
            yield _differing("unexpected_line", key, "", str(found.amount))
        elif ours is not None and found is None:
            yield _differing("missing_line", key, str(ours.amount), "")
        elif ours is not None and found is not None:
            yield from _line(ours, found.held)


def _line(ours: HeldLine, theirs: HeldLine) -> Iterator[Discrepancy]:
    if ours.amount != theirs.amount:
        yield _differing("amount", ours.key, str(ours.amount), str(theirs.amount))
    if (ours.start, ours.end) != (theirs.start, theirs.end):
        yield _differing("period", ours.key, _span(ours), _span(theirs))
    if ours.description != theirs.description:
        yield _differing("description", ours.key, ours.description, theirs.description)


def _strangers(actual: RemoteInvoice) -> Iterator[Discrepancy]:
    for line in actual.duplicates:
        yield _differing("duplicate_line", line.id, "", f"{line.key} {line.amount}")
    for stranger in actual.foreign:
        text = f"{stranger.amount} {stranger.description}".strip()
        yield _differing("foreign_line", stranger.line, "", text)


def _span(line: HeldLine) -> str:
    return f"{line.start.isoformat()}/{line.end.isoformat()}"


def _differing(kind: str, key: str, ours: str, theirs: str) -> Discrepancy:
    return Discrepancy(kind=kind, key=key, ours=ours, theirs=theirs)
