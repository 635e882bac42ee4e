"""The benchmarks run, each on next to nothing; what they measure here means nothing."""

from contextlib import closing

import pytest

from api.demo import usage
from benchmarks import pages
from benchmarks.__main__ import SUBJECTS, run
from benchmarks.machine import TINY, Machine
from benchmarks.report import Finding


def test_every_benchmark_finds_something(
    embedded_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "RECORDS", 1_000)
    monkeypatch.setattr(pages, "ASKED", 1)
    with closing(Machine(embedded_server, TINY)) as machine:
        found = {subject: run(subject, machine) for subject in SUBJECTS}
    assert all(found.values())


def test_a_goal_is_a_lower_or_an_upper_bound() -> None:
    met = [
        Finding(what="speed", measured=2, unit="/s", goal=1).met,
        Finding(what="speed", measured=1, unit="/s", goal=2).met,
        Finding(what="wait", measured=1, unit="ms", goal=2, at_most=True).met,
        Finding(what="wait", measured=2, unit="ms", goal=1, at_most=True).met,
        Finding(what="size", measured=2, unit="MB").met,
    ]
    assert met == [True, False, True, False, None]
