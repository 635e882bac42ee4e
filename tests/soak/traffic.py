"""What customers and their people do all the while: usage by the client, items, and looks."""

import multiprocessing
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from cyclebook_client import Client, Options, Refusal, Unsent

from tests.soak.stage import ORGANIZATIONS, Stage

SENDERS = 2
STEP_S = 0.05
TWICE_EVERY = 50
"""Every so many records are reported twice."""
ITEM_EVERY = 5
CENTS = 100

FORKED = multiprocessing.get_context("fork")


@dataclass(frozen=True, kw_only=True)
class Look:
    """A request of somebody who waits. at: when it was sent; took: seconds until its answer."""

    at: float
    took: float
    status: int


class Sender:
    """A process that reports usage through the client, so many records a second.

    It cannot be killed: what it was told is what is counted afterwards.
    """

    def __init__(self, stage: Stage, number: int, per_s: "Synchronized[int]") -> None:
        self._ours, theirs = FORKED.Pipe()
        url = stage.other if number % 2 else stage.base
        arguments = (theirs, url, stage.key, number, per_s)
        self._process = FORKED.Process(target=_send, args=arguments)
        self._process.start()

    def over(self) -> None:
        """Have it send what it holds, and end."""
        self._ours.send("over")

    def counts(self) -> tuple[Counter[str], list[str]]:
        """What was acknowledged, by organization; and what went wrong, in words."""
        counted: tuple[Counter[str], list[str]] = self._ours.recv()
        self._process.join()
        return counted


def _send(pipe: Any, url: str, key: str, number: int, per_s: "Synchronized[int]") -> None:
    refused: list[Refusal] = []
    options = Options(
        source=f"soak-{number}", on_refused=refused.append, pause_max_s=2.0, close_within_s=120.0
    )
    chance, counts, records = random.Random(number), Counter[str](), 0
    began = datetime.now(UTC)
    client = Client(url, key, options)
    while not pipe.poll(STEP_S):
        for _ in range(int(per_s.value * STEP_S / SENDERS)):
            name = chance.choice(ORGANIZATIONS)
            same = {"organization": name, "attachment": "a1", "occurred_at": began}
            for _ in range(1 if records % TWICE_EVERY else 2):
                client.record("cpu", 1, **same, id=f"r{records}")
            counts[name] += 1
            records += 1
    wrong = []
    try:
        client.close()  # without Unsent all of it was acknowledged
    except Unsent as error:
        wrong.append(str(error))
    if refused:
        wrong.append(f"{len(refused)} records were refused, such as {refused[0]}")
    pipe.send((counts, wrong))


class Visitor(threading.Thread):
    """Somebody who looks at invoices, and now and then adds an item until that is acknowledged."""

    def __init__(self, stage: Stage, seed: int) -> None:
        super().__init__()
        self._stage = stage
        self._name = f"visitor-{seed}"
        self._chance = random.Random(seed)
        self.looks: list[Look] = []
        self.items: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.over.wait(STEP_S):
            number += 1
            name = self._chance.choice(ORGANIZATIONS)
            if number % ITEM_EVERY:
                self._ask("GET", f"/v1/organizations/{name}/invoices/current")
            else:
                self._add(name, f"{self._name}-{number}")

    def _add(self, name: str, item: str) -> None:
        body = {"item": item, "description": "Set-up", "amount": CENTS}
        body |= {"currency": "usd", "reason": "soaked"}
        while self._ask("POST", f"/v1/organizations/{name}/items", body) not in (200, 201):
            time.sleep(STEP_S)
        self.items[name] += 1

    def _ask(self, method: str, path: str, body: Any = None) -> int:
        started = time.monotonic()
        status, _ = self._stage.call(method, path, body, self._stage.key)
        self.looks.append(Look(at=started, took=time.monotonic() - started, status=status))
        return status
