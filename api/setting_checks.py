"""Settings that do not go together, and are refused at the start."""

from typing import TYPE_CHECKING

from api.setting_texts import DEFAULT_SECRET_KEY, JOURNAL
from domain.errors import InvalidInput

if TYPE_CHECKING:
    from api.settings import Settings

_TEST_SECRETS = ("whsec_test",)
_SECRET_KEY_MIN = 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def refuse_unsafe(settings: "Settings") -> None:
    """Refuse settings that do not go together.

    Raises:
        InvalidInput: ``field`` names what to change.
    """
    if settings.processor == JOURNAL and settings.stripe_api_key:
        raise InvalidInput(
            "with PROCESSOR=journal nothing goes to Stripe: take its key away",
            field="STRIPE_API_KEY",
        )
    if settings.shadow and (settings.processor == JOURNAL or settings.smtp_url):
        raise InvalidInput(
            "with SHADOW=true another program bills, and writes to customers: it goes neither with "
            "PROCESSOR=journal nor with SMTP_URL",
            field="SHADOW",
        )
    if settings.smtp_url and not settings.mail_from:
        raise InvalidInput("SMTP_URL needs MAIL_FROM: whom e-mails are from", field="MAIL_FROM")
    if settings.live:
        secrets = (settings.stripe_webhook_secret or "").split()
        if not secrets or any(each.startswith(_TEST_SECRETS) for each in secrets):
            raise InvalidInput(
                "a live Stripe key needs the signing secret of a live webhook endpoint",
                field="STRIPE_WEBHOOK_SECRET",
            )
        if not (settings.stripe_api_base or "").startswith("https://"):
            raise InvalidInput("a live Stripe key is only sent over https", field="STRIPE_API_BASE")
    if settings.secret_key == DEFAULT_SECRET_KEY and not settings.sandbox:
        raise InvalidInput(
            "SECRET_KEY has to be set once there is a Stripe key, or PROCESSOR=journal; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            field="SECRET_KEY",
        )
    if settings.sandbox:
        _refuse_public_sandbox(settings)
    if len(settings.secret_key) < _SECRET_KEY_MIN:
        raise InvalidInput(
            f"SECRET_KEY has to have {_SECRET_KEY_MIN} characters or more", field="SECRET_KEY"
        )


def _refuse_public_sandbox(settings: "Settings") -> None:
    """A forgotten or misspelt STRIPE_API_KEY must not turn a real service into a demo."""
    if settings.origin.startswith("https://"):
        raise InvalidInput(
            "STRIPE_API_KEY is not set, so that nothing would be billed: PUBLIC_URL with https is "
            "for a service with Stripe, or with PROCESSOR=journal",
            field="STRIPE_API_KEY",
        )
    if settings.secret_key == DEFAULT_SECRET_KEY and settings.host not in _LOOPBACK:
        raise InvalidInput(
            f"on {settings.host} others can reach the service: set SECRET_KEY, even for a sandbox",
            field="SECRET_KEY",
        )
