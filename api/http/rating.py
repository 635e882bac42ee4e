"""Rating without a store, history under other prices, and why an invoice changed."""

from typing import Any

from flask import Response

from api.auth import READERS, STAFF
from api.context import wired
from api.openapi import ApiBook
from api.report import Writing
from api.request_body import JSON
from api.schemas.rating import (
    DiffQuery,
    InvoiceDiffSchema,
    RatingPreviewSchema,
    RatingRequestSchema,
    ReportRequestSchema,
    WhatIfReportSchema,
    WhatIfRequestSchema,
    WhatIfSchema,
)
from application.diffing import InvoiceDiff
from application.rating_preview import RatingPreview, RatingRequest, preview
from application.rerating import Rerated

book = ApiBook("rating")

PRICE = {
    "price": "cpu",
    "currency": "usd",
    "kind": "metered",
    "meter": "cpu",
    "model": "per_unit",
    "unit_amount": "2.5",
}
PREVIEW = {
    "price": PRICE,
    "quantity": "12.5",
    "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
    "attached_from": "2026-01-11T00:00:00Z",
}


@book.op(
    "POST",
    "/v1/rating/preview",
    roles=READERS,
    body=RatingRequestSchema(),
    out=RatingPreviewSchema(),
    example=PREVIEW,
)
def preview_rating(body: RatingRequest) -> RatingPreview:
    """Rate a price as an invoice would. Nothing need exist, and nothing is stored."""
    return preview(body)


@book.op(
    "POST",
    "/v1/rating/what-if",
    roles=STAFF,
    body=WhatIfRequestSchema(),
    out=WhatIfSchema(),
    example={"price": PRICE, "organization": "acme"},
)
def what_if(body: dict[str, Any]) -> Rerated:
    """An organization's history under another version of a price. Nothing is stored."""
    use_case = wired().what_if
    candidate = use_case.candidate(body["price"], body.get("replaces"))
    return use_case.organization(body["organization"], candidate)


@book.op(
    "POST",
    "/v1/rating/what-if/report",
    roles=STAFF,
    body=ReportRequestSchema(),
    out=WhatIfReportSchema(),
    example={"price": PRICE},
)
def report_what_if(body: dict[str, Any]) -> Response:
    """The same for everybody: who would pay less, and who more. Nothing is stored.

    It is sent while it is made, one organization a line, and takes as long as there are
    organizations to rate; cut off, it is no JSON. Saved as it is, ``cyclebook reprice`` applies it.
    """
    use_case = wired().what_if
    candidate = use_case.candidate(body["price"], body.get("replaces"))
    return Response(Writing(candidate).text(use_case.everybody(candidate)), mimetype=JSON)


@book.op(
    "GET",
    "/v1/invoices/<cycle>/diff",
    roles=READERS,
    query=DiffQuery(),
    out=InvoiceDiffSchema(),
)
def diff_invoice(cycle: str, query: dict[str, Any]) -> InvoiceDiff:
    """Why an invoice's amount changed between two instants: causes that add up exactly."""
    return wired().diffing.diff(cycle, query["from_"], query["to"])
