"""Group commit: requests share transactions, and nobody waits for ever."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.usage_plan import Request
from domain.errors import StoreUnavailable
from tests.books import record

NOW = datetime(2026, 1, 20, tzinfo=UTC)


class Slow:
    """A store whose first transaction lasts until it is let go; then it may do something."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.groups: list[list[str]] = []
        self.failing: BaseException | None = None

    def __call__(self, requests: Sequence[Request]) -> None:
        ids = [each.id for request in requests for each in request.records]
        self.groups.append(ids)
        if len(self.groups) == 1:
            self.begun.set()
            assert self.go.wait(10)
        elif self.failing is not None and "bad" in ids:
            raise self.failing


def sent_together(store: Slow, *ids: str) -> dict[str, str]:
    """What becomes of requests that gather while another is being stored."""
    commit, told = GroupCommit(store), dict[str, str]()

    def send(identity: str) -> None:
        try:
            commit.append([record(identity)], actor="test", now=NOW)
            told[identity] = "stored"
        except BaseException as error:
            told[identity] = type(error).__name__

    threads = [threading.Thread(target=send, args=(each,), daemon=True) for each in ("k0", *ids)]
    threads[0].start()
    assert store.begun.wait(10)
    for thread in threads[1:]:
        thread.start()
        time.sleep(0.02)
    store.go.set()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    return told


def test_what_gathers_meanwhile_shares_one_transaction() -> None:
    store = Slow()
    assert set(sent_together(store, "k1", "k2", "k3").values()) == {"stored"}
    assert store.groups == [["k0"], ["k1", "k2", "k3"]]


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        pytest.param(ValueError("x"), ("ValueError", "stored", "stored"), id="one by one"),
        pytest.param(StoreUnavailable("x"), ("StoreUnavailable",) * 3, id="the database is away"),
        pytest.param(
            SystemExit(1),
            ("SystemExit", "StoreUnavailable", "StoreUnavailable"),
            id="the thread that leads is ended",
        ),
    ],
)
def test_one_request_that_fails_keeps_nobody_waiting(
    failing: BaseException, told: tuple[str, ...]
) -> None:
    store = Slow()
    store.failing = failing
    found = sent_together(store, "bad", "k1", "k2")
    assert tuple(found[each] for each in ("bad", "k1", "k2")) == told
    assert found["k0"] == "stored"
