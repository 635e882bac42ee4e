"""Closing: cycles ended, cut off and settled by one scheduler, while customers look at invoices."""

import multiprocessing
import time
from datetime import timedelta
from multiprocessing.synchronize import Event
from typing import Any

from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from application.changing import Carrying
from application.closing import Closing
from application.crediting import Crediting
from application.issuing import Issuing
from application.stripe_stream import LoggedStripeStream
from benchmarks.books import ACTOR, NOW, START, Bench, bench
from benchmarks.long_cycle import fill
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, number, percentile
from benchmarks.service import Client, service
from domain.errors import GatewayUnavailable

OVER = START + timedelta(days=31, hours=13)
RECORDS = 10
READ_PAUSE_S = 0.01


class StripeAway:
    """What is settled stays to be issued: Stripe's own pace is not measured here."""

    def __getattr__(self, name: str) -> Any:
        def refuse(cycle: str, *others: object) -> object:
            raise GatewayUnavailable("Stripe does not answer", cycle=cycle)

        return refuse


def run(machine: Machine) -> list[Finding]:
    """Every organization has a base fee and usage in two regions."""
    url, names = machine.full_database("closing")
    names = names[: max(machine.sizes.organizations // 5, 10)]
    progress(f"recording usage of {len(names):,} organizations")
    with bench(url) as made:
        made.warm(names)
        for name in names:
            fill(made, name, RECORDS, RECORDS)
    progress(f"closing {len(names):,} cycles")
    context = multiprocessing.get_context("fork")
    with service(url) as found, found.client() as client:
        path = f"/v1/organizations/{names[-1]}/invoices/current"
        client.get(path)
        done = context.Event()
        started = time.perf_counter()
        worker = context.Process(target=_close, args=(url, names, done))
        worker.start()
        waits = _read(client, path, done)
        took = time.perf_counter() - started
        worker.join()
    return [
        Finding(
            what="cycles ended, cut off and settled by one scheduler, a second",
            measured=len(names) / took,
            unit="/s",
            goal=100,
            detail=f"{len(names):,} organizations",
        ),
        Finding(
            what="… reading an invoice meanwhile, p99",
            measured=percentile(waits, 0.99) * 1000,
            unit="ms",
            goal=50,
            at_most=True,
            detail=f"{len(waits):,} reads; p50 {number(percentile(waits, 0.5) * 1000)} ms",
        ),
    ]


def _close(url: str, names: list[str], done: Event) -> None:
    events = CyclebookEvents(url)
    with bench(url) as made:
        closing = _closing(made, events)
        for name in names:
            closing.advance(name, OVER, ACTOR)
    events.close()
    done.set()


def _closing(made: Bench, events: CyclebookEvents) -> Closing:
    books, catalog, stripe = made.books, made.catalog, StripeAway()
    stream = LoggedStripeStream(PostgresEventLog(made.database, events), lambda: NOW)
    return Closing(
        books,
        catalog,
        Issuing(books, stripe, stream),
        Crediting(books, Carrying(books), catalog, stripe, lambda: NOW),
    )


def _read(client: Client, path: str, done: Event) -> list[float]:
    """Seconds that each read took, until all is closed."""
    waits: list[float] = []
    while not done.is_set():
        start = time.perf_counter()
        client.get(path)
        waits.append(time.perf_counter() - start)
        time.sleep(READ_PAUSE_S)
    return waits
