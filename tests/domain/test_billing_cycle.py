"""Decisions of a billing cycle on what is attached to it, and on items."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.price import Price
from tests.given import given
from tests.january import (
    BASE,
    BOOK,
    CLOSED,
    CLOSING,
    CPU,
    FEBRUARY,
    JANUARY,
    NEXT,
    OPENED,
    SETTLED,
    SHARED,
    attached,
    day,
    detached,
    item,
    price,
    quantity,
)


def attach(at: Any = JANUARY, *prices: Price, attachment: str = "a1", count: int = 1) -> Any:
    book = BOOK | {each.ref: each for each in prices}
    return lambda cycle: cycle.attach(
        attachment, ("machine", "Machine"), Decimal(count), prices or (BASE,), book, at
    )


# Attachments


def test_attaching_records_the_price_versions_in_force() -> None:
    given(OPENED).when(attach(day(3), BASE, CPU)).then(attached("a1", day(3), BASE, CPU))


def test_attaching_the_same_again_does_nothing_so_that_clients_may_retry() -> None:
    given(OPENED, attached("a1", day(3))).when(attach(day(3))).then_nothing()


def test_a_retry_is_harmless_even_after_the_cycle_was_cut_off() -> None:
    given(OPENED, attached("a1", day(3)), CLOSING, CLOSED).when(attach(day(3))).then_nothing()


def test_what_runs_cannot_be_attached_again() -> None:
    (
        given(OPENED, attached("a1", day(3)))
        .when(attach(day(9)))
        .then_refused(RuleViolation, "already_attached")
    )


def test_attaching_before_a_run_that_begins_later_is_refused() -> None:
    (
        given(OPENED, attached("a1", day(9)))
        .when(attach(day(3)))
        .then_refused(RuleViolation, "already_attached")
    )


def test_what_was_detached_can_be_attached_again_at_that_very_instant() -> None:
    (
        given(OPENED, attached("a1"), detached("a1", day(9)))
        .when(attach(day(9)))
        .then(attached("a1", day(9)))
    )


def test_a_run_that_ended_as_it_began_does_not_stand_in_the_way() -> None:
    (
        given(OPENED, attached("a1", day(9)), detached("a1", day(9)))
        .when(attach(day(9)))
        .then(attached("a1", day(9)))
    )


def test_a_price_in_another_currency_is_refused() -> None:
    euros = price("base", model="flat", amount="1", currency="eur")
    given(OPENED).when(attach(JANUARY, euros)).then_refused(RuleViolation, "currency_mismatch")


def test_a_second_price_for_the_whole_organization_is_refused_while_the_first_runs() -> None:
    first = attached("a1", JANUARY, SHARED)
    other = attach(day(9), SHARED, attachment="a2")
    given(OPENED, first).when(other).then_refused(RuleViolation, "meter_already_rated")
    given(OPENED, first, detached("a1", day(9))).when(other).then(attached("a2", day(9), SHARED))


def test_a_change_must_fall_into_the_cycle() -> None:
    given(OPENED).when(attach(FEBRUARY)).then_refused(InvalidInput)
    given(NEXT).when(attach(day(31))).then_refused(InvalidInput)


@pytest.mark.parametrize("life", [(CLOSING, CLOSED), (CLOSING, CLOSED, SETTLED)])
def test_what_is_attached_after_the_cut_off_is_a_late_fact(life: tuple[object, ...]) -> None:
    cycle = given(OPENED, *life).when(attach(day(3))).then(attached("a1", day(3)))
    assert cycle.attachments == {}, "the basis stays as it was"
    assert cycle.as_known().attachments["a1"].run_at(day(4)) is not None


def test_items_are_taken_until_the_invoice_is_settled() -> None:
    add = lambda cycle: cycle.add_item(item())  # noqa: E731
    given(OPENED, CLOSING, CLOSED).when(add).then(item())
    given(OPENED, CLOSING, CLOSED, SETTLED).when(add).then_refused(RuleViolation, "cycle_settled")


def test_detaching_ends_the_run() -> None:
    cycle = (
        given(OPENED, attached("a1"))
        .when(lambda each: each.detach("a1", day(9)))
        .then(detached("a1", day(9)))
    )
    assert cycle.attachments["a1"].run_at(day(9)) is None
    assert cycle.attachments["a1"].run_at(day(8, 23)) is not None


def test_detaching_what_is_detached_does_nothing() -> None:
    (
        given(OPENED, attached("a1"), detached("a1", day(9)))
        .when(lambda each: each.detach("a1", day(10)))
        .then_nothing()
    )


def test_detaching_needs_something_that_had_begun() -> None:
    given(OPENED).when(lambda each: each.detach("a1", day(9))).then_refused(NotFound)
    (
        given(OPENED, attached("a1", day(9)))
        .when(lambda each: each.detach("a1", day(8)))
        .then_refused(RuleViolation, "not_attached")
    )


def test_a_detach_dated_earlier_takes_later_quantity_changes_with_it() -> None:
    cycle = (
        given(OPENED, attached("a1"), quantity("a1", 5, day(20)))
        .when(lambda each: each.detach("a1", day(9)))
        .then(detached("a1", day(9)))
    )
    assert cycle.attachments["a1"].runs[0].quantities == [(JANUARY, Decimal(1))]


def test_a_quantity_changes_from_an_instant_on() -> None:
    cycle = (
        given(OPENED, attached("a1"))
        .when(lambda each: each.change_quantity("a1", Decimal(3), day(9)))
        .then(quantity("a1", 3, day(9)))
    )
    run = cycle.attachments["a1"].runs[0]
    assert [run.quantity_at(day(8)), run.quantity_at(day(9))] == [1, 3]


def test_the_same_quantity_again_does_nothing() -> None:
    (
        given(OPENED, attached("a1"), quantity("a1", 3, day(9)))
        .when(lambda each: each.change_quantity("a1", Decimal("3.0"), day(9)))
        .then_nothing()
    )


def test_only_what_runs_has_a_quantity_to_change() -> None:
    (
        given(OPENED, attached("a1"), detached("a1", day(5)))
        .when(lambda each: each.change_quantity("a1", Decimal(3), day(9)))
        .then_refused(RuleViolation, "not_attached")
    )


# Carrying over

A2 = attached("a2", day(5), quantity=Decimal(2))


def carried(attachment: str = "a1", **changes: Any) -> Any:
    return attached(attachment, FEBRUARY, carried=True, **changes)


@pytest.mark.parametrize(
    ("january", "february", "expected"),
    [
        pytest.param([attached()], [], [carried()], id="what runs goes on"),
        pytest.param([attached(), detached("a1", day(9))], [], [], id="what ended does not"),
        pytest.param([attached()], [carried()], [], id="what came over already is not said twice"),
        pytest.param(
            [attached(), detached("a1", day(9))],
            [carried()],
            [detached("a1", FEBRUARY, carried=True)],
            id="a late detach ends it at the start",
        ),
        pytest.param(
            [attached(), quantity("a1", 4, day(9))],
            [carried()],
            [quantity("a1", 4, FEBRUARY, carried=True)],
            id="a late quantity counts from the start",
        ),
        pytest.param(
            [A2],
            [],
            [carried("a2", quantity=Decimal(2))],
            id="a late attach begins at the start",
        ),
        pytest.param(
            [attached(), quantity("a1", 4, day(9))],
            [carried(), quantity("a1", 7, FEBRUARY)],
            [],
            id="what was said of the very start stays",
        ),
        pytest.param(
            [attached(), detached("a1", day(9))],
            [carried(), detached("a1", FEBRUARY, carried=True)],
            [],
            id="ended before, and said so",
        ),
        pytest.param(
            [attached()],
            [carried(), detached("a1", FEBRUARY)],
            [],
            id="what a person ended at the start stays ended",
        ),
        pytest.param(
            [attached(), detached("a1", day(9)), attached("a1", day(9), CPU)],
            [carried()],
            [
                detached("a1", FEBRUARY, carried=True),
                attached("a1", FEBRUARY, CPU, carried=True),
            ],
            id="another service took its place",
        ),
    ],
)
def test_a_cycle_begins_as_the_one_before_it_ended(
    january: list[object], february: list[object], expected: list[object]
) -> None:
    before = given(OPENED, *january).cycle
    cycle = given(NEXT, *february).when(lambda each: each.carry_from(before)).then(*expected)
    assert cycle.carry_from(before) == []


# Items


def test_an_item_counts_once() -> None:
    given(OPENED).when(lambda each: each.add_item(item())).then(item())
    given(OPENED, item()).when(lambda each: each.add_item(item())).then_nothing()


def test_an_item_with_a_known_id_and_other_content_is_a_conflict() -> None:
    (
        given(OPENED, item())
        .when(lambda each: each.add_item(item(amount=501)))
        .then_refused(RuleViolation, "conflict")
    )
