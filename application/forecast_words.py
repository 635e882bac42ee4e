"""What a forecast rests on, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from application.insight_ports import PastInvoice
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog
from projections.forecast import CONFIDENCE, PACE_DAYS, WEEK, Outlook
from projections.meter_words import MeterWords, meter_words
from projections.sentences.wording import Context, listed

FEES = "Fees are those of what runs now, to the end of the period."


def basis(
    cycle: BillingCycle,
    outlooks: Mapping[str, Outlook],
    past: Sequence[PastInvoice],
    catalog: Catalog,
) -> tuple[str, ...]:
    """One sentence for each way that meters are carried on, and what it can be compared with.

    outlooks: by meter. past: the last invoices, newest first.
    """
    return tuple(_sentences(cycle, outlooks, past, catalog))


def _sentences(
    cycle: BillingCycle,
    outlooks: Mapping[str, Outlook],
    past: Sequence[PastInvoice],
    catalog: Catalog,
) -> Iterator[str]:
    yield FEES
    words = meter_words([cycle], catalog)
    by_method: dict[str, list[str]] = {}
    for meter, outlook in sorted(outlooks.items()):
        by_method.setdefault(outlook.method, []).append(meter)
    for method, meters in sorted(by_method.items()):
        yield _course(method, _named(meters, words))
    if stays := _stays(cycle, outlooks, catalog):
        yield f"Taken to stay as it is: {_named(stays, words)}."
    if outlooks:
        yield f"In {CONFIDENCE} of 100 months like this the bill should lie in the range."
    alike = [each for each in past if each.currency == cycle.currency]
    if alike:
        money = Context(currency=cycle.currency).money
        amounts = listed([money(each.subtotal) for each in reversed(alike)])
        count = f"last {len(alike)} invoices were" if len(alike) > 1 else "last invoice was"
        yield f"Your {count} {amounts}."


def _course(method: str, named: str) -> str:
    if method == "weekly":
        return (
            f"{named}: usage goes on by the pace of the last {PACE_DAYS} days, and as it was "
            "over the days of the week."
        )
    if method == "pace":
        return f"{named}: usage goes on by the pace of the last whole weeks."
    if method == "last_cycle":
        return f"{named}: usage grows from this day on as in the period before."
    return (
        f"{named}: there are fewer than {WEEK} days of usage. It goes on by the pace so far, and "
        "the range is wide."
    )


def _stays(cycle: BillingCycle, outlooks: Mapping[str, Outlook], catalog: Catalog) -> Sequence[str]:
    """The meters that are priced and hold a level."""
    refs = {ref for each in cycle.attachments.values() for run in each.runs for ref in run.prices}
    meters = {catalog.book[ref].meter for ref in refs}
    levels = {"max", "latest", "unique", "time_weighted"}
    found = (catalog.meter_for(name, cycle.opened_at) for name in meters if name)
    return sorted(
        each.id for each in found if each and each.aggregation in levels and each.id not in outlooks
    )


def _named(meters: Sequence[str], words: MeterWords) -> str:
    """Some meters, by what the lines call them."""
    return listed([words.name(each) for each in meters])
