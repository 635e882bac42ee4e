"""Where usage goes when cycles end early, and when an organization is closed and reopened."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from application.changing import Carrying
from application.ending import Ending
from domain.usage import UsageRecord
from tests.books import Wired, jan, january, record, wired


@pytest.fixture
def case(database_url: str) -> Iterator[Wired]:
    with wired(database_url) as wired_case:
        january(wired_case)
        yield wired_case


@pytest.fixture
def ending(case: Wired) -> Ending:
    return Ending(Carrying(case.books), lambda: case.now)


def outcomes(case: Wired, *records: UsageRecord) -> list[str]:
    """What becomes of a batch, by record."""
    appended = case.usage_log.append(list(records), actor="key:test", now=case.now)
    return [
        appended.refusals[index].code if index in appended.refusals else "accepted"
        for index in range(len(records))
    ]


def held(case: Wired, *identities: str) -> list[str]:
    """The cycles that hold some records."""
    found = [case.finder.find("test", identity) for identity in identities]
    return [each[0] for each in found if each]


def test_after_bill_now_a_warm_cache_sends_usage_to_the_new_cycle(
    case: Wired, ending: Ending
) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    ending.bill_now("acme", "asked for", at=jan(10), actor="test")
    assert outcomes(case, record("k2", occurred_at=jan(12)), record("k3")) == ["accepted"] * 2
    assert held(case, "k1", "k2", "k3") == [
        "acme.2026-01-01",
        "acme.2026-01-10",
        "acme.2026-01-01",
    ]
    (first, second) = case.books.snapshot("acme").cycles
    assert (first.cycle.period.end, second.cycle.period.start) == (jan(10), jan(10))
    assert (first.cycle.continued, second.cycle.continued) == (False, True)


def test_of_a_closed_organization_only_what_lies_before_is_taken(
    case: Wired, ending: Ending
) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    ending.close("acme", "they left", at=jan(10), actor="test")
    batch = [record(f"k{day}", occurred_at=jan(day)) for day in (4, 10, 12)]
    before = record("k0", occurred_at=jan(1) - timedelta(days=1))
    assert outcomes(case, *batch, before) == [
        "accepted",
        "organization_closed",
        "organization_closed",
        "no_cycle",
    ]
    kept = case.quarantine.list("open", 0, 10)
    assert sorted(each.code for each in kept) == ["no_cycle", *["organization_closed"] * 2]


def test_after_it_is_reopened_the_gap_stays_closed(case: Wired, ending: Ending) -> None:
    ending.close("acme", "they left", at=jan(10), actor="test")
    ending.reopen("acme", "they came back", at=jan(15), actor="test")
    batch = [
        record(f"k{day}", occurred_at=jan(day), attachment="" if day > 10 else "a1")
        for day in (9, 12, 13, 16)
    ]
    assert outcomes(case, *batch) == [
        "accepted",
        "organization_closed",
        "organization_closed",
        "accepted",
    ]
    assert held(case, "k9", "k16") == ["acme.2026-01-01", "acme.2026-01-15"]
