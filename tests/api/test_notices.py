"""What is told: from the log, once; listed for those it concerns; read by each for themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.migrate import MIGRATIONS
from adapters.postgres.notice_work import PostgresNoticeWork
from adapters.sandbox.app import Sandbox
from api.wiring import Wired, clock
from application.noticing import Updates
from application.quarantine_growth import GROWING_BY
from application.worker import SyncWorker
from domain.errors import GatewayRejected
from tests.api.conftest import CYCLE, Caller
from tests.api.telling import NOTICES, follow, told
from tests.api.test_life import INVOICE, ORGANIZATION, done, issued, large, used
from tests.api.test_usage import record

__all__ = ["issued", "large", "used"]


def test_what_is_issued_and_credited_is_told(admin: Caller, wired: Wired, issued: str) -> None:
    note = {"note": "n1", "lines": {"usage/a1/cpu@1": 200}, "reduce_due": 200, "reason": "agreed"}
    done(admin("POST", f"{INVOICE}/credit-notes", note))
    first, second = told(wired, "invoice.issued", "invoice.credited")
    assert (first.kind, first.cycle, first.data["total"]) == ("invoice.issued", CYCLE, 500)
    assert (second.kind, second.data["amount"]) == ("invoice.credited", 200)
    invoice: Any = first.data["invoice"]
    assert (invoice["currency"], invoice["number"]) == ("usd", first.data["number"])


def test_a_discrepancy_is_told_to_those_who_run_it_alone(
    admin: Caller, wired: Wired, issued: str, sandbox: Sandbox, caller: Callable[..., Caller]
) -> None:
    (invoice,) = sandbox.world.ledger.every("invoice")
    sandbox.dashboard.act(invoice["id"], "void")
    wired.reconciler.audit(CYCLE)
    (found,) = told(wired, "discrepancy.found")
    assert found.cycle == CYCLE
    own = done(caller("organization", "acme")("GET", NOTICES))["data"]
    assert "discrepancy.found" not in {each["kind"] for each in own}
    staff = done(caller("support")("GET", "/v1/notices?kind=discrepancy.found"))["data"]
    assert [each["id"] for each in staff] == [found.id]


def test_a_case_is_told_without_its_words(admin: Caller, wired: Wired, acme: str) -> None:
    report = {"text": "Ada Byron says this is wrong", "cycle": CYCLE}
    answer = admin("POST", f"{ORGANIZATION}/cases", report)
    assert answer.status_code < 300, answer.get_data(as_text=True)
    (found,) = told(wired, "case.reported")
    assert "Byron" not in repr(found)


def test_a_rebuild_tells_nothing_again(wired: Wired, issued: str, database_url: str) -> None:
    before = told(wired)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM notice")
    wired.rebuilder.rebuild()
    assert before
    assert told(wired) == []


def test_the_past_before_the_migration_is_not_told(
    wired: Wired, issued: str, database_url: str
) -> None:
    statements = (MIGRATIONS / "0014_notices.sql").read_text("utf-8")
    (beginning,) = [each for each in statements.split(";") if "INTO notice_beginning" in each]
    with psycopg.connect(database_url) as connection:
        connection.execute(beginning.encode())
    assert told(wired) == []


@pytest.fixture
def listening(wired: Wired, acme: str) -> str:
    """An endpoint that asked for invoice.updated."""
    follow(wired)
    kinds = ["invoice.updated"]
    return wired.endpoints.create("https://erp.example/", kinds, actor="test").id


def test_a_changed_invoice_is_told_once_a_minute_and_only_if_it_differs(
    admin: Caller, wired: Wired, listening: str
) -> None:
    updates, now = wired.notifying.updates, datetime.now(UTC) + timedelta(seconds=1)
    done(admin("POST", "/v1/usage", [record("k1", value="100")]))
    done(admin("POST", "/v1/usage", [record("k2", value="100")]))
    follow(wired)
    assert not updates.run(now)
    assert [each.data["total"] for each in told(wired)] == [500]
    done(admin("POST", "/v1/usage", [record("k3", value="100")]))
    follow(wired)
    updates.run(now + timedelta(seconds=50))
    assert len(told(wired)) == 1
    updates.run(now + timedelta(seconds=62))
    assert [each.data["total"] for each in told(wired)] == [500, 750]
    credit = {"credit": "k1", "amount": 50, "currency": "usd", "reason": "agreed"}
    done(admin("POST", f"{ORGANIZATION}/credits", credit))
    follow(wired)
    updates.run(now + timedelta(seconds=130))
    assert [each.data["total"] for each in told(wired)] == [500, 750, 700]
    done(admin("POST", f"{INVOICE}/hold", {"reason": "a look"}))
    done(admin("POST", f"{INVOICE}/release", {"reason": "fine"}))
    follow(wired)
    updates.run(now + timedelta(hours=1))
    assert len(told(wired)) == 3
    assert len(wired.endpoints.deliveries(listening)) == 3


def test_what_changes_while_it_is_looked_at_is_looked_at_again(
    admin: Caller, wired: Wired, listening: str, database_url: str
) -> None:
    def while_looking(cycle: str) -> Any:
        view = wired.invoices.get(cycle)
        done(admin("POST", "/v1/usage", [record("k2", value="100")]))
        follow(wired)
        return view

    now = datetime.now(UTC) + timedelta(seconds=1)
    done(admin("POST", "/v1/usage", [record("k1", value="100")]))
    follow(wired)
    database = Database(database_url)
    work = PostgresNoticeWork(database)
    Updates(work, wired.notices, while_looking, timedelta(seconds=60)).run(now)
    database.close()
    wired.notifying.updates.run(now + timedelta(seconds=61))
    assert [each.data["total"] for each in told(wired)] == [250, 500]


def test_where_nobody_listens_nothing_is_rated(
    admin: Caller, wired: Wired, acme: str, database_url: str
) -> None:
    done(admin("POST", "/v1/usage", [record("k1", value="100")]))
    follow(wired)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM invoice_update").fetchone() == (0,)


def test_a_period_that_ends_soon_is_told_once(admin: Caller, wired: Wired, used: str) -> None:
    end = datetime.fromisoformat(done(admin("GET", INVOICE))["period"]["end"])
    upcoming = wired.notifying.upcoming
    upcoming.run(end - timedelta(days=7, seconds=1))
    assert told(wired, "invoice.upcoming") == []
    upcoming.run(end - timedelta(days=7))
    upcoming.run(end - timedelta(days=6))
    (found,) = told(wired, "invoice.upcoming")
    assert (found.cycle, found.data["total"], found.data["currency"]) == (CYCLE, 500, "usd")


def test_a_sync_that_is_parked_is_told_and_so_is_its_end(wired: Wired, used: str) -> None:
    def refuse(cycle: str, actor: str) -> None:
        raise GatewayRejected("no", code="customer_gone", person=True)

    troubles, now = wired.notifying.troubles, datetime.now(UTC)
    wired.sync_queue.mark(CYCLE, 1, clock())
    assert SyncWorker(wired.sync_queue, refuse).step()
    troubles.run(now)
    troubles.run(now + timedelta(hours=2))
    troubles.run(now + timedelta(hours=3))
    assert [each.kind for each in told(wired)] == ["sync.failed", "trouble.noticed"]
    wired.sync_queue.retry_parked(CYCLE)
    troubles.run(now + timedelta(hours=3))
    assert len(told(wired)) == 2
    assert SyncWorker(wired.sync_queue, lambda cycle, actor: None).step()
    troubles.run(now + timedelta(hours=4))
    troubles.run(now + timedelta(hours=5))
    kinds = [each.kind for each in told(wired)]
    assert sorted(kinds[2:]) == ["sync.recovered", "trouble.over"]


def test_a_quarantine_that_grows_is_told_once_a_day(admin: Caller, wired: Wired, acme: str) -> None:
    growth, now = wired.notifying.growth, datetime.now(UTC)
    unknown = [record(f"k{number}", meter="disk") for number in range(GROWING_BY)]
    done(admin("POST", "/v1/usage", unknown[1:]))
    growth.run(now)
    assert told(wired) == []
    done(admin("POST", "/v1/usage", unknown[:1]))
    growth.run(now)
    growth.run(now)
    assert [each.kind for each in told(wired)] == ["quarantine.growing"]


def test_mail_is_made_only_where_there_is_a_server(
    wired: Wired, issued: str, database_url: str
) -> None:
    assert wired.notifying.mailing is None
    assert told(wired, "invoice.issued")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM notice WHERE mail_due").fetchone() == (0,)
