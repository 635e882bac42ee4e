"""Registering organizations and changing them."""

from datetime import datetime
from typing import Any

import pytest

from application.registration import Details
from application.views import Member, OrganizationView
from domain.errors import InvalidInput, NotFound, RuleViolation
from domain.policies import checked
from tests.january import FEBRUARY, JANUARY, day
from tests.world import ACTOR, World, world

ANNA = Member(user="u1", email="anna@example.com", role="owner")
BO = Member(user="u2", email="bo@example.com", role="member")


def put(made: World, organization: str = "acme", **details: Any) -> OrganizationView:
    fields: dict[str, Any] = {"name": "Acme", "currency": "usd"}
    return made.registration.put(
        organization, Details(**(fields | details)), actor=ACTOR, at=made.now
    )


def test_a_new_organization_has_its_defaults_and_a_first_cycle() -> None:
    made = World(day(10))
    view = put(made, members=(ANNA,))
    assert view.created
    assert view == made.registration.get("acme") or view.position == len(made.store.events)
    assert (view.time_zone, view.anchor_day, view.policies) == ("UTC", 1, checked({}))
    assert view.members == (ANNA,)
    period = made.invoices.current("acme").invoice.invoice.period
    assert (period.start, period.end) == (JANUARY, FEBRUARY)


@pytest.mark.parametrize(
    ("details", "cycle", "start", "end"),
    [
        pytest.param(
            {"anchor_day": 15},
            "acme.2025-12-15",
            "2025-12-15T00:00Z",
            "2026-01-15T00:00Z",
            id="the full period that holds now",
        ),
        pytest.param(
            {"starts_at": day(8, 13)},
            "acme.2026-01-08",
            "2026-01-08T00:00Z",
            "2026-02-01T00:00Z",
            id="from the midnight before",
        ),
        pytest.param(
            {"starts_at": day(8, 13), "time_zone": "Asia/Tokyo"},
            "acme.2026-01-08",
            "2026-01-07T15:00Z",
            "2026-01-31T15:00Z",
            id="the local midnight",
        ),
        pytest.param(
            {"starts_at": day(1)},
            "acme.2026-01-01",
            "2026-01-01T00:00Z",
            "2026-02-01T00:00Z",
            id="from the anchor",
        ),
    ],
)
def test_the_first_cycle(details: dict[str, Any], cycle: str, start: str, end: str) -> None:
    made = World(day(10))
    put(made, **details)
    invoice = made.invoices.current("acme").invoice.invoice
    assert invoice.cycle == cycle
    assert (invoice.period.start, invoice.period.end) == (
        datetime.fromisoformat(start),
        datetime.fromisoformat(end),
    )


def test_the_same_again_changes_nothing() -> None:
    made = World()
    put(made, members=(ANNA,), policies={"grace_s": 60})
    before = list(made.store.events)
    view = put(made, members=(ANNA,), policies={"grace_s": 60})
    assert (view.created, view.position) == (False, len(before))
    assert made.store.events == before


def test_an_old_start_said_again_is_no_new_start() -> None:
    made = World(day(10))
    put(made, starts_at=day(1))
    made.store.now = day(1).replace(year=2032)
    assert not put(made, starts_at=day(1)).created


def test_members_and_policies_left_out_stay_and_given_are_replaced() -> None:
    made = World()
    put(made, members=(ANNA, BO), policies={"grace_s": 60})
    kept = put(made, name="Acme Ltd")
    assert (kept.name, kept.members, kept.policies["grace_s"]) == ("Acme Ltd", (ANNA, BO), 60)
    changed = put(made, members=(BO,), policies={"priority": "high"})
    assert changed.members == (BO,)
    assert (changed.policies["priority"], changed.policies["grace_s"]) == ("high", 43_200)
    nobody = put(made, members=())
    assert nobody.members == ()


def test_names_and_addresses_stay_out_of_the_log() -> None:
    made = World()
    put(made, name="Very Secret", members=(ANNA,))
    for event in made.store.events:
        assert "Secret" not in repr(event)
        assert "anna" not in repr(event)


@pytest.mark.parametrize(
    ("organization", "details", "field"),
    [
        ("Acme", {}, "organization"),
        ("a" * 65, {}, "organization"),
        ("acme", {"name": " "}, "name"),
        ("acme", {"name": "two\nlines"}, "name"),
        ("acme", {"currency": "USD"}, "currency"),
        ("acme", {"time_zone": "Mars/Olympus"}, "time_zone"),
        ("acme", {"anchor_day": 0}, "anchor_day"),
        ("acme", {"anchor_day": 32}, "anchor_day"),
        ("acme", {"policies": {"colour": "blue"}}, "policies.colour"),
        ("acme", {"members": (ANNA, ANNA)}, "members.user"),
        ("acme", {"members": (Member(user="u1", email="x@y", role="king"),)}, "members.role"),
        ("acme", {"members": (Member(user="", email="x@y", role="owner"),)}, "members.user"),
        ("acme", {"members": (Member(user="u", email="nope", role="owner"),)}, "members.email"),
        ("acme", {"starts_at": day(1).replace(year=1980)}, "starts_at"),
        ("acme", {"starts_at": day(1).replace(year=2027)}, "starts_at"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    organization: str, details: dict[str, Any], field: str
) -> None:
    made = World()
    with pytest.raises(InvalidInput) as refusal:
        put(made, organization, **details)
    assert refusal.value.context["field"] == field
    assert made.store.events == []


def test_another_currency_waits_until_everything_that_runs_has_a_price_in_it() -> None:
    made = world()
    made.attach("a1", "seat", day(1))
    with pytest.raises(RuleViolation) as refusal:
        put(made, currency="eur")
    assert (refusal.value.code, refusal.value.context["attachment"]) == ("currency_mismatch", "a1")
    made.detach("a1", day(1))
    put(made, currency="eur")
    assert made.registration.get("acme").currency == "eur"


def test_an_unknown_organization_is_not_found() -> None:
    with pytest.raises(NotFound):
        World().registration.get("acme")


def test_search_finds_by_id_and_name_page_by_page() -> None:
    made = World()
    for identity, name in (("acme", "Rocket Skates"), ("beta", "Acme Two"), ("gamma", "Other")):
        put(made, identity, name=name)
    first = made.registration.search("acme", limit=1)
    assert ([each.id for each in first.data], first.next_cursor) == (["acme"], "acme")
    rest = made.registration.search("acme", after="acme", limit=1)
    assert ([each.name for each in rest.data], rest.next_cursor) == (["Acme Two"], None)
