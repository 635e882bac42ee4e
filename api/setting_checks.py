"""Settings that do not go together, and files and folders of theirs that cannot be used."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from api.import_files import read_prices
from api.journal.names import read_names
from api.setting_texts import DEFAULT_SECRET_KEY, JOURNAL
from domain.errors import InvalidInput

if TYPE_CHECKING:
    from api.settings import Settings

_TEST_SECRETS = ("whsec_test",)
_SECRET_KEY_MIN = 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class InvalidSettings(InvalidInput):
    """Settings that nothing can be started with. ``problems``: each of them."""

    def __init__(self, problems: Sequence[InvalidInput]) -> None:
        super().__init__("\n".join(map(str, problems)), field=problems[0].context["field"])
        self.problems = problems


def problems_of(settings: "Settings", malformed: Iterable[str] = ()) -> list[InvalidInput]:
    """What cannot be right together, or leads to a file that cannot be used.

    malformed: settings whose values could not be read. What rests on one of them is not said.
    """
    found = [*_unsafe(settings), *_unreadable(settings), *_no_folders(settings)]
    return [each for each in found if not {*malformed} & {*each.context["about"]}]


def _conflict(message: str, field: str, *others: str) -> InvalidInput:
    """field: what to change. others: what it rests on as well."""
    return InvalidInput(message, field=field, about=(field, *others))


def _unsafe(settings: "Settings") -> Iterator[InvalidInput]:
    if settings.processor == JOURNAL and settings.stripe_api_key:
        yield _conflict(
            "STRIPE_API_KEY is set, and with PROCESSOR=journal nothing goes to Stripe: "
            "take one of the two away",
            "STRIPE_API_KEY",
            "PROCESSOR",
        )
    if settings.shadow and (settings.processor == JOURNAL or settings.smtp_url):
        yield _conflict(
            "with SHADOW=true another program bills, and writes to customers: it goes neither with "
            "PROCESSOR=journal nor with SMTP_URL",
            "SHADOW",
            "PROCESSOR",
            "SMTP_URL",
        )
    if settings.smtp_url and not settings.mail_from:
        yield _conflict("SMTP_URL needs MAIL_FROM: whom e-mails are from", "MAIL_FROM", "SMTP_URL")
    if settings.live:
        yield from _unsafe_with_money(settings)
    if settings.secret_key == DEFAULT_SECRET_KEY and not settings.sandbox:
        yield _conflict(
            "SECRET_KEY has to be set once there is a Stripe key, or PROCESSOR=journal; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            "SECRET_KEY",
            "STRIPE_API_KEY",
            "PROCESSOR",
        )
    if settings.sandbox:
        yield from _public_sandbox(settings)
    if len(settings.secret_key) < _SECRET_KEY_MIN:
        wanted = f"SECRET_KEY has to have {_SECRET_KEY_MIN} characters or more"
        yield _conflict(wanted, "SECRET_KEY")


def _unsafe_with_money(settings: "Settings") -> Iterator[InvalidInput]:
    secrets = (settings.stripe_webhook_secret or "").split()
    if not secrets or any(each.startswith(_TEST_SECRETS) for each in secrets):
        yield _conflict(
            "STRIPE_WEBHOOK_SECRET has to be the signing secret of a live webhook endpoint once "
            "STRIPE_API_KEY is a live key",
            "STRIPE_WEBHOOK_SECRET",
            "STRIPE_API_KEY",
        )
    if not (settings.stripe_api_base or "").startswith("https://"):
        yield _conflict(
            f"STRIPE_API_BASE has to begin with https://, not {settings.stripe_api_base!r}: "
            "a live Stripe key is only sent that way",
            "STRIPE_API_BASE",
            "STRIPE_API_KEY",
        )


def _public_sandbox(settings: "Settings") -> Iterator[InvalidInput]:
    """A forgotten or misspelt STRIPE_API_KEY must not turn a real service into a demo."""
    if settings.origin.startswith("https://"):
        yield _conflict(
            "STRIPE_API_KEY is not set, so that nothing would be billed: PUBLIC_URL with https is "
            "for a service with Stripe, or with PROCESSOR=journal",
            "STRIPE_API_KEY",
            "PUBLIC_URL",
            "PROCESSOR",
        )
    if settings.secret_key == DEFAULT_SECRET_KEY and settings.host not in _LOOPBACK:
        yield _conflict(
            f"SECRET_KEY has to be set, even for a sandbox: on HOST {settings.host} others can "
            "reach the service",
            "SECRET_KEY",
            "HOST",
            "STRIPE_API_KEY",
            "PROCESSOR",
        )


def _unreadable(settings: "Settings") -> Iterator[InvalidInput]:
    files: list[tuple[str, Path | None, Callable[[Path | None], object]]] = [
        ("SHADOW_PRICES", settings.shadow_prices, read_prices),
        ("JOURNAL_ACCOUNTS", settings.journal_accounts, read_names),
    ]
    for name, file, read in files:
        try:
            read(file)
        except InvalidInput as error:
            yield _conflict(f"{name} has to be a file that can be used: {error}", name)


def _no_folders(settings: "Settings") -> Iterator[InvalidInput]:
    home = settings.cyclebook_home
    there = next(each for each in (home, *home.parents) if each.exists())
    if not there.is_dir():
        yield _conflict(
            f"CYCLEBOOK_HOME has to be a folder, not {str(home)!r}: {there} is a file",
            "CYCLEBOOK_HOME",
        )
    programs = settings.postgres_programs
    if programs is not None and not (programs / "postgres").is_file():
        yield _conflict(
            "POSTGRES_PROGRAMS has to be the folder of postgres, initdb and pg_ctl, "
            f"not {str(programs)!r}: there is no postgres in it",
            "POSTGRES_PROGRAMS",
        )
