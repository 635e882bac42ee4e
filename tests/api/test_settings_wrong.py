"""Settings that are wrong: named by whatever is started, with what is expected; no traceback."""

import json
import os
import socket
from dataclasses import fields

import pytest

from api.cli.main import main
from api.cli.start import begun
from api.setting_checks import InvalidSettings
from api.settings import Settings
from tests.api.conftest import Run

STARTS = ("serve", "work", "up", "sandbox", "migrate", "settings", "keys list")
"""Every kind of process."""

LIVE = {"STRIPE_API_KEY": "sk_live_1", "SECRET_KEY": "0123456789abcdef"}

WRONG = [
    pytest.param("HOST", "a..b", "an address such as 127.0.0.1", id="a host with a hole"),
    pytest.param("HOST", "my host", "an address such as 127.0.0.1", id="a host with a blank"),
    pytest.param("PORT", "80000", "a port from 1 to 65535", id="a port too high"),
    pytest.param("PORT", "9" * 5000, "a port from 1 to 65535", id="a number Python will not read"),
    pytest.param("PUBLIC_URL", "/nope", "an address such as https://", id="a path"),
    pytest.param("PUBLIC_URL", "https:/nope", "an address such as https://", id="a slash short"),
    pytest.param("PUBLIC_URL", "http://x:http", "an address such as https://", id="no port"),
    pytest.param("PUBLIC_URL", "http://x?a=b", "an address such as https://", id="a query"),
    pytest.param("TRUSTED_PROXIES", "10.0.0.0/99", "addresses or networks", id="no network"),
    pytest.param("TRUSTED_PROXIES", "10.0.0.1, ::/0", "addresses or networks", id="everybody"),
    pytest.param("WORKERS", "0", "a whole number from 1 to 1000000", id="no API process"),
    pytest.param("THREADS", "many", "a whole number from 1 to 1000000", id="no number"),
    pytest.param("DATABASE_URL", "mysql://u:canary@x", "begins with postgresql://", id="MySQL"),
    pytest.param("DATABASE_URL", "postgresql://u:canary%zz@x", "written as %", id="a stray %"),
    pytest.param("CYCLEBOOK_HOME", "/etc/passwd/x", "/etc/passwd is a file", id="below a file"),
    pytest.param("CYCLEBOOK_HOME", "~nobody-at-all/x", "a path", id="a home of nobody"),
    pytest.param("POSTGRES_PROGRAMS", "/etc", "there is no postgres in it", id="no programs"),
    pytest.param("PROCESSOR", "paper", "stripe or journal", id="no such processor"),
    pytest.param("STRIPE_API_KEY", "pk_live_canary", "sk_ or rk_", id="a key for browsers"),
    pytest.param("STRIPE_API_BASE", "stripe.com", "an address such as https://", id="no scheme"),
    pytest.param("STRIPE_WEBHOOK_SECRET", "canary", "whsec_", id="no signing secret"),
    pytest.param("SANDBOX_PORT", "0", "a port from 1 to 65535", id="port zero"),
    pytest.param("SHADOW", "yes", "true or false", id="neither true nor false"),
    pytest.param("BILL_FROM", "2026-13-01", "a day such as 2026-12-01", id="no such month"),
    pytest.param("SHADOW_PRICES", "/no/such.csv", "a file that can be used", id="no prices"),
    pytest.param("SYNC_INTERVAL_S", "1.5", "a whole number from 1", id="half a second"),
    pytest.param("STRIPE_READS_PER_INVOICE", "-1", "a whole number from", id="less than nothing"),
    pytest.param("STRIPE_READS_PER_INVOICE", "35", "0, or a whole number from 36", id="too few"),
    pytest.param("STRIPE_RATE_PER_S", "0", "a whole number from 1", id="no calls"),
    pytest.param("STRIPE_RATE_PER_ENDPOINT_S", "all", "a whole number from 1", id="all calls"),
    pytest.param("SYNC_THREADS", "-5", "a whole number from 1", id="fewer than none"),
    pytest.param("SCHEDULES", "audits=off", "there is no schedule", id="no such schedule"),
    pytest.param("SCHEDULES", "audit=daily", "give five fields of cron", id="no cadence"),
    pytest.param("FINAL_SYNC_HOURS", "6h", "a whole number from 1", id="with a unit"),
    pytest.param("WEBHOOK_ALLOW_LOCAL", "1", "true or false", id="a number for a yes"),
    pytest.param("WEBHOOK_UPDATED_EVERY_S", "x", "a whole number from 1", id="a letter"),
    pytest.param("INVOICE_UPCOMING_DAYS", "x", "a whole number from 1", id="another letter"),
    pytest.param("SMTP_URL", "mail:canary", "begins with smtp://", id="no mail server"),
    pytest.param("SMTP_URL", "smtp://u:canary@h:99999", "has to look like", id="a mail port"),
    pytest.param("SMTP_URL", "smtp://h?starttls=canary", "has to look like", id="no such TLS"),
    pytest.param("MAIL_FROM", "nobody", "an e-mail address such as", id="no address"),
    pytest.param("MAIL_FROM", "a@b@c", "an e-mail address such as", id="one @ too many"),
    pytest.param("SECRET_KEY", "canary", "16 characters", id="a short secret"),
    pytest.param("JOURNAL_ACCOUNTS", "/no/such.toml", "a file that can be used", id="no accounts"),
    pytest.param("SECOND_PERSON_ABOVE", "100.00", "minor units", id="an amount with a point"),
    pytest.param("RATE_LIMIT_PER_S", "0", "a whole number from 1", id="no requests"),
    pytest.param("USAGE_RATE_LIMIT", "0", "a whole number from 1", id="no usage"),
    pytest.param("AMQP_URL", "http://canary", "begins with amqp://", id="another protocol"),
    pytest.param("AMQP_URL", "amqp://u:ca#nary@h", "written as %", id="a password cut short"),
    pytest.param("AMQP_PREFIX", "a b", "1 to 64 letters", id="a blank in a name"),
    pytest.param("METRICS_TOKEN", "canary bird", "without blanks", id="two words"),
    pytest.param("WORKER_METRICS_PORT", "x", "a port from 1 to 65535", id="no port"),
    pytest.param("OTEL", "on", "true or false", id="on is not true"),
    pytest.param("LOG_LEVEL", "loud", "one of DEBUG", id="no such level"),
    pytest.param("LOG_FORMAT", "xml", "text or json", id="no such format"),
]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command that does not come as far as to a database."""

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capfd.readouterr()
        return int(str(ended.value.code or 0)), told.out, told.err

    return command


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_each_start_names_what_is_wrong_and_what_is_expected(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    if name == "SMTP_URL":
        monkeypatch.setenv("MAIL_FROM", "billing@acme.example")
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings):  # or else what follows would begin to serve
        begun(os.environ)
    for start in STARTS:
        status, _, told = run(*start.split())
        (line,) = [each for each in told.splitlines() if each.startswith("cyclebook: ")]
        assert (status, line.startswith(f"cyclebook: {name}"), expected in line) == (2, True, True)
        assert "Traceback" not in told
        if _is_secret(name):
            assert "canary" not in told and "nary" not in told
        else:
            assert value in line


def _is_secret(name: str) -> bool:
    return next(each.metadata["secret"] for each in fields(Settings) if each.name.upper() == name)


def test_every_setting_has_been_wrong() -> None:
    assert {each.values[0] for each in WRONG} == {each.name.upper() for each in fields(Settings)}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"PORT": "x", "SHADOW": "y"}, ["PORT", "SHADOW"], id="two malformed"),
        pytest.param(
            {"PORT": "x", "SECRET_KEY": "short"}, ["PORT", "SECRET_KEY"], id="malformed and unsafe"
        ),
        pytest.param(
            {**LIVE, "STRIPE_API_BASE": "http://x"},
            ["STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"],
            id="two that do not go with a live key",
        ),
        pytest.param(
            {"PROCESSOR": "jornal", "PUBLIC_URL": "https://x.example"},
            ["PROCESSOR"],
            id="no guess about what rests on a malformed one",
        ),
        pytest.param(
            {"SMTP_URL": "smtp://x", "MAIL_FROM": "x"}, ["MAIL_FROM"], id="each named only once"
        ),
    ],
)
def test_all_that_is_wrong_is_named_at_once(given: dict[str, str], named: list[str]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment(given)
    assert [each.context["field"] for each in refused.value.problems] == named


@pytest.mark.parametrize(("start", "name"), [("serve", "PORT"), ("sandbox", "SANDBOX_PORT")])
def test_a_port_that_is_taken_is_named_by_its_setting_and_may_be_free_later(
    run: Run, monkeypatch: pytest.MonkeyPatch, start: str, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv(name, str(port))
        status, _, told = run(start)
    wanted = f"cyclebook: 127.0.0.1:{port} is taken: stop what listens there, or set {name} to"
    assert (status, told.startswith(wanted)) == (1, True), told


def test_settings_that_would_not_start_are_shown_with_each_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("AMQP_URL", "amqp://u:ca#nary@h")
    status, told, errors = run("settings", "--json")
    rows = {each["variable"]: each for each in json.loads(told)}

    assert (status, len(errors.splitlines())) == (2, 2)
    assert (rows["PORT"]["value"], rows["PORT"]["from"]) == ("x", "environment")
    assert rows["PORT"]["problem"] == "PORT has to be a port from 1 to 65535, not 'x'"
    assert (rows["AMQP_URL"]["value"], bool(rows["AMQP_URL"]["problem"])) == ("set", True)
    assert rows["HOST"]["problem"] is None
