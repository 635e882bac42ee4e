"""Every setting: its environment variable, its default and what it means. Nothing else reads them.

``cyclebook settings`` prints this table as it stands on your machine.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from api.setting_checks import InvalidSettings, problems_of
from api.setting_texts import (
    DEFAULT_SECRET_KEY,
    STRIPE,
    as_amqp_name,
    as_count,
    as_day,
    as_host,
    as_log_format,
    as_log_level,
    as_minor_units,
    as_networks,
    as_path,
    as_port,
    as_processor,
    as_reads,
    as_schedules,
    as_sender,
    as_stripe_key,
    as_text,
    as_token,
    as_url,
    as_web_address,
    as_webhook_secrets,
    as_yes_or_no,
)
from domain.errors import InvalidInput

SANDBOX_WEBHOOK_SECRET = "whsec_test_of_the_cyclebook_sandbox"
STRIPE_API = "https://api.stripe.com"

_LIVE_KEYS = ("sk_live_", "rk_live_")


def _setting(
    meaning: str,
    parse: Callable[[str, str], Any] = as_text,
    *,
    default: str | None = None,
    secret: bool = False,
) -> Any:
    about = {"meaning": meaning, "parse": parse, "default": default, "secret": secret}
    return field(metadata=about, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this process was told, checked. A field's variable is its name in capitals."""

    host: str = _setting("Address that the API listens on", as_host, default="127.0.0.1")
    port: int = _setting("Port that the API listens on", as_port, default="8000")
    public_url: str | None = _setting(
        "Where people reach the pages, for links; not set: http://HOST:PORT",
        as_web_address,
    )
    trusted_proxies: str = _setting(
        "Proxies whose X-Forwarded-For says who asks: addresses or networks, with commas between; "
        "not set: none",
        as_networks,
        default="",
    )
    workers: int = _setting("API processes", as_count, default="2")
    threads: int = _setting("Threads in each API process", as_count, default="8")
    database_url: str | None = _setting(
        "PostgreSQL 15 or newer; not set: an embedded one in CYCLEBOOK_HOME",
        as_url("postgresql", "postgres"),
        secret=True,
    )
    cyclebook_home: Path = _setting(  # noqa: RUF009 - a field(), one call away
        "Folder of the embedded data", as_path, default=".cyclebook"
    )
    postgres_programs: Path | None = _setting(  # noqa: RUF009
        "Folder of postgres, initdb and pg_ctl for the embedded database; not set: the wheel's",
        as_path,
    )
    processor: str = _setting(
        "Who holds and issues invoices: stripe, or the journal in our own database",
        as_processor,
        default=STRIPE,
    )
    stripe_api_key: str | None = _setting(
        "Stripe's key; not set: the sandbox", as_stripe_key, secret=True
    )
    stripe_api_base: str | None = _setting(
        "Where Stripe's API answers; not set: Stripe, or our sandbox", as_web_address
    )
    stripe_webhook_secret: str | None = _setting(
        "Signing secret of Stripe's webhooks, or several with blanks between while one is "
        "replaced; not set: the sandbox's, or none are taken",
        as_webhook_secrets,
        secret=True,
    )
    sandbox_port: int = _setting("Port of the Stripe sandbox", as_port, default="12111")
    shadow: bool = _setting(
        "Whether another program bills: nothing is written to Stripe, all is compared",
        as_yes_or_no,
        default="false",
    )
    bill_from: date | None = _setting(  # noqa: RUF009
        "Cycles that began before this day were billed by another program; not set: none", as_day
    )
    shadow_prices: Path | None = _setting(  # noqa: RUF009
        "CSV file that names our price for theirs, to compare lines by; not set: by words", as_path
    )
    sync_interval_s: int = _setting(
        "Seconds between a change and its sync to Stripe, at most, as far as reads last",
        as_count,
        default="900",
    )
    stripe_reads_per_invoice: int = _setting(
        "Reads of Stripe for each invoice in 30 days: drafts that change all the time are synced "
        "more rarely, so that no more are needed; 0: no limit",
        as_reads,
        default="500",
    )
    stripe_rate_per_s: int = _setting(
        "Calls a second to Stripe, all processes together; not set: 25 with a test key, else 100",
        as_count,
    )
    stripe_rate_per_endpoint_s: int = _setting(
        "Calls a second to each of Stripe's endpoints, all processes together",
        as_count,
        default="25",
    )
    sync_threads: int = _setting(
        "Cycles that a worker syncs at once, one of them kept for urgent ones; and organizations "
        "that a scheduler closes at once",
        as_count,
        default="5",
    )
    schedules: str = _setting(
        "When periodic work is done, where that differs from the usual: such as "
        "audit=0 2 * * *;catch_up=off",
        as_schedules,
        default="",
    )
    final_sync_hours: int = _setting(
        "Hours before a period's end over which its last syncs are spread", as_count, default="6"
    )
    webhook_allow_local: bool = _setting(
        "Whether webhook endpoints may be on this very machine, over http too: for tests",
        as_yes_or_no,
        default="false",
    )
    webhook_updated_every_s: int = _setting(
        "Seconds between two invoice.updated webhooks of one invoice, at least",
        as_count,
        default="60",
    )
    invoice_upcoming_days: int = _setting(
        "Days before a period's end that its customer is told", as_count, default="7"
    )
    smtp_url: str | None = _setting(
        "Mail server, such as smtp://user:password@host:587?starttls=always or smtps://host; "
        "not set: no e-mails are made",
        as_url("smtp", "smtps"),
        secret=True,
    )
    mail_from: str | None = _setting(
        "Whom e-mails are from, such as Acme Cloud <billing@acme.example>; needed with SMTP_URL",
        as_sender,
    )
    secret_key: str = _setting(
        "Signs sessions and links; needed outside the sandbox",
        default=DEFAULT_SECRET_KEY,
        secret=True,
    )
    journal_accounts: Path | None = _setting(  # noqa: RUF009
        "TOML file of the account names in exported journals; not set: the default ones", as_path
    )
    second_person_above: int | None = _setting(
        "Minor units that one person may move with one change by hand; above that a second one "
        "has to approve; not set: nobody is asked",
        as_minor_units,
    )
    rate_limit_per_s: int = _setting(
        "Requests a second of one key, usage not counted; each API process grants its share",
        as_count,
        default="200",
    )
    usage_rate_limit: int | None = _setting(
        "Usage records a second of one key; each API process grants its share; not set: no limit",
        as_count,
    )
    amqp_url: str | None = _setting(
        "RabbitMQ 3.10 or newer: usage comes in, and hints of due syncs go out; not set: none",
        as_url("amqp", "amqps"),
        secret=True,
    )
    amqp_prefix: str = _setting(
        "What the names of all exchanges and queues begin with", as_amqp_name, default="cyclebook"
    )
    metrics_token: str | None = _setting(
        "What Prometheus has to send as a bearer to read /metrics; not set: read from this very "
        "machine alone",
        as_token,
        secret=True,
    )
    worker_metrics_port: int | None = _setting(
        "Port on HOST at which a worker shows its /metrics; not set: none", as_port
    )
    otel: bool = _setting(
        "Whether traces are sent by OpenTelemetry, to where OTEL_EXPORTER_OTLP_ENDPOINT says",
        as_yes_or_no,
        default="false",
    )
    log_level: str = _setting("DEBUG, INFO, WARNING or ERROR", as_log_level, default="INFO")
    log_format: str = _setting("text for people, or json", as_log_format, default="text")

    @property
    def origin(self) -> str:
        """Where people reach the pages, without a slash at its end."""
        return (self.public_url or f"http://{self.address}").rstrip("/")

    @property
    def address(self) -> str:
        """Where the API listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def sandbox(self) -> bool:
        """Whether our simulator stands in for Stripe."""
        return self.processor == STRIPE and self.stripe_api_key is None

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return (self.stripe_api_key or "").startswith(_LIVE_KEYS)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read and check everything. An empty variable counts as not set.

        Raises:
            InvalidSettings: values are malformed, or do not go together; ``problems`` names each.
        """
        settings, problems = cls.as_given(os.environ if environment is None else environment)
        if problems:
            raise InvalidSettings(problems)
        return settings

    @classmethod
    def as_given(cls, environment: Mapping[str, str]) -> "tuple[Settings, list[InvalidInput]]":
        """The settings, with defaults where one is malformed; and everything wrong with them."""
        values: dict[str, Any] = {}
        problems: list[InvalidInput] = []
        for each in fields(cls):
            name, about = each.name.upper(), each.metadata
            try:
                values[each.name] = _read(name, about, environment.get(name, ""))
            except InvalidInput as error:
                problems.append(error)
                values[each.name] = _read(name, about, "")
        _fill_in(values)
        settings = cls(**values)
        malformed = [each.context["field"] for each in problems]
        return settings, [*problems, *problems_of(settings, malformed)]


def _read(name: str, about: Mapping[str, Any], given: str) -> Any:
    text = given.strip() or about["default"]
    return None if text is None else about["parse"](name, text)


def _fill_in(values: dict[str, Any]) -> None:
    """The defaults that depend on Stripe's key; without Stripe no webhook is vouched for."""
    key = values["stripe_api_key"]
    test = key is not None and not key.startswith(_LIVE_KEYS)
    values["stripe_rate_per_s"] = values["stripe_rate_per_s"] or (25 if test else 100)
    if key is None and values["processor"] == STRIPE:
        values["stripe_api_base"] = (
            values["stripe_api_base"] or f"http://127.0.0.1:{values['sandbox_port']}"
        )
        values["stripe_webhook_secret"] = values["stripe_webhook_secret"] or SANDBOX_WEBHOOK_SECRET
    elif key is not None:
        values["stripe_api_base"] = values["stripe_api_base"] or STRIPE_API
