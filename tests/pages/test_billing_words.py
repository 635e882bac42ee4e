"""What the billing page makes of invoices, states and amounts before a template shows them."""

from dataclasses import replace
from fractions import Fraction

import pytest

from api.pages.billing.arithmetic import rows
from api.pages.billing.breakdown import BY_HAND, by_service, described
from api.pages.billing.compared import compared
from api.pages.billing.states import State, Trouble, check_of, state_of, trouble_of
from application.views import StripeBadge
from domain.billing_cycle import Outcome, Status
from domain.events.outcome import (
    DisputeClosed,
    DisputeOpened,
    InvoicePaid,
    PaymentActionRequired,
    PaymentFailed,
)
from projections.steps import Step
from tests.january import day
from tests.pages.lines import invoice, line, measured


def test_lines_by_service_the_dearest_first() -> None:
    found = by_service(
        [
            line("a", "Machine (web): CPU", 100),
            line("b", "Machine (web): Memory", 50),
            line("c", "Database (db): Size", 900, "db"),
            line("d", "Set-up", 5_000, None),
        ]
    )

    assert [(each.name, each.amount) for each in found] == [
        ("Database (db)", 900),
        ("Machine (web)", 150),
        (BY_HAND, 5_000),
    ]
    assert [each.words for each in found[1].lines] == ["CPU", "Memory"]


def test_a_heading_that_does_not_say_it_all_leaves_the_line_as_it_is() -> None:
    found = by_service([line("a", "Large (web): Fee"), line("b", "Small (web): Fee")])

    assert [each.words for each in found[0].lines] == ["Fee", "Small (web): Fee"]


@pytest.mark.parametrize("status", [each.value for each in Status])
def test_every_status_has_words(status: str) -> None:
    assert isinstance(state_of(status, held=False), State)
    assert state_of(status, held=True).words == "We are checking it"


def test_nothing_is_to_be_paid_of_an_invoice_of_nothing() -> None:
    assert state_of("issued", held=False, total=0).words == "Nothing to pay"


@pytest.mark.parametrize("state", ["none", "in_step", "pending", "drift", "failed"])
def test_the_check_says_nothing_of_what_is_wrong_inside(state: str) -> None:
    badge = StripeBadge(
        invoice="in_1", state=state, proved_at=None, problem="in_1: 502 from Stripe"
    )

    check = check_of(badge, None)

    assert "Stripe" not in check.words
    assert check.kind != "bad", "a customer can do nothing about it"


FAILED = PaymentFailed(at=day(5), attempt=1, reason="The card has expired.", next_attempt_at=day(8))


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(
            [FAILED],
            Trouble(words="The payment did not go through: The card has expired.", next_at=day(8)),
            id="a payment failed",
        ),
        pytest.param(
            [replace(FAILED, reason="", next_attempt_at=None)],
            Trouble(words="The payment did not go through."),
            id="and nobody says why",
        ),
        pytest.param([FAILED, InvoicePaid(at=day(6), amount=1)], None, id="paid since"),
        pytest.param(
            [PaymentActionRequired(at=day(5), attempt=1)],
            Trouble(words="Your bank asks you to confirm the payment."),
            id="to be confirmed",
        ),
        pytest.param(
            [
                DisputeOpened(at=day(5), dispute="d", amount=1, reason="r"),
                DisputeClosed(at=day(6), dispute="d", outcome="won"),
            ],
            None,
            id="a dispute that is over",
        ),
    ],
)
def test_why_money_did_not_arrive(outcomes: list[Outcome], found: Trouble | None) -> None:
    assert trouble_of(outcomes) == found


def test_a_quantity_is_written_as_people_read_it() -> None:
    found = by_service([measured("usage", "Machine (web): CPU, 3481258.527 hour")])

    (shown,) = found[0].lines
    assert (shown.words, shown.exact) == ("CPU, 3,481,258.53 hours", "3481258.527 hour")


@pytest.mark.parametrize(
    ("kind", "description", "words"),
    [
        (
            "late",
            "Late for 2026-10-01: Machine (web): CPU, region fra, 6113430 hour",
            "From the period that began on 1 October 2026: Machine (web): CPU, region fra, "
            "now 6,113,430 hours in all",
        ),
        (
            "late",
            "Late for 2026-10-01: Set-up",
            "From the period that began on 1 October 2026: Set-up",
        ),
        ("item", "Late for 2026-10-01: Set-up", "Late for 2026-10-01: Set-up"),
        ("usage", "Machine (web): CPU, 1 hour", "Machine (web): CPU, 1 hour"),
        ("usage", "Machine (web): Boxes, 1000 crate", "Machine (web): Boxes, 1000 crate"),
        ("usage", "Machine (web): CPU, 0.000125 hour", "Machine (web): CPU, 0.000125 hours"),
    ],
    ids=["late usage", "late fee", "by hand", "one", "another unit", "little"],
)
def test_a_description_as_customers_read_it(kind: str, description: str, words: str) -> None:
    assert described(measured(kind, description)) == words


def test_two_invoices_the_greatest_difference_first() -> None:
    before = invoice(line("a", "A", 100), line("b", "B", 100), line("c", "C", 5))
    after = invoice(line("a", "A", 110), line("b", "B", 100), line("d", "D", 900))

    found = compared(before, after)

    assert [(each.key, each.difference, each.new, each.gone) for each in found] == [
        ("d", 900, True, False),
        ("a", 10, False, False),
        ("c", -5, False, True),
    ]
    assert compared(before, replace(after, currency="eur")) == ()


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        pytest.param(
            Step(kind="tally", what="cpu measured", quantity=Fraction(2_170_912, 1000), unit="GB"),
            ("Measured: cpu", "2,170.912 GB", "", ""),
            id="what was measured",
        ),
        pytest.param(
            Step(
                kind="charge",
                what="tier 2",
                quantity=Fraction(900),
                unit_amount=Fraction(25, 1000),
                amount=Fraction(45, 2),
            ),
            ("Tier 2", "900", "0.00025", "0.225"),
            id="so much at so much",
        ),
        pytest.param(
            Step(kind="rounding", what="rounded once", amount=Fraction(1, 2)),
            ("Rounded once, to 0.23 USD", "", "", "0.005"),
            id="rounded",
        ),
    ],
)
def test_a_step_in_whole_units(step: Step, shown: tuple[str, str, str, str]) -> None:
    (row,) = rows([step], 23, "usd")

    assert (row.words, row.quantity, row.price, row.amount) == shown


def test_rounding_that_changes_nothing_is_not_told() -> None:
    assert rows([Step(kind="rounding", what="rounded once", amount=Fraction(0))], 1, "usd") == ()


def test_a_steps_span_is_told_in_the_customers_time() -> None:
    step = Step(
        kind="fee", what="units, 2026-09-30 22:00 to 2026-10-13 08:00 UTC", quantity=Fraction(2)
    )

    (row,) = rows([step], 100, "usd", "Europe/Berlin")

    assert row.words == "Units, 1 October 2026, 00:00 CEST to 13 October 2026, 10:00 CEST"
