"""Names that are nearly those of settings: said at the start, and nothing of others'."""

import pytest

from api.setting_names import misspelt
from tests.api.conftest import Run

ORDINARY = """
PATH HOME LANG LC_ALL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSSLMODE USER LOGNAME SHELL TERM
PWD SHLVL MAIL HOSTNAME EDITOR DISPLAY SSH_CLIENT XDG_RUNTIME_DIR TMPDIR TZ PYTHONPATH VIRTUAL_ENV
http_proxy HTTPS_PROXY no_proxy INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS WATCHDOG_USEC
KUBERNETES_SERVICE_HOST KUBERNETES_PORT CYCLEBOOK_SERVICE_HOST CYCLEBOOK_SERVICE_PORT POD_NAME
WEB_CONCURRENCY PORT0 REDIS_URL OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT OTEL_LOG_LEVEL
PROMETHEUS_MULTIPROC_DIR CI AWS_REGION AWS_SECRET_ACCESS_KEY COLUMNS LS_COLORS _ PS1 MAKEFLAGS
TEST_DATABASE_URL TEST_AMQP_URL CYCLEBOOK_TEST_HOME CYCLEBOOK_SHOTS STRIPE_TEST_KEY
STRIPE_CONTRACT STRIPE_PUBLISHABLE_KEY DJANGO_SECRET_KEY POSTGRES_PASSWORD POSTGRES_DB
RABBITMQ_DEFAULT_USER SMTP_HOST SMTP_PORT MAIL_HOST VHOST OMP_NUM_THREADS SSL_CERT_FILE container
"""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("STRIPE_APIKEY", "STRIPE_API_KEY"),
        ("AMPQ_URL", "AMQP_URL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("database_url", "DATABASE_URL"),
        ("CYCLEBOOK_PORT", "PORT"),
        ("CYCLEBOOK_DATABASE_URL", "DATABASE_URL"),
        ("CYCLEBOOK_STRIPE_APIKEY", "STRIPE_API_KEY"),
        ("CYCLEBOOK_HOEM", "CYCLEBOOK_HOME"),
        ("MAILFROM", "MAIL_FROM"),
        ("SYNC_INTERVAL", "SYNC_INTERVAL_S"),
        ("WORKER", "WORKERS"),
    ],
)
def test_a_near_miss_is_found(given: str, meant: str) -> None:
    assert misspelt({given: "x"}) == {given: meant}


def test_an_ordinary_environment_is_left_alone() -> None:
    assert misspelt(dict.fromkeys(ORDINARY.split(), "x")) == {}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"DATABASE_URI": "x", "DATABASE_URL": "y"}, id="its right name is there too"),
        pytest.param({"DATABASE_URI": " "}, id="nothing in it"),
        pytest.param({"CYCLEBOOK_PORT": "tcp://10.0.0.1:8000"}, id="what Kubernetes sets"),
    ],
)
def test_somebody_elses_is_left_alone(given: dict[str, str]) -> None:
    assert misspelt(given) == {}


def test_it_is_said_and_nothing_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = "STRIPE_APIKEY is no setting and does nothing; did you mean STRIPE_API_KEY?"
    monkeypatch.setenv("STRIPE_APIKEY", "sk_live_canary")
    assert run("keys", "list")[0] == 0
    status, _, errors = run("settings")
    assert (status, errors) == (0, f"cyclebook: {told}\n")
    assert told in caplog.text and "canary" not in caplog.text + errors
