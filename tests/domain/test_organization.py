"""Decisions on an organization: what changes, what stays, and its credits."""

from datetime import datetime
from typing import Any

import pytest

from domain.errors import InvalidInput, RuleViolation
from domain.events.organization import (
    AnchorMoved,
    CreditExpired,
    CreditGranted,
    CurrencyChanged,
    MemberAdded,
    MemberRemoved,
    OrganizationClosed,
    OrganizationRegistered,
    OrganizationReopened,
    PolicyChanged,
    StripeCustomerLinked,
)
from domain.organization import Organization, checked_role, registered
from domain.period import Calendar
from tests.january import FEBRUARY, JANUARY, day

REGISTERED = OrganizationRegistered(
    at=JANUARY, organization="acme", currency="usd", time_zone="UTC", anchor_day=1
)


def organization(*events: object) -> Organization:
    state = registered(REGISTERED)
    for event in events:
        state.apply(event)
    return state


def changed(state: Organization, **changes: Any) -> list[object]:
    description: dict[str, Any] = {
        "currency": "usd",
        "calendar": Calendar("UTC", 1),
        "members": {},
        "policies": {},
        "at": JANUARY,
    }
    return list(state.change(**(description | changes)))


def credit(
    identity: str = "k1", amount: int = 1000, at: datetime = JANUARY, **more: Any
) -> CreditGranted:
    fields: dict[str, Any] = {"currency": "usd", "reason": "sorry"}
    return CreditGranted(at=at, credit=identity, amount=amount, **(fields | more))


def test_the_same_description_again_changes_nothing() -> None:
    assert changed(organization()) == []


@pytest.mark.parametrize(
    ("before", "description", "expected"),
    [
        pytest.param(
            [],
            {"calendar": Calendar("Europe/Berlin", 15)},
            [AnchorMoved(at=JANUARY, time_zone="Europe/Berlin", anchor_day=15)],
            id="another anchor and zone",
        ),
        pytest.param(
            [],
            {"members": {"u1": "owner"}},
            [MemberAdded(at=JANUARY, user="u1", role="owner")],
            id="a new member",
        ),
        pytest.param(
            [MemberAdded(at=JANUARY, user="u1", role="owner")],
            {"members": {"u1": "admin"}},
            [MemberAdded(at=JANUARY, user="u1", role="admin")],
            id="a new role",
        ),
        pytest.param(
            [MemberAdded(at=JANUARY, user="u1", role="owner")],
            {"members": {}},
            [MemberRemoved(at=JANUARY, user="u1")],
            id="a member who left",
        ),
        pytest.param(
            [],
            {"policies": {"grace_s": 60, "priority": "normal"}},
            [PolicyChanged(at=JANUARY, policies={"grace_s": 60})],
            id="only the policy that differs",
        ),
        pytest.param(
            [PolicyChanged(at=JANUARY, policies={"grace_s": 60})],
            {},
            [PolicyChanged(at=JANUARY, policies={"grace_s": 43_200})],
            id="a policy left out is the default again",
        ),
    ],
)
def test_a_description_gives_the_events_that_lead_to_it(
    before: list[object], description: dict[str, Any], expected: list[object]
) -> None:
    state = organization(*before)
    events = changed(state, **description)
    assert events == expected
    for event in events:
        state.apply(event)
    assert changed(state, **description) == []


def test_another_currency_is_said_once() -> None:
    state = organization()
    (event,) = changed(state, currency="eur")
    state.apply(event)
    assert (event, state.currency) == (CurrencyChanged(at=JANUARY, currency="eur"), "eur")
    assert changed(state, currency="eur") == []


def test_closing_and_reopening_count_once() -> None:
    closed = OrganizationClosed(at=day(9), reason="bankrupt")
    assert organization().close("bankrupt", day(9)) == [closed]
    assert organization(closed).close("again", day(10)) == []
    reopened = OrganizationReopened(at=day(20), reason="saved")
    assert organization(closed).reopen("saved", day(20)) == [reopened]
    assert organization(closed, reopened).reopen("again", day(21)) == []
    with pytest.raises(InvalidInput):
        organization(closed).reopen("too early", day(8))


@pytest.mark.parametrize(
    "policies", [{"colour": "blue"}, {"grace_s": -1}, {"grace_s": True}, {"priority": "urgent"}]
)
def test_a_policy_nobody_knows_or_with_no_such_value_is_refused_by_name(
    policies: dict[str, object],
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        changed(organization(), policies=policies)
    assert refusal.value.context["field"] == f"policies.{next(iter(policies))}"


def test_a_credit_counts_once() -> None:
    assert organization().grant_credit(credit()) == [credit()]
    assert organization(credit()).grant_credit(credit()) == []


@pytest.mark.parametrize("other", [credit(amount=1), credit(expires_at=FEBRUARY)])
def test_a_credit_with_a_known_id_and_other_content_is_a_conflict(other: CreditGranted) -> None:
    with pytest.raises(RuleViolation) as refusal:
        organization(credit()).grant_credit(other)
    assert refusal.value.code == "conflict"


def test_credits_are_kept_apart_by_currency() -> None:
    state = organization(credit(), credit("k2", 500, currency="eur"))
    assert [each.id for each in state.open_credits({}, "eur")] == ["k2"]
    assert [each.id for each in state.open_credits({}, "usd")] == ["k1"]


def test_what_is_left_of_a_credit_expires_once_no_cycle_can_use_it() -> None:
    state = organization(credit(expires_at=day(20)), credit("never"))
    assert state.expire_credits({}, day(19), FEBRUARY) == []
    (gone,) = state.expire_credits({"k1": 400}, day(20), FEBRUARY)
    assert gone == CreditExpired(at=FEBRUARY, credit="k1", amount=600)
    state.apply(gone)
    assert state.expire_credits({"k1": 400}, day(20), FEBRUARY) == []
    assert [each.id for each in state.open_credits({"k1": 400})] == ["never"]


def test_credits_are_used_up_in_the_order_in_which_they_expire() -> None:
    state = organization(
        credit("late", at=day(1)),
        credit("never", at=day(2)),
        credit("soon", at=day(3), expires_at=day(20)),
        credit("sooner", at=day(4), expires_at=day(10)),
        credit("gone", 500),
    )
    left = state.open_credits({"gone": 500, "soon": 400})
    assert [(each.id, each.remaining) for each in left] == [
        ("sooner", 1000),
        ("soon", 600),
        ("late", 1000),
        ("never", 1000),
    ]


def test_a_customer_at_stripe_is_remembered_once() -> None:
    linked = StripeCustomerLinked(at=JANUARY, customer="cus_1")
    assert organization().link_customer("cus_1", JANUARY) == [linked]
    assert organization(linked).link_customer("cus_1", JANUARY) == []


def test_roles_are_known_by_name() -> None:
    assert checked_role("owner") == "owner"
    with pytest.raises(InvalidInput):
        checked_role("king")


def test_an_unknown_event_stops_the_replay() -> None:
    with pytest.raises(TypeError):
        organization(REGISTERED)
