"""Settings: read once, checked together, secrets kept to themselves."""

from dataclasses import fields
from pathlib import Path

import pytest

from api.setting_rows import rows
from api.setting_texts import DEFAULT_SECRET_KEY
from api.settings import SANDBOX_WEBHOOK_SECRET, Settings
from domain.errors import InvalidInput

LIVE = {
    "STRIPE_API_KEY": "sk_live_123",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    "SECRET_KEY": "0123456789abcdef",
}


def test_nothing_set_is_a_sandbox_on_this_machine() -> None:
    settings = Settings.from_environment({})
    assert settings.sandbox
    assert not settings.live
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url is None
    assert settings.cyclebook_home == Path.cwd() / ".cyclebook"
    assert settings.stripe_api_base == "http://127.0.0.1:12111"
    assert settings.stripe_webhook_secret == SANDBOX_WEBHOOK_SECRET
    assert settings.sync_interval_s == 900


def test_without_stripe_there_is_no_sandbox_and_no_webhook_is_vouched_for() -> None:
    settings = Settings.from_environment({"PROCESSOR": "journal", "SECRET_KEY": "0123456789abcdef"})
    assert not settings.sandbox and not settings.live
    assert (settings.stripe_webhook_secret, settings.stripe_api_base) == (None, None)


def test_an_empty_variable_is_not_set() -> None:
    given = {"STRIPE_API_KEY": "", "PORT": " "}
    assert Settings.from_environment(given) == Settings.from_environment({})


@pytest.mark.parametrize(
    ("given", "field"),
    [
        pytest.param({"PORT": "80000"}, "PORT", id="no such port"),
        pytest.param({"PORT": "http"}, "PORT", id="no number"),
        pytest.param({"PORT": "٣"}, "PORT", id="digits of another script"),
        pytest.param({"WORKERS": "0"}, "WORKERS", id="no worker"),
        pytest.param({"SYNC_INTERVAL_S": "-1"}, "SYNC_INTERVAL_S", id="negative"),
        pytest.param({"SYNC_INTERVAL_S": "1.5"}, "SYNC_INTERVAL_S", id="a fraction"),
        pytest.param({"SCHEDULES": "audits=off"}, "SCHEDULES", id="no such schedule"),
        pytest.param({"SCHEDULES": "audit=daily"}, "SCHEDULES", id="no cadence"),
        pytest.param({"FINAL_SYNC_HOURS": "0"}, "FINAL_SYNC_HOURS", id="no time for final syncs"),
        pytest.param({"LOG_LEVEL": "loud"}, "LOG_LEVEL", id="no such level"),
        pytest.param({"DATABASE_URL": "mysql://x"}, "DATABASE_URL", id="another database"),
        pytest.param({"SECRET_KEY": "short"}, "SECRET_KEY", id="a short secret"),
        pytest.param({"BILL_FROM": "December"}, "BILL_FROM", id="no day"),
        pytest.param({"SHADOW": "yes"}, "SHADOW", id="neither true nor false"),
        pytest.param(
            {"SHADOW": "true", "PROCESSOR": "journal", "SECRET_KEY": "0123456789abcdef"},
            "SHADOW",
            id="a shadow of nothing",
        ),
        pytest.param(
            {"SHADOW": "true", "SMTP_URL": "smtp://x", "MAIL_FROM": "a@x.example"},
            "SHADOW",
            id="two programs that write to customers",
        ),
        pytest.param(
            {**LIVE, "STRIPE_WEBHOOK_SECRET": SANDBOX_WEBHOOK_SECRET},
            "STRIPE_WEBHOOK_SECRET",
            id="live key, test webhook secret",
        ),
        pytest.param(
            {**LIVE, "STRIPE_WEBHOOK_SECRET": ""},
            "STRIPE_WEBHOOK_SECRET",
            id="live key, no webhook secret",
        ),
        pytest.param(
            {**LIVE, "STRIPE_API_BASE": "http://127.0.0.1:12111"},
            "STRIPE_API_BASE",
            id="live key in clear text",
        ),
        pytest.param({**LIVE, "SECRET_KEY": ""}, "SECRET_KEY", id="default secret, live key"),
        pytest.param(
            {"STRIPE_API_KEY": "sk_test_1", "SECRET_KEY": DEFAULT_SECRET_KEY},
            "SECRET_KEY",
            id="default secret, test key",
        ),
        pytest.param(
            {"PUBLIC_URL": "https://billing.example.com", "SECRET_KEY": "0123456789abcdef"},
            "STRIPE_API_KEY",
            id="a service that forgot its Stripe key",
        ),
        pytest.param({"HOST": "0.0.0.0"}, "SECRET_KEY", id="default secret, others can reach it"),
        pytest.param({"WEBHOOK_ALLOW_LOCAL": "maybe"}, "WEBHOOK_ALLOW_LOCAL", id="maybe"),
        pytest.param({"SMTP_URL": "mail.example"}, "SMTP_URL", id="no mail server"),
        pytest.param({"SMTP_URL": "smtp://mail"}, "MAIL_FROM", id="mail from nobody"),
        pytest.param({"PROCESSOR": "paper"}, "PROCESSOR", id="no such processor"),
        pytest.param({"PROCESSOR": "journal"}, "SECRET_KEY", id="default secret, journal"),
        pytest.param({**LIVE, "PROCESSOR": "journal"}, "STRIPE_API_KEY", id="journal and a key"),
    ],
)
def test_what_is_malformed_or_unsafe_is_refused_by_name(given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment(given)
    assert refusal.value.context["field"] == field


def test_secrets_are_never_shown() -> None:
    given = {**LIVE, "DATABASE_URL": "postgresql://u:hidden@db/x"}
    settings = Settings.from_environment(given)
    shown = repr(settings) + repr(rows(settings, [], given))
    for secret in ("sk_live_123", "whsec_abc", "0123456789abcdef", "hidden"):
        assert secret not in shown


def test_each_setting_is_shown_with_its_meaning() -> None:
    shown = rows(Settings.from_environment({}), [], {})
    assert [each.variable for each in shown] == [each.name.upper() for each in fields(Settings)]
    assert all(each.meaning and each.problem is None for each in shown)


@pytest.mark.parametrize(
    ("given", "name", "value", "source"),
    [
        pytest.param({}, "PORT", "8000", "default", id="nothing said"),
        pytest.param({"PORT": "81"}, "PORT", "81", "environment", id="said"),
        pytest.param({"PORT": " "}, "PORT", "8000", "default", id="said with nothing in it"),
        pytest.param({}, "PUBLIC_URL", "http://127.0.0.1:8000", "derived", id="where it listens"),
        pytest.param({"HOST": "::1"}, "PUBLIC_URL", "http://[::1]:8000", "derived", id="IPv6"),
        pytest.param({}, "STRIPE_API_BASE", "http://127.0.0.1:12111", "derived", id="the sandbox"),
        pytest.param(LIVE, "STRIPE_API_BASE", "https://api.stripe.com", "derived", id="Stripe"),
        pytest.param(LIVE, "STRIPE_RATE_PER_S", "100", "derived", id="the pace of a live key"),
        pytest.param(LIVE, "STRIPE_API_KEY", "set", "environment", id="a secret"),
        pytest.param({}, "STRIPE_WEBHOOK_SECRET", "set", "derived", id="the sandbox's secret"),
        pytest.param({}, "SECRET_KEY", "set", "default", id="the demo's secret"),
        pytest.param({}, "AMQP_URL", "not set", "default", id="nothing in force"),
        pytest.param({}, "SCHEDULES", "not set", "default", id="an empty default"),
        pytest.param({}, "SHADOW", "false", "default", id="as it would be written"),
        pytest.param(
            {"CYCLEBOOK_HOME": "/srv/books"},
            "DATABASE_URL",
            "embedded, in /srv/books",
            "derived",
            id="the embedded database",
        ),
    ],
)
def test_what_is_in_force_is_shown_and_where_it_comes_from(
    given: dict[str, str], name: str, value: str, source: str
) -> None:
    shown = {each.variable: each for each in rows(Settings.from_environment(given), [], given)}
    assert (shown[name].value, shown[name].source) == (value, source)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        pytest.param({"AMQP_URL": "http://broker"}, "AMQP_URL", id="another protocol"),
        pytest.param({"AMQP_PREFIX": "a b"}, "AMQP_PREFIX", id="a blank in a name"),
        pytest.param({"AMQP_PREFIX": "x" * 65}, "AMQP_PREFIX", id="a long name"),
    ],
)
def test_a_broker_has_an_address_and_its_queues_have_plain_names(
    given: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Settings.from_environment(given)
    assert refused.value.context["field"] == field
