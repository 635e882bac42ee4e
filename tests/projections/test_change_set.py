"""The diff: what a sync would change, printed as people read it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import UnsafeChangeSet
from domain.events.stripe_invoice import ForeignLine
from domain.invoice import Invoice, LineItem
from domain.period import Period
from projections.change_set import RemoteInvoice, RemoteLine, RemoteStatus, diff
from tests.stripe_memory import JANUARY, line, owed


def held(amounts: dict[str, int], **more) -> RemoteInvoice:
    lines = {key: at_stripe(line(key, amount)) for key, amount in amounts.items()}
    plain = RemoteInvoice(
        id="in_1",
        status=RemoteStatus.DRAFT,
        customer="cus_1",
        currency="usd",
        lines=lines,
        line_count=len(lines),
        subtotal=sum(amounts.values()),
        total=sum(amounts.values()),
    )
    return replace(plain, **more)


def at_stripe(item: LineItem, id_: str | None = None) -> RemoteLine:
    return RemoteLine(
        id=id_ or f"il_{item.key}",
        key=item.key,
        amount=item.amount,
        period=item.period,
        description=item.description,
    )


@pytest.mark.parametrize(
    ("desired", "actual", "text", "calls"),
    [
        pytest.param({}, None, "no changes", 0, id="nothing owed, nothing there"),
        pytest.param({"a": 0}, None, "no changes", 0, id="no draft for a zero line"),
        pytest.param({"a": 5, "k": -5}, None, "no changes", 0, id="a credit covers all of it"),
        pytest.param(
            {"a": 0, "b": 5}, None, "+ draft\n+ a  0\n+ b  5", 2, id="the first line not zero"
        ),
        pytest.param({"a": 5}, {"a": 5}, "no changes", 0, id="equal"),
        pytest.param({"a": 6}, {"a": 5}, "~ a  5 → 6", 1, id="an amount"),
        pytest.param({"a": 0}, {"a": 5}, "~ a  5 → 0", 1, id="down to zero, kept"),
        pytest.param({}, {"a": 5}, "- a  5", 1, id="no longer owed"),
        pytest.param(
            {"b": 7, "d": 1, "c": 2},
            {"a": 5, "b": 6},
            "- a  5\n~ b  6 → 7\n+ c  2\n+ d  1",
            3,
            id="removals, updates, additions",
        ),
    ],
)
def test_a_change_set_prints_as_its_own_documentation(desired, actual, text, calls) -> None:
    changes = diff(owed(desired), None if actual is None else held(actual), customer="cus_1")
    assert (str(changes), changes.calls) == (text, calls)
    assert bool(changes) is (text != "no changes")


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (line("a", 5, "new words"), "~ a  5 (description)"),
        (
            line("a", 5, period=Period(JANUARY.start, JANUARY.end - timedelta(days=1))),
            "~ a  5 (period)",
        ),
        (line("a", 6, "new words"), "~ a  5 → 6 (description)"),
    ],
)
def test_everything_in_the_digest_is_compared(item: LineItem, text: str) -> None:
    assert str(diff(owed(lines=(item,)), held({"a": 5}))) == text


def test_a_key_held_twice_keeps_its_first_line() -> None:
    twice = held({"a": 5}, duplicates=(at_stripe(line("a", 5), "il_2"),))
    changes = diff(owed({"a": 5}), twice)
    assert str(changes) == "- a  5 (duplicate)"
    assert [change.remote.id for change in changes.changes] == ["il_2"]


def foreign_line(amount: int) -> ForeignLine:
    return ForeignLine(
        line="il_x",
        amount=amount,
        description="goodwill",
        start=JANUARY.start,
        end=JANUARY.end,
    )


def test_lines_without_our_key_are_left_alone_and_shown() -> None:
    foreign = (foreign_line(-3),)
    changes = diff(owed({"a": 5}), held({"a": 5}, foreign=foreign))
    assert (bool(changes), changes.in_step, changes.calls) == (False, False, 0)
    assert str(changes) == "no changes\n? il_x  -3  goodwill"
    taken_over = owed({"a": 5, "stripe/il_x": -3})
    assert diff(taken_over, held({"a": 5}, foreign=foreign)).changes[0].differs == ("description",)
    unwanted = diff(owed({"a": 5}), held({"a": 5}, foreign=foreign), unwanted={"il_x"})
    assert str(unwanted).startswith("- stripe/il_x  -3")


def test_a_first_draft_for_somebody_stripe_does_not_know_costs_a_customer_too() -> None:
    changes = diff(owed({"a": 5}), None)
    assert (str(changes), changes.calls) == ("+ customer\n+ draft\n+ a  5", 3)
    assert diff(owed({"a": 5}), held({})).calls == 1, "who has a draft is known"


def big(amount: int) -> Invoice:
    return owed({"a": amount})


@pytest.mark.parametrize(
    ("desired", "actual", "reason"),
    [
        pytest.param(
            owed({"k00": 1}),
            held({f"k{n:02}": 1 for n in range(12)}),
            "would remove 11 of 12 lines",
            id="many removals",
        ),
        pytest.param(
            big(90_000_000),
            held({"a": 1_000_000}),
            "would move the total from 1000000 to 90000000",
            id="a total that leaps",
        ),
    ],
)
def test_a_risky_plan_needs_a_yes(desired, actual, reason) -> None:
    changes = diff(desired, actual)
    assert changes.unsafe == changes.risky == reason
    with pytest.raises(UnsafeChangeSet, match=reason):
        changes.raise_if_unsafe()
    changes.raise_if_unsafe(force=True)


@pytest.mark.parametrize(
    ("actual", "reason"),
    [
        (held({"a": 5}, currency="eur"), "is in eur, ours in usd"),
        (held({"a": 5}, customer="cus_2"), "is for cus_2, not for cus_1"),
        (held({"a": 5}, status=RemoteStatus.PAID), "is paid, no longer a draft"),
        (
            held({}, foreign=(foreign_line(1),) * 250),
            "251 lines, but Stripe takes 250",
        ),
    ],
)
def test_an_impossible_plan_cannot_be_forced(actual: RemoteInvoice, reason: str) -> None:
    changes = diff(owed({"a": 6}), actual, customer="cus_1")
    with pytest.raises(UnsafeChangeSet, match=reason):
        changes.raise_if_unsafe(force=True)


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        (owed({f"k{n:02}": 1 for n in range(11, 22)}), held({f"k{n:02}": 1 for n in range(22)})),
        (big(400_000), held({"a": 1})),
        (big(19_000_000), held({"a": 1_000_000})),
    ],
    ids=["half of the lines", "a leap of small money", "a factor of 19"],
)
def test_an_ordinary_plan_is_safe(desired, actual) -> None:
    diff(desired, actual).raise_if_unsafe()


def test_an_issued_invoice_that_is_equal_is_no_danger() -> None:
    assert diff(owed({"a": 5}), held({"a": 5}, status=RemoteStatus.OPEN)).unsafe is None
