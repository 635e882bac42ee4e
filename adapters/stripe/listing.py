"""Stripe's list of all invoices, read in windows of time; a page that cannot be right is refused.

Source: https://docs.stripe.com/api/invoices/list
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from adapters.stripe.errors import errors_in_our_words
from adapters.stripe.reading import plain, read_invoice
from domain.errors import GatewayUnavailable
from projections.remote_invoice import RemoteInvoice

WINDOW = timedelta(days=7)
"""A cursor that got lost costs reading no more than this anew."""

PAGE_MAX = 100
TRIES_MAX = 3
"""How often a window is begun anew after the draft that its cursor stood on was deleted."""


def listed(
    client: stripe.StripeClient, start: datetime, end: datetime
) -> Iterator[Sequence[RemoteInvoice]]:
    """Every invoice made in ``[start, end)``, window by window, each newest first.

    Raises:
        GatewayUnavailable, GatewayBusy, GatewayRejected: as in ``pages``.
    """
    for rows in pages(client, start, end):
        yield [read_invoice(row) for row in rows]


def pages(
    client: stripe.StripeClient, start: datetime, end: datetime
) -> Iterator[Sequence[dict[str, Any]]]:
    """The same as Stripe writes them, each with its first ten lines.

    Raises:
        GatewayUnavailable: the list ended although it said that there was more.
        GatewayBusy, GatewayRejected: as in every read.
    """
    since = start.astimezone(UTC).replace(microsecond=0)
    while since < end:
        until = min(since + WINDOW, end)
        yield from _window(client, since, until)
        since = until


def _window(
    client: stripe.StripeClient, since: datetime, until: datetime
) -> Iterator[Sequence[dict[str, Any]]]:
    """One window; begun anew, at the price of repeats, where its cursor is gone."""
    tries = 1
    cursor: str | None = None
    while True:
        page = _page(client, since, until, cursor)
        if page is None:
            if tries >= TRIES_MAX:
                raise GatewayUnavailable("Stripe's list changes faster than it can be read")
            tries, cursor = tries + 1, None
            continue
        rows, more = page
        if rows:
            yield rows
        if not more:
            return
        if not rows or rows[-1]["id"] == cursor:
            raise GatewayUnavailable("Stripe's list of invoices ended before its end")
        cursor = rows[-1]["id"]


def _page(
    client: stripe.StripeClient, since: datetime, until: datetime, cursor: str | None
) -> tuple[Sequence[dict[str, Any]], bool] | None:
    """A page and whether there is more; ``None`` where the cursor's invoice is gone."""
    params: Any = {"created": _bounds(since, until), "limit": PAGE_MAX}
    if cursor is not None:
        params["starting_after"] = cursor
    with errors_in_our_words():
        try:
            found = client.v1.invoices.list(params)
        except stripe.InvalidRequestError as error:
            if cursor is not None and error.param == "starting_after":
                return None
            raise
    rows = [plain(row) for row in found.data]
    if not isinstance(found.has_more, bool):
        raise GatewayUnavailable("Stripe's list of invoices does not say whether there is more")
    return rows, found.has_more


def _bounds(since: datetime, until: datetime) -> dict[str, int]:
    """Whole seconds, half-open; the last window takes in the second it ends in."""
    last = int(until.timestamp()) + (until.microsecond > 0)
    return {"gte": int(since.timestamp()), "lt": last}
