"""What the eventsourcing library does by itself: get an aggregate, change it, save it."""

import threading
import time
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from benchmarks.books import NOW

SCHEMA = "naive"


class Cycle(Aggregate):
    """A billing cycle as one would first write it: no deduplication, one running total."""

    def __init__(self) -> None:
        self.total = 0

    @event("UsageRecorded")
    def record(self, meter: str, value: int, occurred_at: datetime, source: str, key: str) -> None:
        """Count one usage record."""
        self.total += value


def speed(url: str, threads: int, events: int) -> float:
    """Events a second that some threads add to one cycle, one event each time; cached."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    application = Application[UUID](_environment(url))
    cycle = Cycle()
    application.save(cycle)
    _record(application, cycle.id, 10)
    workers = [
        threading.Thread(target=_record, args=(application, cycle.id, events // threads))
        for _ in range(threads)
    ]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - start
    application.close()
    return events // threads * threads / took


def _record(application: Application[UUID], cycle_id: UUID, count: int) -> None:
    """Where another thread was faster: get and save once more."""
    done = 0
    while done < count:
        cycle: Cycle = application.repository.get(cycle_id)
        cycle.record("cpu", 12, NOW, "bench", f"{threading.get_ident()}-{done}")
        try:
            application.save(cycle)
        except IntegrityError:
            continue
        done += 1


def _environment(url: str) -> dict[str, str]:
    """The library's own tables in a schema of their own, its cache on."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": query.get("host", [unquote(parts.hostname or "")])[0],
        "POSTGRES_PORT": query.get("port", [str(parts.port or 5432)])[0],
        "POSTGRES_USER": parts.username or query.get("user", [""])[0],
        "POSTGRES_PASSWORD": unquote(parts.password or ""),
        "POSTGRES_SCHEMA": SCHEMA,
        "AGGREGATE_CACHE_MAXSIZE": "1000",
    }
