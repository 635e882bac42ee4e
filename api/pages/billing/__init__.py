"""The customer's billing page: what is owed, why, and what one can do about it."""

from api.pages.billing import (
    alerts,
    cases,
    costs,
    feedback,
    invoices,
    lines,
    notices,
    overview,
    provider,
)

SUBJECTS = (overview, costs, invoices, lines, feedback, provider, alerts, cases, notices)
"""The modules whose pages there are."""
