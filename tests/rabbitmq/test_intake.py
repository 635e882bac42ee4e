"""Usage by RabbitMQ: every record once, whatever dies or is cut; what is no usage is kept."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from pika.exceptions import ChannelClosedByBroker

from adapters.rabbitmq.consumer import BatchConsumer
from adapters.rabbitmq.link import Link
from adapters.rabbitmq.topology import DELIVERIES_MAX, Names
from api.settings import Settings
from api.wiring import Wired, wire
from api.worker import Work, loops
from application.messages import Message
from domain.errors import StoreUnavailable
from tests.api.conftest import Caller, day
from tests.api.test_usage import record
from tests.api.test_worker import wait_until
from tests.rabbitmq.conftest import Rabbit, broker_of


def ids(count: int, first: int = 0) -> list[str]:
    return [f"k{number}" for number in range(first, first + count)]


def stored(wired: Wired) -> int:
    """How many usage records the tallies count."""
    with psycopg.connect(wired.settings.database_url or "") as connection:
        row = connection.execute("SELECT coalesce(sum(records), 0) FROM usage_tally").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def working(wired: Wired) -> Iterator[Work]:
    work = Work(loops(wired, ["intake"]))
    work.start()
    try:
        yield work
    finally:
        work.stop()
        assert work.join(10)


def consumer(
    rabbit: Rabbit, take: Callable[[Sequence[Message]], object], url: str = ""
) -> BatchConsumer:
    link = Link(url or rabbit.url, rabbit.names, prefetch=250)
    return BatchConsumer(link, rabbit.names.usage, take)


def test_five_thousand_records_in_messages_of_any_size_are_stored_once(
    wired: Wired, acme: str, rabbit: Rabbit
) -> None:
    names = ids(5_000)
    with working(wired):
        for size in (1, 9, 90, 900, 4_000):
            batch, names = names[:size], names[size:]
            rabbit.send([record(each, value="1") for each in batch])
        wait_until(lambda: stored(wired) == 5_000)
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 0)
    assert wired.dead_letters.count() == 0


def test_many_messages_share_a_transaction(wired: Wired, acme: str, rabbit: Rabbit) -> None:
    for each in ids(200):
        rabbit.send(record(each))
    taken: list[int] = []

    def take(messages: Sequence[Message]) -> None:
        taken.append(len(messages))
        broker_of(wired).intake.usage(messages)

    with closing(consumer(rabbit, take)) as found:
        while sum(taken) < 200:
            found.step()
    assert stored(wired) == 200
    assert len(taken) < 20


def test_a_cloud_event_is_usage(wired: Wired, acme: str, rabbit: Rabbit) -> None:
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "fra-7",
        "type": "cpu",
        "subject": "acme",
        "time": day(4),
        "data": {"value": "3", "attachment": "a1", "properties": {"region": "fra"}},
    }
    with working(wired):
        rabbit.send(event, "application/cloudevents+json")
        wait_until(lambda: stored(wired) == 1)


def test_the_good_records_of_a_bad_message_count_and_the_others_are_kept(
    wired: Wired, acme: str, admin: Caller, rabbit: Rabbit
) -> None:
    early = record("k2", occurred_at="2999-01-01T00:00:00Z")
    with working(wired):
        rabbit.send([record("k1"), early, {"id": "k3"}, record("k4", meter="disk")])
        rabbit.send(b"no JSON")
        rabbit.send(record("k5"))
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 0 and stored(wired) == 2)
    letters = admin("GET", "/v1/dead-letters").get_json()["data"]
    told = {(each["code"], each["index"], each["routing_key"]) for each in letters}
    assert told == {
        ("in_the_future", 1, "fra"),
        ("invalid_record", 2, "fra"),
        ("malformed_request", None, "fra"),
    }
    assert len(admin("GET", "/v1/quarantine").get_json()["data"]) == 1


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-death": "me", "x-delivery-count": "often"}, id="texts"),
        pytest.param({"x-death": ["me"], "x-delivery-count": -1}, id="a list"),
        pytest.param({"x-death": [{"routing-keys": 7}], "x-delivery-count": 9}, id="a table"),
    ],
)
def test_headers_that_only_a_broker_should_set_do_no_harm(
    wired: Wired, acme: str, rabbit: Rabbit, headers: dict[str, Any]
) -> None:
    with working(wired):
        rabbit.send(record("k1"), headers=headers)
        rabbit.send(b"no JSON", headers=headers)
        wait_until(lambda: stored(wired) == 1 and wired.dead_letters.count() == 1)


def test_a_message_that_is_delivered_twice_counts_once(
    wired: Wired, acme: str, rabbit: Rabbit
) -> None:
    """The connection ends after the commit and before the acknowledgement."""
    rabbit.send([record(each) for each in ids(30)])
    rabbit.send(b"no JSON")
    intake = broker_of(wired).intake
    ended = [False]

    def take(messages: Sequence[Message]) -> None:
        intake.usage(messages)
        if not ended[0]:
            ended[0] = True
            found.close()
            raise StoreUnavailable("ended")

    with closing(consumer(rabbit, take)) as found:
        with pytest.raises(StoreUnavailable):
            found.step()
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 2)
        found.step()
        found.step()
    assert stored(wired) == 30
    (letter,) = wired.dead_letters.list().data
    assert letter.times == 2


def record_and_die(database_url: str, amqp_url: str, prefix: str) -> None:
    """A worker that is killed between its commit and its acknowledgement."""
    given = {"DATABASE_URL": database_url, "AMQP_URL": amqp_url, "AMQP_PREFIX": prefix}
    with wire(Settings.from_environment(given), database_url) as wired:

        def take(messages: Sequence[Message]) -> None:
            broker_of(wired).intake.usage(messages)
            os.kill(os.getpid(), signal.SIGKILL)

        names = Names(prefix)
        found = BatchConsumer(Link(amqp_url, names, 250), names.usage, take)
        while found.step():
            pass


def test_a_worker_killed_between_commit_and_acknowledgement_doubles_nothing(
    wired: Wired, acme: str, rabbit: Rabbit, database_url: str
) -> None:
    rabbit.send([record(each) for each in ids(50)])
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        worker = context.Process(
            target=record_and_die, args=(database_url, rabbit.url, rabbit.names.prefix)
        )
        worker.start()
        worker.join(60)
        assert worker.exitcode == -signal.SIGKILL
        assert stored(wired) == 50
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 1)
    with working(wired):
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 0)
    assert stored(wired) == 50


def test_a_message_that_is_never_acknowledged_is_given_up_and_kept(
    wired: Wired, acme: str, rabbit: Rabbit
) -> None:
    rabbit.send(record("k1"))
    for _ in range(30):
        with closing(Link(rabbit.url, rabbit.names)) as link:
            if link.channel().basic_get(rabbit.names.usage)[0] is None:
                break
    with working(wired):
        wait_until(lambda: wired.dead_letters.count() == 1)
    (letter,) = wired.dead_letters.list().data
    assert (letter.code, letter.exchange) == ("delivery_limit", rabbit.names.usage)
    assert stored(wired) == 0


def test_while_the_books_are_away_nothing_is_lost_or_given_back(
    wired: Wired, acme: str, rabbit: Rabbit
) -> None:
    rabbit.send([record(each) for each in ids(3)])
    asked: list[int] = []

    def take(messages: Sequence[Message]) -> None:
        asked.append(messages[0].deliveries)
        if len(asked) < 4:
            raise StoreUnavailable("away")
        broker_of(wired).intake.usage(messages)

    with closing(consumer(rabbit, take)) as found:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                found.step()
            assert rabbit.waiting(rabbit.names.usage) == 0  # held, and not sent back
        found.step()
    assert asked == [0, 0, 0, 0]
    assert stored(wired) == 3


class InMilliseconds(datetime):
    """An instant in a header, as those write it who take AMQP's seconds for milliseconds."""

    def utctimetuple(self) -> Any:
        return (1970, 1, 1, 0, 0, int(self.timestamp() * 1000))


def test_what_a_stranger_writes_around_a_message_stops_nobody(
    wired: Wired, acme: str, rabbit: Rabbit
) -> None:
    sent_at = InMilliseconds(2026, 1, 4, tzinfo=UTC)
    with working(wired):
        rabbit.send(record("k1"))
        rabbit.send(record("k2"), b"\xff/json")  # no UTF-8
        rabbit.send(record("k3"), content_encoding=b"\xff")
        rabbit.send(record("k4"), headers={"sent-at": sent_at})  # in the year 58692
        rabbit.send(record("k5"))
        wait_until(lambda: stored(wired) + wired.dead_letters.count() == 5)
        wait_until(lambda: rabbit.waiting(rabbit.names.usage) == 0)
    assert stored(wired) == 3
    assert rabbit.waiting(rabbit.names.dead) == 0


def test_the_broker_never_drops_what_waits_as_a_dead_letter(rabbit: Rabbit) -> None:
    channel = rabbit.link.channel()
    channel.basic_publish("", rabbit.names.dead, b"usage")
    limited = {"x-queue-type": "quorum"}  # with the default of the broker, which may be 20
    for _ in range(2 * DELIVERIES_MAX):
        wait_until(lambda: rabbit.waiting(rabbit.names.dead) == 1)
        method, _, _ = channel.basic_get(rabbit.names.dead)
        channel.basic_reject(method.delivery_tag, requeue=True)
    wait_until(lambda: rabbit.waiting(rabbit.names.dead) == 1)
    with pytest.raises(ChannelClosedByBroker, match="x-delivery-limit"):
        channel.queue_declare(rabbit.names.dead, durable=True, arguments=limited)
