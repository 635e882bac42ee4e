"""Troubles of syncs in their tables: an outage that touches everybody, from end to end."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.notices import PostgresNotices
from adapters.postgres.sync_queue import PostgresSyncQueue
from adapters.postgres.sync_troubles import PostgresTroubles
from application.notices import Told as Notice
from application.sync_troubles import Outage, SyncTroubles

NOW = datetime.now(UTC)
CYCLES = [f"o{number:03}.2026-01-01" for number in range(60)]


class Service:
    """Syncs that fail, and who is told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.queue = PostgresSyncQueue(database)
        self.notices = PostgresNotices(database, mails=True)
        self.outage: Outage | None = None
        self.troubles = SyncTroubles(PostgresTroubles(database, mails=True), lambda: self.outage)

    def fail(self, cycles: list[str], why: str = "stripe_away: x", *, park: bool = False) -> None:
        for cycle in cycles:
            self.queue.mark(cycle, 1, NOW)
        for claim in self.queue.claim(len(cycles)):
            self.queue.fail(claim.token, why, refused=park, park=park)

    def mend(self) -> None:
        with self.database.connection() as connection:
            connection.execute("DELETE FROM sync_queue")

    def told(self) -> list[str]:
        found = self.notices.list(
            organization=None, kinds=None, reader=None, unread=False, before=None, limit=500
        )
        return [each.kind for each in reversed(found)]

    def last(self) -> Notice:
        return self.notices.list(
            organization=None, kinds=None, reader=None, unread=False, before=None, limit=1
        )[0]

    def kept(self) -> int:
        with self.database.connection() as connection:
            row = connection.execute("SELECT count(*) FROM sync_trouble").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def service(each_database_url: str) -> Iterator[Service]:
    with closing(Database(each_database_url, size=4)) as database:
        yield Service(database)


def test_an_outage_of_stripe_is_one_notice_when_it_begins_and_one_when_it_is_over(
    service: Service,
) -> None:
    service.outage = Outage(since=NOW, reason="Stripe is left alone: no answer")
    service.fail(CYCLES)
    for minutes in range(0, 300, 10):
        service.troubles.run(NOW + timedelta(minutes=minutes))
    assert service.told() == ["stripe.away"]
    assert service.last().data["reason"] == "Stripe is left alone: no answer"

    service.outage = None
    back = NOW + timedelta(hours=5)
    service.troubles.run(back)
    service.mend()
    service.troubles.run(back + timedelta(minutes=10))

    assert service.told() == ["stripe.away", "stripe.back"]
    assert service.kept() == 0
    service.outage = Outage(since=back + timedelta(hours=1), reason="again")
    service.troubles.run(back + timedelta(hours=2))
    assert service.told()[2:] == ["stripe.away"], "another outage"


def test_a_failure_of_everybody_else_is_one_notice_an_hour_and_none_for_customers(
    service: Service,
) -> None:
    service.fail(CYCLES, "gateway_rejected: x", park=True)
    for hours in range(3):
        service.troubles.run(NOW + timedelta(hours=hours))
        service.troubles.run(NOW + timedelta(hours=hours, minutes=1))
    assert service.told() == ["syncs.failed"]
    assert service.last().data["count"] == len(CYCLES)

    service.mend()
    service.troubles.run(NOW + timedelta(hours=3))
    service.troubles.run(NOW + timedelta(hours=4))

    assert service.told() == ["syncs.failed", "syncs.recovered"]
    assert service.kept() == 0


def test_whoever_is_told_is_remembered_or_nobody_is_told(service: Service) -> None:
    service.fail(CYCLES[:15], "gateway_rejected: x", park=True)
    with service.database.connection() as connection:
        connection.execute("ALTER TABLE sync_trouble ADD CONSTRAINT broken CHECK (cycle = '')")
    with pytest.raises(psycopg.IntegrityError):
        service.troubles.run(NOW)
    with service.database.connection() as connection:
        connection.execute("ALTER TABLE sync_trouble DROP CONSTRAINT broken")
    assert service.told() == []
    for minutes in range(0, 180, 20):
        service.troubles.run(NOW + timedelta(minutes=minutes))
    assert service.told()[:15] == 15 * ["sync.failed"]
    assert {*service.told()[15:]} <= {"trouble.noticed"}


def test_a_trickle_of_failures_is_told_singly_and_then_together(service: Service) -> None:
    hour = (NOW + timedelta(hours=1)).replace(minute=0)  # hours of the clock are what is bundled
    for number, start in enumerate(range(0, 60, 15)):
        service.fail(CYCLES[start : start + 15], "gateway_rejected: x", park=True)
        service.troubles.run(hour + timedelta(minutes=number))
    assert service.told()[:16] == [*(15 * ["sync.failed"]), "syncs.failed"]
    assert len(service.told()) == 16, "the rest waits for the next hour"

    service.troubles.run(hour + timedelta(minutes=61))

    assert service.told()[16:] == ["syncs.failed"]
    assert service.last().data["count"] == 30
