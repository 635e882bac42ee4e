"""Invoices: live, as they were, and explained down to the usage records."""

from datetime import timedelta
from fractions import Fraction

import pytest

from domain.errors import InvalidInput, NotFound, Unavailable
from tests.january import FEBRUARY, JANUARY, day
from tests.world import World, world

CPU = "usage/a1/cpu@1"
NEXT = "acme.2026-02-01"


def used() -> World:
    """a1 is a machine; 8 and 4 hours of cpu were reported on the fifth and the ninth."""
    made = world()
    made.attach("a1", "machine", JANUARY)
    for value, at in (("8", day(5)), ("4", day(9))):
        made.travel(at)
        made.use(value, at)
    return made


def test_the_current_invoice_is_what_the_cycle_will_come_to() -> None:
    view = used().current().invoice
    amounts = {line.key: line.amount for line in view.invoice.lines}
    assert amounts == {"fee/a1/base@1": 3100, CPU: 56}
    assert (view.status, view.total, view.amount_due, view.tax) == ("accruing", 3156, 3156, None)
    assert (view.stripe.state, view.stripe.invoice) == ("pending", None)


def test_accrued_is_what_has_been_earned_by_now() -> None:
    made = used()
    assert made.current().invoice.accrued == 800 + 56, "3100 × 8 ÷ 31 and all usage"
    made.travel(FEBRUARY)
    assert made.current().invoice.accrued == 3156


def test_the_present_does_not_enter_an_invoice() -> None:
    made = used()
    before = made.current().invoice
    made.travel(day(20))
    after = made.current().invoice
    assert (before.digest, before.invoice) == (after.digest, after.invoice)


def test_after_the_turn_the_old_cycle_is_awaiting() -> None:
    made = used()
    made.travel(FEBRUARY + timedelta(hours=1))
    made.advance()
    view = made.current()
    assert view.invoice.invoice.cycle == NEXT
    assert [each.invoice.cycle for each in view.awaiting] == ["acme.2026-01-01"]
    assert [each.status for each in view.awaiting] == ["closing"]


def test_a_cycle_opened_a_moment_early_is_not_the_current_one_yet() -> None:
    made = used()
    made.travel(FEBRUARY - timedelta(minutes=1))
    made.attach("a2", "seat", FEBRUARY)
    view = made.current()
    assert view.invoice.invoice.cycle == "acme.2026-01-01"
    assert [each.invoice.cycle for each in view.awaiting] == [NEXT]


def test_what_does_not_exist_is_not_found() -> None:
    made = world()
    for cycle in ("acme.2027-01-01", "acme", "nobody.2026-01-01", "acme.2026-13-01"):
        with pytest.raises(NotFound):
            made.invoice(cycle)
        with pytest.raises(NotFound):
            made.invoices.history(cycle)
    with pytest.raises(NotFound):
        made.invoices.current("nobody")
    with pytest.raises(NotFound):
        made.invoices.explain("acme.2026-01-01", "fee/a9/base@1")


def test_a_reader_can_ask_for_what_it_wrote() -> None:
    made = used()
    position = made.use("1", day(9)).position
    assert made.current(at_least=position).invoice.position >= position
    with pytest.raises(Unavailable) as refusal:
        made.current(at_least=position + 1)
    assert refusal.value.code == "not_reached_yet"


def test_records_are_found_where_a_price_keeps_apart_what_the_cycles_meter_does_not() -> None:
    made = world()
    made.meter("cpu", "sum", "region", "size")
    made.price("sized", meter="cpu", model="per_unit", unit_amount="5", group_by=["size"])
    made.service("box", "sized")
    made.attach("a1", "box", JANUARY)
    made.travel(day(5))
    made.use("2", day(5), properties={"size": "xl"})
    key = "usage/a1/sized@1"
    assert made.lines() == {key: 10}
    assert made.invoices.explain("acme.2026-01-01", key).records == 1
    assert len(made.invoices.explain("acme.2026-01-01", key).usage) == 1


# As it was


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(day(1), {"fee/a1/base@1": 3100}, id="nothing used yet"),
        pytest.param(day(5), {"fee/a1/base@1": 3100, CPU: 40}, id="8 × 5, at that very instant"),
        pytest.param(day(9), {"fee/a1/base@1": 3100, CPU: 56}, id="10 × 5 + 2 × 3"),
    ],
)
def test_as_of_drops_what_happened_later(as_of: object, expected: dict[str, int]) -> None:
    made = used()
    assert made.lines(as_of=as_of) == expected
    view = made.current(as_of=as_of)
    assert {line.key: line.amount for line in view.invoice.invoice.lines} == expected
    assert view.invoice.as_of == as_of


def test_as_of_now_is_the_live_invoice() -> None:
    made = used()
    made.item("i1", 500, day(9))
    live, replayed = made.invoice(), made.invoice(as_of=made.now)
    assert (live.digest, live.accrued, live.version) == (
        replayed.digest,
        replayed.accrued,
        replayed.version,
    )


def test_known_at_drops_what_was_recorded_later_whenever_it_happened() -> None:
    made = used()
    made.travel(day(20))
    told = made.now - timedelta(seconds=1)
    before = made.invoice(known_at=told)
    made.use("3", day(2))
    made.detach("a1", day(11))
    assert made.lines() == {"fee/a1/base@1": 1000, CPU: 65}
    assert made.lines(known_at=told) == {"fee/a1/base@1": 3100, CPU: 56}
    assert made.lines(known_at=told, as_of=day(5)) == {"fee/a1/base@1": 3100, CPU: 40}
    after = made.invoice(known_at=told)
    assert (after.invoice, after.position, after.version) == (
        before.invoice,
        before.position,
        before.version,
    )


def test_the_future_is_not_known() -> None:
    made = used()
    with pytest.raises(InvalidInput):
        made.current(known_at=made.now + timedelta(hours=1))


def test_before_the_first_cycle_there_is_no_invoice() -> None:
    made = used()
    before = JANUARY - timedelta(days=1)
    for ask in (lambda: made.current(as_of=before), lambda: made.invoice(as_of=before)):
        with pytest.raises(NotFound):
            ask()


def test_before_an_organization_was_registered_nobody_knew_of_it() -> None:
    made = used()
    for ask in (made.current, made.invoice):
        with pytest.raises(NotFound, match=r"acme was not known yet at 2020-01-01T00:00:00Z"):
            ask(known_at=JANUARY.replace(year=2020))


def test_credits_granted_later_do_not_count_in_the_past() -> None:
    made = used()
    made.travel(day(20))
    made.credit("k1", 100)
    assert made.lines()["credit/k1"] == -100
    assert "credit/k1" not in made.lines(as_of=day(19))
    assert "credit/k1" not in made.lines(known_at=day(19))


def test_the_past_shares_credits_out_as_it_was_then() -> None:
    """January uses 3156 of 5000, February 1844: before January is settled, and after."""
    made = used()
    made.credit("k1", 5000)
    made.travel(FEBRUARY + timedelta(hours=1))
    made.advance()
    early = made.now
    made.travel(FEBRUARY + timedelta(days=3))
    assert made.advance().issued == ["acme.2026-01-01"]
    for when in (early, made.now):
        view = made.current(as_of=when)
        amounts = {line.key: line.amount for line in view.invoice.invoice.lines}
        assert amounts == {"fee/a1/base@1": 3100, "credit/k1": -1844}
    assert [each.status for each in made.current(as_of=early).awaiting] == ["closing"]
    assert made.current(as_of=made.now).awaiting == ()
    assert made.lines()["credit/k1"] == made.lines(as_of=early)["credit/k1"] == -3156


# Explained


def test_an_explanation_goes_from_usage_records_to_cents() -> None:
    made = used()
    found = made.invoices.explain("acme.2026-01-01", CPU)
    told = [(step.kind, step.quantity, step.amount) for step in found.steps]
    assert told == [
        ("tally", Fraction(12), None),
        ("charge", Fraction(10), Fraction(50)),
        ("charge", Fraction(2), Fraction(6)),
        ("unrounded", None, Fraction(56)),
        ("rounding", None, Fraction(0)),
    ]
    assert [(each.id, each.value) for each in found.usage] == [("r1", "8"), ("r2", "4")]
    assert (found.records, found.next_cursor) == (2, None)


def test_its_steps_sum_to_the_exact_amount_whatever_the_price() -> None:
    made = used()
    made.meter("ram", "sum", "region", "size")
    made.price(
        "ram",
        meter="ram",
        model="graduated",
        tiers=[{"up_to": "3", "unit_amount": "7", "flat_amount": "10"}, {"unit_amount": "0.1"}],
        unit_conversion={"divide_by": "3600"},
        included_quantity="1",
        group_by=["region"],
    )
    made.service("memory", "ram", "seat")
    made.attach("a2", "memory", day(3), "0.3")
    for number, region in enumerate(["fra", "nyc", "fra", ""], start=1):
        made.use(f"{number * 9000}", day(9), "a2", meter="ram", properties={"region": region})
    made.item("i1", 500, day(9))
    made.credit("k1", 10)
    invoice = made.invoice().invoice
    assert len(invoice.lines) == 8
    for line in invoice.lines:
        steps = made.invoices.explain(invoice.cycle, line.key).steps
        exact = sum((s.amount or 0 for s in steps if s.kind == "charge"), Fraction(0))
        assert exact == line.unrounded
        (rounding,) = (s.amount for s in steps if s.kind == "rounding")
        assert exact + (rounding or 0) == line.amount
    shared = made.invoices.explain(invoice.cycle, "usage/a2/ram@1/region=fra")
    kinds = [step.kind for step in shared.steps]
    assert kinds[:4] == ["tally", "whole", "proration", "conversion"]
    assert [each.value for each in shared.usage] == ["9000", "27000"]


def test_records_come_in_pages_that_follow_on() -> None:
    made = used()
    made.record([made.usage(str(n), day(9)) for n in range(1, 6)])
    seen, cursor = [], None
    while True:
        page = made.invoices.explain("acme.2026-01-01", CPU, after=cursor, limit=3)
        assert page.records == 7
        seen += [each.id for each in page.usage]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"r{n}" for n in range(1, 8)]


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-2-3", "1-x"])
def test_a_cursor_of_somebody_elses_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        used().invoices.explain("acme.2026-01-01", CPU, after=cursor)


def test_only_records_of_the_line_are_shown() -> None:
    made = used()
    made.price("all", meter="cpu", model="per_unit", unit_amount="1", scope="organization")
    made.service("shared", "all")
    made.attach("a2", "shared", day(6))
    made.use("5", day(9), "")
    made.use("6", day(9), "a2")
    made.use("7", day(5), "")
    found = made.invoices.explain("acme.2026-01-01", "usage/a2/all@1")
    assert [each.value for each in found.usage] == ["5", "6"]
    unpriced = made.invoice().unpriced
    assert [(key.meter, key.attachment) for key in unpriced] == [("cpu", "")]


# Told


def test_history_tells_each_event_once_and_goes_on_after_a_position() -> None:
    made = used()
    told = made.invoices.history("acme.2026-01-01")
    assert [entry.version for entry in told] == [1, 2, 3, 4]
    assert told[1].what == "Machine (a1) attached at base@1, cpu@1"
    after = told[1].position
    assert made.invoices.history("acme.2026-01-01", after=after, limit=1) == told[2:3]
