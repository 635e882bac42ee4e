"""One line in plain arithmetic, down to the usage records behind it."""

from flask import request

from api.auth import READERS
from api.context import wired
from api.pages.billing.arithmetic import rows
from api.pages.billing.breakdown import described, exact_of
from api.pages.billing.frame import INVOICE, framed, is_part, require_own
from api.pages.page import page

RECORDS = 100
RECORDS_IN_A_PART = 5


@page(f"{INVOICE}/lines/<path:line>", roles=READERS)
def billing_line(organization: str, cycle: str, line: str) -> str:
    """Why a line comes to what it does; a part of a page where a script asks for it."""
    require_own(organization, cycle)
    who, part = wired().registration.get(organization), is_part()
    limit = RECORDS_IN_A_PART if part else RECORDS
    found = wired().invoices.explain(cycle, line, after=request.args.get("after"), limit=limit)
    view = wired().invoices.get(cycle)
    currency = view.invoice.currency
    return framed(
        "_why.html" if part else "line.html",
        organization,
        who,
        view=view,
        line=found.line,
        title=described(found.line),
        exact=exact_of(found.line),
        rows=rows(found.steps, found.line.amount, currency, who.time_zone),
        currency=currency,
        records=found.records,
        usage=found.usage,
        after=found.next_cursor,
        begun="after" in request.args,
    )
