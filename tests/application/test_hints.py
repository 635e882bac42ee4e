"""Hints that a sync is due: each told once, and none that is told is lost on those who wait."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from application.hints import Bell, DueSync, Herald
from domain.errors import Unavailable
from tests.january import JANUARY

ACME = DueSync(cycle="acme.2026-01-01", due_at=JANUARY, high=False)
ZETA = replace(ACME, cycle="zeta.2026-01-01")
LATER = replace(ACME, due_at=JANUARY + timedelta(minutes=1))


class Board:
    """What is due, what was told, and whether anybody can be told."""

    def __init__(self, *due: DueSync) -> None:
        self.found: Sequence[DueSync] = due
        self.told: list[DueSync] = []
        self.away = False

    def due(self, limit: int) -> Sequence[DueSync]:
        return self.found[:limit]

    def tell(self, due: Sequence[DueSync]) -> None:
        if self.away:
            raise Unavailable("away")
        self.told += due


def test_each_is_told_once_while_it_is_due_and_again_when_it_is_due_again() -> None:
    board = Board(ACME)
    herald = Herald(board, board)
    for due in ([ACME], [ACME, ZETA], [], [LATER], [LATER]):
        board.found = due
        assert not herald.step()
    assert board.told == [ACME, ZETA, LATER]


def test_what_nobody_could_be_told_is_told_later() -> None:
    board = Board(ACME)
    herald = Herald(board, board)
    board.away = True
    with pytest.raises(Unavailable):
        herald.step()
    board.away = False
    herald.step()
    assert board.told == [ACME]


def test_a_ring_wakes_everybody_who_waits() -> None:
    bell, woken = Bell(), []
    threads = [threading.Thread(target=lambda: woken.append(bell.wait(0, 20))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert bell.awaited(20)
    bell.ring()
    assert bell.rings == 1
    for thread in threads:
        thread.join()
    assert woken == [True] * 3


def test_whoever_was_woken_or_gave_up_waits_no_more() -> None:
    bell = Bell()
    assert not bell.wait(0, 0)
    assert not bell.awaited(0)
    sleeper = threading.Thread(target=bell.wait, args=(0, 20))
    sleeper.start()
    assert bell.awaited(20)
    bell.ring()
    assert not bell.awaited(0)
    sleeper.join()
    assert not bell.awaited(0)


def test_a_ring_while_nobody_waits_is_heard_by_the_next_who_does() -> None:
    bell = Bell()
    bell.ring()
    assert not bell.awaited(0)
    assert bell.wait(0, 20)
    assert not bell.wait(1, 0)
