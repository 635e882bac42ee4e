"""Wiring of shadow mode: who bills, what may be asked of Stripe, and how lines are compared."""

from collections.abc import Callable

from adapters.stripe.gateway import StripeGateway
from api.import_files import read_prices
from api.settings import Settings
from application.gateway import InvoiceGateway
from application.importing.ports import BilledElsewhere, NothingElsewhere
from application.shadowing.books_alone import BilledByOthers, billed_by_others
from application.shadowing.read_only import ReadOnlyGateway
from domain.organization import Organization
from projections.shadow import Terms


def elsewhere(gateway: InvoiceGateway) -> BilledElsewhere:
    """What others bill through the same account."""
    return gateway.elsewhere if isinstance(gateway, StripeGateway) else NothingElsewhere()


def allowed(settings: Settings, gateway: InvoiceGateway) -> InvoiceGateway:
    """The gateway, or in shadow mode no more than its reads."""
    return ReadOnlyGateway(gateway) if settings.shadow else gateway


def theirs(settings: Settings) -> BilledByOthers:
    """Which cycles another program bills."""
    return billed_by_others(shadow=settings.shadow, bill_from=settings.bill_from)


def terms_of(settings: Settings) -> Callable[[Organization], Terms]:
    """How an organization's lines are compared, by the file of the settings.

    Raises:
        InvalidInput: the file is no such table.
    """
    prices = read_prices(settings.shadow_prices)

    def terms(organization: Organization) -> Terms:
        return Terms(prices=prices, taxed=organization.policy("automatic_tax") is True)

    return terms
