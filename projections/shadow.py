"""The shadow of a cycle: our invoice beside those that another program issued for the same time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.invoice import Invoice, LineItem
from domain.period import Period
from projections.imported_invoice import ImportedInvoice
from projections.shadow_causes import Cause, cause_of
from projections.shadow_matching import Beside, beside


class Verdict(StrEnum):
    """What a comparison comes to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    """We would bill, and they billed nothing."""
    EXTRA = "extra"
    """They billed, and we would not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedLine:
    """Lines that are for the same thing. Minor units; ``None`` where a side has none.

    what: our price, else the description. ours, theirs: keys of our lines, Stripe's ids of theirs.
    """

    what: str
    amount: int | None
    billed: int | None
    cause: Cause | None
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()

    @property
    def difference(self) -> int:
        """Theirs less ours."""
        return (self.billed or 0) - (self.amount or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadow:
    """A cycle beside what was billed for it. Minor units of ``currency``.

    organization, cycle: ``None`` where the invoice's customer is no organization of ours.
    amount: ours; billed: theirs, both before the tax that Stripe adds. tax: what it added.
    """

    organization: str | None
    cycle: str | None
    customer: str | None
    currency: str
    period: Period
    verdict: Verdict
    amount: int
    billed: int
    tax: int
    invoices: tuple[str, ...]
    numbers: tuple[str, ...]
    lines: tuple[ComparedLine, ...]

    @property
    def difference(self) -> int:
        """Theirs less ours."""
        return self.billed - self.amount


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How lines are compared.

    prices: our price, by Stripe's id of a price or product, or by a description. taxed: whether
    Stripe is to compute tax for our invoices too, so that theirs is no difference.
    """

    prices: Mapping[str, str]
    taxed: bool = False


def shadow(
    invoice: Invoice, customer: str | None, issued: Sequence[ImportedInvoice], terms: Terms
) -> Shadow:
    """Compare a cycle's invoice, line by line, with all that was issued for it."""
    counted = [each for each in issued if each.counts]
    tax = sum(each.tax for each in counted)
    lines = _lines(invoice, counted, terms)
    return Shadow(
        organization=invoice.organization,
        cycle=invoice.cycle,
        customer=customer,
        currency=invoice.currency,
        period=invoice.period,
        verdict=_verdict(invoice, counted, lines),
        amount=invoice.subtotal,
        billed=sum(each.total - each.tax for each in counted),
        tax=tax,
        invoices=tuple(each.id for each in counted),
        numbers=tuple(each.number or each.id for each in counted),
        lines=lines,
    )


def nobodys(issued: ImportedInvoice) -> Shadow:
    """An invoice whose customer is no organization of ours, or that no cycle covers."""
    return Shadow(
        organization=issued.organization,
        cycle=None,
        customer=issued.customer,
        currency=issued.currency,
        period=issued.period,
        verdict=Verdict.EXTRA,
        amount=0,
        billed=issued.total - issued.tax,
        tax=issued.tax,
        invoices=(issued.id,),
        numbers=(issued.number or issued.id,),
        lines=tuple(
            _line(Beside(each.description, (), (each,)), issued.currency) for each in issued.lines
        ),
    )


def covering(issued: ImportedInvoice, cycles: Mapping[str, Period]) -> str | None:
    """The cycle that an invoice is for: the one it overlaps most, the earlier of two."""
    start, end = issued.period.start, issued.period.end
    shares = {name: period.overlap(start, end) for name, period in cycles.items()}
    lengths = {name: part.microseconds for name, part in shares.items() if part}
    return min(lengths, key=lambda name: (-lengths[name], cycles[name].start), default=None)


def _verdict(
    invoice: Invoice, issued: Sequence[ImportedInvoice], lines: Sequence[ComparedLine]
) -> Verdict:
    if not any(line.difference or line.cause for line in lines):
        return Verdict.EQUAL
    if not issued:
        return Verdict.MISSING
    if not any(line.amount for line in invoice.lines):
        return Verdict.EXTRA
    return Verdict.DIFFERENT


def _lines(
    invoice: Invoice, issued: Sequence[ImportedInvoice], terms: Terms
) -> tuple[ComparedLine, ...]:
    if any(each.currency != invoice.currency for each in issued):
        return (_in_another_currency(invoice, issued),)
    theirs = [line for each in issued for line in each.lines]
    ours = [line for line in invoice.lines if line.kind != "discount"]
    found = [_line(each, invoice.currency) for each in beside(ours, theirs, terms.prices)]
    given = [line for line in invoice.lines if line.kind == "discount"]
    found += _of_the_whole("discount", Cause.DISCOUNT, given, -sum(x.discount for x in issued))
    if not terms.taxed:
        found += _of_the_whole("tax", Cause.TAX, (), sum(each.tax for each in issued))
    return tuple(each for each in found if each.amount or each.billed)


def _line(pair: Beside, currency: str) -> ComparedLine:
    ours, theirs = pair.ours, pair.theirs
    return ComparedLine(
        what=pair.what,
        amount=sum(line.amount for line in ours) if ours else None,
        billed=sum(line.amount for line in theirs) if theirs else None,
        cause=cause_of(ours, theirs, currency),
        ours=tuple(line.key for line in ours),
        theirs=tuple(line.id for line in theirs),
    )


def _of_the_whole(
    what: str, cause: Cause, ours: Sequence[LineItem], billed: int
) -> list[ComparedLine]:
    """What stands on their invoice as a whole, and on ours as lines."""
    amount = sum(line.amount for line in ours)
    line = ComparedLine(
        what=what,
        amount=amount if ours else None,
        billed=billed or None,
        cause=cause if billed != amount else None,
        ours=tuple(each.key for each in ours),
    )
    return [line]


def _in_another_currency(invoice: Invoice, issued: Sequence[ImportedInvoice]) -> ComparedLine:
    """Amounts in two currencies have no difference that means anything; it is never nothing."""
    other = next(each.currency for each in issued if each.currency != invoice.currency)
    return ComparedLine(
        what=f"{invoice.currency} here, {other} there",
        amount=invoice.subtotal,
        billed=sum(each.total for each in issued),
        cause=Cause.CURRENCY,
    )
