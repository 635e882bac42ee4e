"""Liveness and readiness; and what is answered while the database is away."""

import re
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.mails import PostgresMailOutage
from adapters.postgres.pacing import PostgresPace
from adapters.postgres.vitals import PostgresVitals
from api.app import create_app
from api.settings import Settings
from api.wiring import Wired, attached, wire
from application.mail_server import MailOutage
from application.pacer import Pacer
from application.pacing import Outcome
from application.vitals import Budget, Monitoring, SetUp
from domain.errors import RuleViolation, StoreUnavailable
from tests.api.conftest import Caller
from tests.databases import migrated_database


def test_a_process_is_ready_when_its_database_is(admin: Caller, wired: Wired) -> None:
    wired.scheduling.crew.beat(UUID(int=1), ["project", "sync", "schedule", "notify"], [])
    assert admin.client.get("/readyz").get_json() == {"ready": True, "warnings": []}
    assert admin.client.get("/healthz").get_json() == {"status": "ok"}


def test_what_does_not_keep_requests_from_being_served_is_a_warning(
    admin: Caller, wired: Wired, database_url: str
) -> None:
    wired.scheduling.crew.beat(UUID(int=1), ["project"], [])
    with closing(Database(database_url, size=1)) as database:
        pacer = Pacer(PostgresPace(database, 100, 25), lambda span: None)
        pacer.tell(pacer.take("GET /v1/invoices"), Outcome.KEY_REFUSED, "Stripe refuses our key")
    budget = wired.monitoring.look().budget
    assert budget.key_refused and budget.away_since is not None

    assert admin.client.get("/readyz").get_json() == {
        "ready": True,
        "warnings": [
            "stripe: Stripe refuses our key",
            "workers: none has the role sync",
            "workers: none has the role schedule",
            "workers: none has the role notify",
        ],
    }


def test_intake_is_missed_where_there_is_a_broker_and_mail_where_any_is_sent(
    admin: Caller, wired: Wired, database_url: str
) -> None:
    wired.scheduling.crew.beat(UUID(int=1), ["project", "sync", "schedule", "notify"], [])
    since = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)
    with closing(Database(database_url, size=2)) as database:
        outage = MailOutage(since=since, reason="the mail server: ConnectionRefusedError")
        PostgresMailOutage(database).begin(outage, since)
        plain, whole = (
            Monitoring(
                PostgresVitals(database),
                wired.projector.lag,
                lambda: Budget(used=0, allowed=9, full=9),
                list,
                SetUp(broker=used, mails=used),
            )
            for used in (False, True)
        )
        assert plain.warnings() == []
        assert whole.warnings() == [
            "workers: none has the role intake",
            "mail: no e-mail goes out since 2026-11-21 14:02 UTC: "
            "the mail server: ConnectionRefusedError",
        ]
        assert whole.look().missing == ["intake"]


def test_a_chain_that_is_far_behind_is_a_warning(
    admin: Caller, wired: Wired, acme: str, database_url: str
) -> None:
    wired.scheduling.crew.beat(UUID(int=1), ["project", "sync", "schedule", "notify"], [])
    while wired.projector.step():
        pass
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE cyclebook_events SET recorded_at = now() - interval '1 hour'")

    (warning,) = admin.client.get("/readyz").get_json()["warnings"]
    assert re.fullmatch(r"chain: \d+ events are not linked yet", warning)
    while wired.audit_trail.chain.step():
        pass
    assert admin.client.get("/readyz").get_json()["warnings"] == []


def test_old_lists_are_a_reason_not_to_be_asked(
    admin: Caller, acme: str, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE cyclebook_events SET recorded_at = now() - interval '1 hour'")

    ready = admin.client.get("/readyz")

    assert ready.status_code == 503
    assert "is work running?" in ready.get_json()["detail"]


def test_without_its_database_the_process_lives_and_says_what_is_wrong(
    embedded_server: str,
) -> None:
    url = migrated_database(embedded_server, "soon_gone")
    settings = Settings.from_environment({"DATABASE_URL": url})
    with wire(settings, url) as wired:
        client = create_app(wired).test_client()
        assert client.get("/readyz").status_code == 200
        drop_database(embedded_server, "soon_gone")
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.get_json()["code"]) == (503, "not_ready")
        key = {"Authorization": "Bearer ck_x"}
        response = client.post("/v1/usage", json=[], headers=key)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.get_json()["code"] == "store_unavailable"


def test_a_process_serves_on_after_a_later_release_has_migrated(embedded_server: str) -> None:
    url = migrated_database(embedded_server, "outgrown")
    settings = Settings.from_environment({"DATABASE_URL": url})
    with wire(settings, url) as wired:
        client = create_app(wired).test_client()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO schema_migration VALUES (9999, 'later', 'x')")
        assert client.get("/readyz").status_code == 200
    with pytest.raises(RuleViolation, match="newer than this code"), attached(settings):
        pass
    drop_database(embedded_server, "outgrown")


def drop_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


def test_a_process_does_not_start_without_its_database() -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    settings = Settings.from_environment({"DATABASE_URL": url})
    with pytest.raises(StoreUnavailable), wire(settings, url):
        pass
