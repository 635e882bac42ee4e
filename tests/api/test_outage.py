"""An outage of the database: said when it begins and when it is over, once, whoever meets it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.database import Database
from adapters.postgres.embedded import EmbeddedPostgres
from api.logs import no_repeated_outage
from application.outage import STORE, Outage
from application.worker import Loop, every
from domain.errors import GatewayUnavailable, StoreUnavailable

LOOPS = 8
AWAY = StoreUnavailable("the database does not answer; try again")


class Lines(logging.Handler):
    """What would stand in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(no_repeated_outage)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    yield lines
    root.removeHandler(lines)
    root.setLevel(level)
    STORE.answered()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    tmp_path.chmod(0o755)
    server = EmbeddedPostgres(tmp_path)
    with server:
        yield server


def eventually(happened: Callable[[], bool], within_s: float = 60) -> bool:
    until = time.monotonic() + within_s
    while not happened() and time.monotonic() < until:
        time.sleep(0.02)
    return happened()


def test_many_loops_meet_an_outage_and_it_is_told_of_once(
    server: EmbeddedPostgres, lines: Lines
) -> None:
    with closing(Database(server.url, size=LOOPS)) as database:

        def step() -> bool:
            with database.connection() as connection:
                connection.execute("SELECT 1")
            return False

        often = every(timedelta(milliseconds=20))
        loops = [Loop(f"loop {number}", step, often) for number in range(LOOPS)]
        stop = threading.Event()
        threads = [threading.Thread(target=loop.run, args=[stop]) for loop in loops]
        for thread in threads:
            thread.start()
        assert eventually(lambda: all(loop.health.steps for loop in loops))

        server.stop()
        assert eventually(lambda: all(loop.health.failures > 1 for loop in loops))
        server.start()
        assert eventually(lambda: not any(loop.health.failures for loop in loops))
        stop.set()
        for thread in threads:
            thread.join()

    begins, over = lines.told
    assert begins.startswith("the database does not answer: ")
    assert over.startswith("the database answers again after ")


def test_it_is_told_with_its_reason_its_length_and_what_failed(lines: Lines) -> None:
    seconds = iter([100.0, 180.4])
    outage = Outage("the database", clock=lambda: next(seconds))
    outage.answered()
    outage.failed(psycopg.OperationalError("connection refused\n\tIs it running?"))
    outage.failed(AWAY)
    outage.failed()
    assert outage.under_way
    outage.answered(begun=100.5)
    assert outage.under_way, "what was asked as it began may have been answered all the same"
    outage.answered(begun=180.0)
    outage.answered()
    assert not outage.under_way
    assert lines.told == [
        "the database does not answer: connection refused Is it running?",
        "the database answers again after 80 s; tries that failed meanwhile: 3",
    ]


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("logger", "error", "before", "during"),
    [
        pytest.param("any", AWAY, True, False, id="what fails for want of the database"),
        pytest.param("any", GatewayUnavailable("x"), True, True, id="what Stripe fails for"),
        pytest.param("any", KeyError("x"), True, True, id="a fault of ours"),
        pytest.param(
            "any", caused(KeyError("x"), AWAY), True, False, id="what an outage has led to"
        ),
        pytest.param(
            "procrastinate.worker",
            caused(ValueError("x"), psycopg.OperationalError("closed")),
            False,
            False,
            id="what a library says of it, which we say in our words",
        ),
        pytest.param("procrastinate.worker", ValueError("x"), True, True, id="its other troubles"),
        pytest.param("psycopg.pool", None, True, False, id="each try to connect"),
        pytest.param("any", None, True, True, id="any other line"),
    ],
)
def test_only_what_repeats_it_is_left_out(
    logger: str, error: Exception | None, before: bool, during: bool
) -> None:
    kept = []
    for happens in (lambda: None, lambda: STORE.failed(AWAY)):
        happens()
        for how in ({"args": (error,)}, {"exc_info": (None, error, None)}, {"trouble": error}):
            kept.append(no_repeated_outage(line(logger, **how)))
    STORE.answered()
    assert kept == 3 * [before] + 3 * [during]


def test_a_connection_that_ended_and_is_replaced_is_no_line() -> None:
    assert not no_repeated_outage(line("psycopg.pool", msg="discarding broken connection: %s"))


def line(logger: str, **more: object) -> logging.LogRecord:
    record = logging.LogRecord(logger, logging.ERROR, "x", 1, "failed", (), None)
    record.__dict__.update(more)
    return record
