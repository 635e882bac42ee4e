"""RabbitMQ itself is killed under load and started again: nothing is lost, and nothing twice."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from adapters.rabbitmq.link import TROUBLE
from adapters.rabbitmq.topology import Names
from api.wiring import Wired
from tests.acceptance.running import free_port
from tests.api.test_usage import record
from tests.api.test_worker import wait_until
from tests.rabbitmq.conftest import Rabbit, wired_to
from tests.rabbitmq.test_intake import ids, stored, working

PROGRAM = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin:" + os.environ["PATH"])
MESSAGES, RECORDS = 120, 20
KILLED_AFTER = (30, 70)
"""So many messages were confirmed by then."""


class OwnBroker:
    """A broker of the test's own, with its own folder and ports."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        self._environment = os.environ | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"cyclebook-{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def start(self) -> None:
        """Start it; it answers some seconds later."""
        self._process = subprocess.Popen(
            [str(PROGRAM)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look_after(self) -> None:
        """Start it again where it gave up: another program had its port for a moment."""
        if self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """End it with everything it started, at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OwnBroker]:
    if PROGRAM is None:
        pytest.skip("no rabbitmq-server here: apt-get install rabbitmq-server")
    broker = OwnBroker(tmp_path)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@contextmanager
def producing(url: str, names: Names, confirmed: list[int]) -> Iterator[None]:
    """Somebody who sends message after message, each until the broker confirms it."""
    pause = threading.Event()

    def send() -> None:
        rabbit: Rabbit | None = None
        for number in range(MESSAGES):
            body = [record(each) for each in ids(RECORDS, number * RECORDS)]
            while len(confirmed) == number:
                try:
                    rabbit = rabbit or Rabbit(url, names)
                    rabbit.send(body)
                    confirmed.append(number)
                except TROUBLE:
                    if rabbit is not None:
                        rabbit.link.close()
                    rabbit = None
                    pause.wait(0.2)
        if rabbit is not None:
            rabbit.link.close()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def is_up(broker: OwnBroker) -> bool:
    """Whether it takes connections again."""
    try:
        Rabbit(broker.url, Names("probe")).link.close()
    except TROUBLE:
        broker.look_after()
        return False
    return True


@pytest.fixture
def wired(broker: OwnBroker, database_url: str, sandbox_app: Flask) -> Iterator[Wired]:
    wait_until(lambda: is_up(broker), 150)  # on a busy machine a node takes its time
    with wired_to(broker.url, database_url, sandbox_app, "restart") as found:
        yield found


@pytest.mark.timeout(360)
def test_a_broker_that_is_killed_under_load_loses_and_doubles_nothing(
    broker: OwnBroker, wired: Wired, acme: str
) -> None:
    confirmed: list[int] = []
    with working(wired), producing(broker.url, Names("restart"), confirmed):
        for after in KILLED_AFTER:
            wait_until(partial(is_past, confirmed, after), 60)
            broker.kill()
            broker.start()
        wait_until(lambda: len(confirmed) == MESSAGES, 60)
        wait_until(lambda: stored(wired) == MESSAGES * RECORDS, 60)
    assert wired.dead_letters.count() == 0


def is_past(confirmed: list[int], number: int) -> bool:
    return len(confirmed) > number
