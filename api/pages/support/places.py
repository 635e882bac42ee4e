"""What forms of the support console are about, and what can be chosen there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from api.context import now, wired
from api.pages.typed import Choices, Where
from api.pages.words import money
from application.desired import organization_of
from application.views import InvoiceView, OrganizationView
from domain.errors import NotFound
from domain.events.amounts import DiscountGranted

ORGANIZATIONS = "/support/organizations"
INVOICES = "/support/invoices"
CASES = "/support/cases"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a form is about. path: how the API's address names it. home: where one goes back to.

    choose: what can be chosen, by the name of a list. view: the invoice, where it is about one.
    """

    kind: str
    path: Mapping[str, str]
    home: str
    title: str
    where: Where = field(default_factory=Where)
    organization: str | None = None
    view: InvoiceView | None = None
    choose: Mapping[str, Callable[[], Choices]] = field(default_factory=dict)

    def choices(self, named: Choices | str) -> Choices:
        """A list as it is, or the one of this name here."""
        return self.choose[named]() if isinstance(named, str) else named

    def action(self, name: str) -> str:
        """The address of the form for an action."""
        return f"{self.home}/do/{name}"


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
            "discounts": lambda: [
                (each.discount, f"{each.discount}: {each.reason}")
                for each in discounts(organization)
            ],
            "own_prices": lambda: [
                (each.id, each.id) for each in wired().publishing.overrides(organization, now())
            ],
        },
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
            "lines": lambda: [
                (line.key, f"{line.description}: {money(line.amount, where.currency)}")
                for line in view.invoice.lines
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
                (each.id, str(each))
                for each in wired().stripe_stream.load(cycle)[0].discrepancies.values()
            ],
        },
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
        path={"case": case},
        home=f"{CASES}/{case}",
        title=f"Case {case}",
        where=where_of(organization),
        organization=summary.organization,
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


def require_known(names: Mapping[str, object], name: str) -> None:
    """Refuse a name that nothing has.

    Raises:
        NotFound: there is nothing of this name.
    """
    if name not in names:
        raise NotFound(f"there is no action {name}")
