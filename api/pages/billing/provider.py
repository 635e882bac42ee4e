"""The ways to the payment provider's own pages: they are asked for on a click, never on a read."""

from api.context import wired
from api.pages.billing.frame import CUSTOMERS, INVOICE, ROOT, framed, require_own
from api.pages.page import page

# A form that is answered by a redirect to another site is stopped by the browser: our policy is
# form-action 'self', which holds for redirects, too. So the answer is a page with a link.


@page(f"{ROOT}/portal", roles=CUSTOMERS, method="POST")
def billing_portal(organization: str) -> str:
    """Open the provider's pages of this customer; the drafts are synced before all others."""
    back = f"{wired().settings.origin}/billing/{organization}"
    opened = wired().portal.open(organization, back)
    return framed("portal.html", organization, url=opened.url)


@page(f"{INVOICE}/links", roles=CUSTOMERS, method="POST")
def billing_links(organization: str, cycle: str) -> str:
    """Find where an issued invoice can be paid, seen and downloaded now."""
    require_own(organization, cycle)
    links = wired().portal.links(cycle)
    view = wired().invoices.get(cycle)
    return framed("links.html", organization, view=view, links=links)
