"""What forms of the support console are about, and what can be chosen there."""

from api.context import now, wired
from api.pages.action import Place
from api.pages.billing.breakdown import described
from api.pages.support.differing import difference
from api.pages.typed import Choices, Where
from api.pages.words import money
from application.desired import organization_of
from application.so_far import SoFar
from application.views import OrganizationView
from domain.events.amounts import DiscountGranted

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"
CASES = "/support/cases"


def organization_place(organization: str) -> Place:
    """An organization.

    Raises:
        NotFound: there is none with this id.
    """
    known = wired().registration.get(organization)
    return Place(
        kind="organization",
        path={"organization": organization},
        home=f"{ORGANIZATIONS}/{organization}",
        title=known.name or organization,
        where=where_of(known),
        organization=organization,
        choose={
            "attachments": lambda: _attachments(organization),
            "services": lambda: [
                (each.id, f"{each.name} ({each.id})") for each in wired().publishing.services()
            ],
            "discounts": lambda: [
                (each.discount, f"{each.discount}: {each.reason}")
                for each in discounts(organization)
            ],
            "own_prices": lambda: [
                (each.id, each.id) for each in wired().publishing.overrides(organization, now())
            ],
        },
    )


def told_place(cycle: str) -> Place:
    """An invoice that is only told about: it is not rated for that.

    Raises:
        NotFound: there is no such cycle.
    """
    known = wired().books.snapshot(organization_of(cycle), cycle)
    assert known.asked is not None  # it was asked for
    issued = known.asked.cycle.issued
    return Place(
        kind="invoice",
        path={"cycle": cycle},
        home=f"{INVOICES}/{cycle}",
        title=f"Invoice {(issued and issued.number) or cycle}",
        where=Where(currency=known.asked.cycle.currency, zone=known.organization.calendar.zone),
        organization=known.organization.id,
    )


def invoice_place(cycle: str) -> Place:
    """An invoice.

    Raises:
        NotFound: there is no such cycle.
    """
    view = wired().invoices.get(cycle)
    organization = wired().registration.get(organization_of(cycle))
    where = Where(currency=view.invoice.currency, zone=organization.time_zone)
    return Place(
        kind="invoice",
        path={"cycle": cycle},
        home=f"{INVOICES}/{cycle}",
        title=f"Invoice {view.number or cycle}",
        where=where,
        organization=organization.id,
        view=view,
        choose={
            "adjustable": lambda: [
                (each.line.key, f"{described(each.line)}: {_so_far(each, where.currency)}")
                for each in wired().invoices.so_far(cycle)
            ],
            "creditable": lambda: [
                (line.key, f"{described(line)}: {money(line.amount, where.currency)}")
                for line in view.invoice.lines
                if line.amount > 0
            ],
            "late": lambda: [
                (each.line, f"{each.line}: {money(each.amount, where.currency)}")
                for each in (*view.late, *view.proposals)
            ],
            "proposals": lambda: [
                (each.line, f"{each.line}: {money(each.amount, where.currency)}")
                for each in view.proposals
            ],
            "discrepancies": lambda: [
                (each.id, difference(each, where.currency))
                for each in wired().stripe_stream.load(cycle)[0].discrepancies.values()
            ],
        },
    )


def _so_far(line: SoFar, currency: str) -> str:
    total = money(line.total, currency)
    return (
        total if line.amount == line.total else f"{money(line.amount, currency)} so far of {total}"
    )


def case_place(case: str) -> Place:
    """A case.

    Raises:
        NotFound: there is none.
    """
    summary = wired().cases.get(case).summary
    organization = wired().registration.get(summary.organization)
    return Place(
        kind="case",
        path={"case": case, "organization": summary.organization},
        home=f"{CASES}/{case}",
        title=f"Case {case}",
        where=where_of(organization),
        organization=summary.organization,
        state=summary.status,
    )


def discrepancy_place(discrepancy: str) -> Place:
    """A way in which Stripe differs.

    Raises:
        NotFound: it is not open.
    """
    found = wired().discrepancies.get(discrepancy)
    return Place(
        kind="discrepancy",
        path={"discrepancy": discrepancy},
        home="/support/discrepancies",
        title=f"{found.about} of {found.cycle}",
        where=Where(currency=found.currency),
        organization=found.organization,
    )


def where_of(organization: OrganizationView) -> Where:
    """What typed words mean for an organization."""
    return Where(currency=organization.currency, zone=organization.time_zone)


def discounts(organization: str) -> list[DiscountGranted]:
    """What comes off the newest cycle of an organization, by name."""
    cycles = wired().books.snapshot(organization).cycles
    return sorted(cycles[-1].cycle.discounts.values(), key=lambda d: d.discount) if cycles else []


def _attachments(organization: str) -> Choices:
    """Each attachment once, as it was last."""
    last = {each.attachment: each for each in wired().holdings.attachments(organization)}
    return [(each.attachment, f"{each.attachment}: {each.name}") for each in last.values()]
