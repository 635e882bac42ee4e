"""Failing syncs: when operators are told, when customers are, of how many, and when it is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.sync_troubles import (
    CUSTOMERS_TOLD_AFTER,
    FAILING_FOR,
    MATTERS_AFTER,
    OUTAGE_TOLD_AFTER,
    SETTLES_WITHIN,
    SINGLY_MAX,
    WIDELY_FROM,
    Outage,
    Told,
    Trouble,
    outages,
    told_of,
)

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
SHORT = timedelta(seconds=1)


def failing(cycle: str = "acme.2026-01-01", ago: timedelta = FAILING_FOR, **more) -> Trouble:
    values = {"parked": False, "error": "gateway_rejected: no", **more}
    return Trouble(cycle=cycle, since=NOW - ago, **values)


def over(trouble: Trouble) -> Trouble:
    return replace(trouble, error=None, parked=False)


@pytest.mark.parametrize(
    ("troubles", "kinds"),
    [
        pytest.param([], [], id="nothing fails"),
        pytest.param([failing(ago=FAILING_FOR - SHORT)], [], id="for minutes"),
        pytest.param([failing()], ["sync.failed"], id="for a quarter of an hour"),
        pytest.param([failing(ago=SHORT, parked=True)], ["sync.failed"], id="parked"),
        pytest.param([failing(told_at=NOW)], [], id="told before"),
        pytest.param(
            [failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW)], ["trouble.noticed"], id="for an hour"
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
                failing("acme.2026-02-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            ["trouble.noticed"],
            id="two cycles of one customer",
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
                failing("globex.2026-01-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            ["trouble.noticed", "trouble.noticed"],
            id="two customers",
        ),
        pytest.param(
            [
                failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW, customer_told_at=NOW),
                failing("acme.2026-02-01", ago=CUSTOMERS_TOLD_AFTER, told_at=NOW),
            ],
            [],
            id="the customer knows already",
        ),
        pytest.param([over(failing())], [], id="over before it was told"),
        pytest.param([over(failing(told_at=NOW))], ["sync.recovered"], id="over"),
        pytest.param(
            [over(failing(told_at=NOW, customer_told_at=NOW))],
            ["sync.recovered", "trouble.over"],
            id="over for a customer who was told",
        ),
        pytest.param(
            [
                over(failing(told_at=NOW, customer_told_at=NOW)),
                failing("acme.2026-02-01", told_at=NOW, customer_told_at=NOW),
            ],
            ["sync.recovered"],
            id="over for one cycle of two",
        ),
    ],
)
def test_who_is_told_what(troubles: list[Trouble], kinds: list[str]) -> None:
    notices, after = told_of(troubles, NOW)
    assert [each.kind for each in notices] == kinds
    assert [each.cycle for each in after] == [each.cycle for each in troubles]


def test_what_was_told_is_not_told_again() -> None:
    _, after = told_of([failing(ago=CUSTOMERS_TOLD_AFTER)], NOW)
    assert told_of(after, NOW + timedelta(days=1))[0] == []


def test_a_customer_is_told_again_of_what_fails_again_before_operators_heard_that_it_was_over() -> (
    None
):
    known = failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW, customer_told_at=NOW)
    told = Told(singly={"sync.recovered": SINGLY_MAX}, together=frozenset({"syncs.recovered"}))
    notices, (waiting,) = told_of([over(known)], NOW, told)
    assert [each.kind for each in notices] == ["trouble.over"]
    assert told_of([waiting], NOW + SHORT, told)[0] == []

    again = replace(waiting, error="gateway_rejected: no")
    later, _ = told_of([again], NOW + CUSTOMERS_TOLD_AFTER, told)
    assert [each.kind for each in later] == ["trouble.noticed"]
    first, _ = told_of([failing(ago=CUSTOMERS_TOLD_AFTER, told_at=NOW)], NOW)
    assert later[0].occurrence != first[0].occurrence


def test_a_notice_holds_the_code_and_not_the_words_of_an_error() -> None:
    error = "customer_gone: the customer cus_1 of Ada Byron is gone"
    ((notice,), _) = told_of([failing(error=error)], NOW)
    assert notice.data["code"] == "customer_gone"
    assert "Ada" not in repr(notice)


def many(count: int, ago: timedelta = FAILING_FOR, **more) -> list[Trouble]:
    """Troubles of as many organizations."""
    return [failing(f"o{number:03}.2026-01-01", ago, **more) for number in range(count)]


def kinds(troubles: list[Trouble], *, away: bool = False, told: Told | None = None) -> list[str]:
    return [each.kind for each in told_of(troubles, NOW, told, away=away)[0]]


HOUR_AGO = CUSTOMERS_TOLD_AFTER
DAY_AGO = NOW - MATTERS_AFTER
ENDED = Told(back_at=NOW - SETTLES_WITHIN + SHORT)


@pytest.mark.parametrize(
    ("troubles", "told", "expected"),
    [
        pytest.param(many(SINGLY_MAX), Told(), SINGLY_MAX * ["sync.failed"], id="as many singly"),
        pytest.param(many(SINGLY_MAX + 1), Told(), ["syncs.failed"], id="one more: together"),
        pytest.param(
            many(2),
            Told(singly={"sync.failed": SINGLY_MAX - 1}),
            ["syncs.failed"],
            id="no room left",
        ),
        pytest.param(
            many(50), Told(together=frozenset({"syncs.failed"})), [], id="together once an hour"
        ),
        pytest.param(
            many(1, parked=True),
            Told(together=frozenset({"syncs.failed"})),
            ["sync.failed"],
            id="one by itself in that hour",
        ),
        pytest.param(
            [over(each) for each in many(30, told_at=NOW)],
            Told(),
            ["syncs.recovered"],
            id="many are over",
        ),
        pytest.param(
            [over(each) for each in many(30, told_at=NOW)],
            Told(together=frozenset({"syncs.recovered"})),
            [],
            id="and that, too, once an hour",
        ),
    ],
)
def test_one_receiver_is_told_of_many_together(
    troubles: list[Trouble], told: Told, expected: list[str]
) -> None:
    assert kinds(troubles, told=told) == expected


def test_what_is_told_together_says_how_many_and_of_what_sort() -> None:
    troubles = [
        *many(25),
        failing("x.2026-01-01", timedelta(hours=1), parked=True, error="busy: x"),
    ]
    ((notice, _), after) = told_of(troubles, NOW)
    assert notice.occurrence == "syncs.failed/2026-01-05T10"
    assert notice.data == {
        "count": 26,
        "since": "2026-01-05T09:00:00Z",
        "parked": 1,
        "codes": {"gateway_rejected": 25, "busy": 1},
        "cycles": [f"o{number:03}.2026-01-01" for number in range(10)],
    }
    assert {each.told_at for each in after} == {NOW}


def test_what_is_not_told_in_this_hour_is_told_in_the_next() -> None:
    full = Told(together=frozenset({"syncs.failed", "syncs.recovered"}))
    _, waiting = told_of(many(30), NOW, full)
    assert {each.told_at for each in waiting} == {None}
    assert [each.kind for each in told_of(waiting, NOW)[0]] == ["syncs.failed"]

    _, ended = told_of([over(each) for each in many(30, told_at=NOW)], NOW, full)
    assert not any(each.over for each in ended), "kept until somebody was told"
    _, ended = told_of(ended, NOW + timedelta(hours=1))
    assert all(each.over for each in ended)


@pytest.mark.parametrize(
    ("troubles", "told", "expected"),
    [
        pytest.param(many(3, HOUR_AGO), Told(), [], id="of no cycle"),
        pytest.param(many(1, parked=True), Told(), ["sync.failed"], id="but of one for a person"),
        pytest.param(
            many(3, MATTERS_AFTER), Told(), [], id="no customer while periods go on, for days"
        ),
        pytest.param(
            many(3, MATTERS_AFTER - SHORT, final=DAY_AGO), Told(), [], id="nor of one hours late"
        ),
        pytest.param(
            many(3, 2 * MATTERS_AFTER, final=DAY_AGO + SHORT),
            Told(),
            [],
            id="nor of one whose period ended meanwhile, hours ago",
        ),
        pytest.param(
            many(3, MATTERS_AFTER, final=DAY_AGO),
            Told(),
            3 * ["trouble.noticed"],
            id="each customer whose invoice should have gone out a day ago",
        ),
    ],
)
def test_while_stripe_is_away(troubles: list[Trouble], told: Told, expected: list[str]) -> None:
    assert kinds(troubles, told=told, away=True) == expected


def test_after_stripe_is_back_syncs_have_time_to_be_tried_again() -> None:
    troubles = many(3, HOUR_AGO)
    assert kinds(troubles, told=ENDED) == []
    late = Told(back_at=NOW - SETTLES_WITHIN)
    assert kinds(troubles, told=late) == 3 * ["sync.failed"] + 3 * ["trouble.noticed"]


def test_a_trouble_that_many_organizations_share_is_ours_and_not_theirs() -> None:
    assert kinds(many(WIDELY_FROM, HOUR_AGO, told_at=NOW)) == WIDELY_FROM * ["trouble.noticed"]
    assert kinds(many(WIDELY_FROM + 1, HOUR_AGO, told_at=NOW)) == []
    known = many(WIDELY_FROM + 1, HOUR_AGO, told_at=NOW, customer_told_at=NOW)
    assert kinds([over(each) for each in known]).count("trouble.over") == WIDELY_FROM + 1


@pytest.mark.parametrize(
    ("ago", "told", "expected"),
    [
        pytest.param(OUTAGE_TOLD_AFTER - SHORT, Told(), [], id="for minutes"),
        pytest.param(OUTAGE_TOLD_AFTER, Told(), ["stripe.away"], id="for long"),
        pytest.param(OUTAGE_TOLD_AFTER, Told(away_since="before"), [], id="told before"),
        pytest.param(None, Told(away_since="before"), ["stripe.back"], id="over"),
        pytest.param(None, Told(), [], id="never was"),
    ],
)
def test_an_outage_of_stripe_is_told_once_and_so_is_its_end(
    ago: timedelta | None, told: Told, expected: list[str]
) -> None:
    outage = None if ago is None else Outage(since=NOW - ago, reason="no answer")
    assert [each.kind for each in outages(outage, told, NOW)] == expected


class Asked(Trouble):
    """A trouble that counts how often it is asked whose it is."""

    times = 0

    @property
    def organization(self) -> str:
        Asked.times += 1
        return super().organization


def test_each_trouble_is_looked_at_a_few_times_however_many_there_are() -> None:
    everybody = [
        Asked(cycle=f"o{number}.2026-01-01", since=NOW - FAILING_FOR, parked=True, error="no: no")
        for number in range(500)
    ]
    notices, _ = told_of(everybody, NOW)
    assert len(notices) == 1
    assert Asked.times <= 5 * len(everybody)
