"""Wiring to Stripe, or to the sandbox in its place."""

from collections.abc import Callable
from datetime import datetime

from adapters.postgres.database import Database
from adapters.postgres.products import PostgresProducts
from adapters.stripe.gateway import StripeGateway, stripe_client, stripe_sender
from adapters.stripe.paced import PacedClient
from adapters.stripe.webhooks import read_webhook
from api.settings import Settings
from api.wiring.wired import ReadWebhook
from application.catching_up import Feed, NoFeed
from application.gateway import InvoiceGateway
from application.inbox import Message
from application.pacer import Pacer

SANDBOX_KEY = "sk_test_sandbox"


def stripe_gateway(settings: Settings, database: Database, pacer: Pacer) -> InvoiceGateway:
    """Stripe behind its key, or the sandbox without one, at a pace that it can take."""
    key = settings.stripe_api_key or SANDBOX_KEY
    paced = PacedClient(stripe_sender(), pacer)
    client = stripe_client(key, base=settings.stripe_api_base, http_client=paced)
    return StripeGateway(client, PostgresProducts(database))


def event_feed(gateway: InvoiceGateway) -> Feed:
    """What happened where invoices are kept: nothing without us, but at Stripe."""
    return gateway.events if isinstance(gateway, StripeGateway) else NoFeed()


def run_sandbox(settings: Settings, webhook_url: str, on_start: Callable[[str], None]) -> None:
    """Be the Stripe sandbox until told to stop."""
    from adapters.sandbox.server import serve

    home = settings.cyclebook_home / "sandbox"
    secret = settings.stripe_webhook_secret or ""
    serve("127.0.0.1", settings.sandbox_port, home, webhook_url, secret, on_start)


def webhook_reader(settings: Settings) -> ReadWebhook:
    """Reads the webhooks that the settings' secrets vouch for."""
    secrets = (settings.stripe_webhook_secret or "").split()

    def read(body: bytes, signature: str | None, now: datetime) -> Message:
        return read_webhook(body, signature, secrets, now).message

    return read
