"""Records that are priced one by one: read from the log once, and then only what came since."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.postgres.logged_usage import LoggedUsage
from domain.tally import Tally
from tests.books import Wired, cut_off, jan, january, record, wired


@pytest.fixture
def case(database_url: str) -> Iterator[Wired]:
    with wired(database_url) as wired_case:
        january(wired_case)
        who = {"actor": "test", "at": jan(1)}
        wired_case.publishing.define_meter("payments", {"aggregation": "sum"}, **who)
        terms = {"kind": "metered", "currency": "usd", "meter": "payments", "price": "fee"}
        rate = {"model": "percentage", "rate": "1.5", "fixed_amount": "10"}
        wired_case.publishing.publish_price(terms | rate, **who)
        wired_case.publishing.define_service("till", {"name": "Till", "prices": ["fee"]}, **who)
        wired_case.attaching.attach("acme", "t1", "till", Decimal(1), **who)
        yield wired_case


def pay(case: Wired, identity: str, value: str, day: int) -> None:
    paid = record(identity, meter="payments", attachment="t1", value=value, occurred_at=jan(day))
    appended = case.usage_log.append([paid], actor="test", now=case.now)
    assert not appended.refusals


def values_of(tally: Tally) -> list[Decimal]:
    """What single records said, in order of time."""
    return [each.value for each in sorted(tally.each)]


def values(case: Wired, *, late: bool = False) -> list[object]:
    """The records of January's payments, in order of time."""
    state = case.books.snapshot("acme", "acme.2026-01-01").asked
    assert state is not None
    tallies = (state.late if late else state.tallies) or {}
    return [each for key, tally in tallies.items() if key.price for each in values_of(tally)]


def test_they_come_in_order_of_time_with_what_came_since(case: Wired) -> None:
    pay(case, "p1", "200", 9)
    assert values(case) == [200]
    pay(case, "p2", "100", 4)
    assert values(case) == [100, 200]
    assert values(case) == [100, 200]
    with case.books.change("acme", actor="test") as books:
        (tally,) = books.state(books.cycles[0]).tallies.values()
        assert values_of(tally) == [100, 200]


def test_a_change_has_them_read_anew(case: Wired) -> None:
    pay(case, "p1", "200", 9)
    pay(case, "p2", "100", 4)
    assert values(case) == [100, 200]
    case.attaching.detach("acme", "t1", at=jan(6), actor="test")
    assert values(case) == [100]


def test_what_came_late_is_in_the_late_layer_only(case: Wired) -> None:
    pay(case, "p1", "200", 9)
    cut_off(case)
    case.now += timedelta(days=15)
    pay(case, "p2", "100", 4)
    assert values(case) == [200]
    assert values(case, late=True) == [100, 200]


def test_what_was_read_before_is_not_read_again(
    case: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pay(case, f"p{number}", "1", 4)
    assert len(values(case)) == 5
    opened: list[int] = []
    read_on = LoggedUsage.since

    def since(reader: LoggedUsage, after: int, whole: object, upto: int | None = None) -> object:
        for stretch in read_on(reader, after, whole, upto):  # type: ignore[arg-type]
            opened.append(len(stretch.records or ()))
            yield stretch

    monkeypatch.setattr(LoggedUsage, "since", since)
    assert len(values(case)) == 5
    assert opened == []
    pay(case, "p9", "1", 4)
    assert len(values(case)) == 6
    assert opened == [1]
