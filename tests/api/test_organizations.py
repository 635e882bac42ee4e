"""Organizations and the catalog over HTTP."""

from typing import Any

import pytest

from api.http.catalog import METER, PRICE, SERVICE
from api.http.organizations import DETAILS
from tests.api.conftest import START, Caller, day


def test_an_organization_is_registered_changed_and_found(admin: Caller) -> None:
    path = "/v1/organizations/acme"
    created = admin("PUT", path, DETAILS)
    assert created.status_code == 201
    assert admin("PUT", path, DETAILS).status_code == 200
    changed = admin("PUT", path, {**DETAILS, "name": "Acme Ltd", "policies": {"grace_s": 60}})
    assert (changed.get_json()["name"], changed.get_json()["policies"]["grace_s"]) == (
        "Acme Ltd",
        60,
    )
    read = admin("GET", path).get_json()
    assert read["members"] == DETAILS["members"]
    assert read["time_zone"] == "Europe/Berlin"
    found = admin("GET", "/v1/organizations?text=ltd").get_json()
    assert found == {
        "data": [{"organization": "acme", "name": "Acme Ltd"}],
        "next_cursor": None,
    }


def test_the_policies_that_are_read_can_be_sent_back(admin: Caller, acme: str) -> None:
    """Those that are null as well."""
    path = "/v1/organizations/acme"
    read = admin("GET", path).get_json()["policies"]
    assert read["minimum_invoice"] is None
    again = admin("PUT", path, {**DETAILS, "policies": read})
    assert (again.status_code, again.get_json()["policies"]) == (200, read)


def test_what_changes_nothing_answers_where_the_log_stands(admin: Caller, acme: str) -> None:
    path = "/v1/organizations/acme/attachments"
    service = {"attachment": "a2", "service": "machine", "at": day(2)}
    made = admin("POST", path, service).get_json()
    again = admin("POST", path, service).get_json()
    assert (again["effect"], again["position"]) == ("nothing", made["position"])
    details = {"name": "Renamed", "currency": "usd", "anchor_day": START.day}
    assert (
        admin("PUT", "/v1/organizations/acme", details).get_json()["position"] == made["position"]
    )


def test_organizations_are_paged_by_id(admin: Caller) -> None:
    for name in ("a1", "b2", "c3"):
        admin("PUT", f"/v1/organizations/{name}", {"name": name, "currency": "usd"})
    first = admin("GET", "/v1/organizations?limit=2").get_json()
    rest = admin("GET", f"/v1/organizations?limit=2&cursor={first['next_cursor']}").get_json()
    pages = [[row["organization"] for row in page["data"]] for page in (first, rest)]
    assert (pages, rest["next_cursor"]) == ([["a1", "b2"], ["c3"]], None)


def test_the_catalogs_examples_work_and_are_answered_as_published(admin: Caller) -> None:
    assert admin("PUT", "/v1/meters/cpu", METER).get_json() == {
        "meter": "cpu",
        "version": 1,
        "aggregation": "sum",
        "unit": "second",
        "dimensions": ["region"],
        "filter": {},
        "carry_over": False,
    }
    price = admin("POST", "/v1/prices", PRICE).get_json()
    assert (price["ref"], price["model"]) == ("cpu@1", "graduated")
    assert price["tiers"] == PRICE["tiers"]
    base: dict[str, Any] = {
        "price": "base",
        "currency": "usd",
        "kind": "recurring",
        "model": "flat",
        "amount": "3100",
    }
    admin("POST", "/v1/prices", base)
    again = admin("POST", "/v1/prices", {**base, "amount": "3200"}).get_json()
    assert again["ref"] == "base@2"
    service = admin("PUT", "/v1/services/machine", SERVICE).get_json()
    assert service == {"service": "machine", **SERVICE}
    assert admin("GET", "/v1/services/machine").get_json() == service
    first = admin("GET", "/v1/prices?limit=2").get_json()
    rest = admin("GET", f"/v1/prices?limit=2&cursor={first['next_cursor']}").get_json()
    assert [row["ref"] for row in first["data"] + rest["data"]] == ["base@1", "base@2", "cpu@1"]


def test_versions_of_prices_are_paged_by_id_and_number(admin: Caller, acme: str) -> None:
    """Twelve versions, so that 10 comes after 9; and one organization's own, which is not there."""
    base = PRICE | {"price": "cpu", "group_by": []}
    for number in range(11):
        tiers = [{"up_to": None, "unit_amount": str(number)}]
        assert admin("POST", "/v1/prices", base | {"tiers": tiers}).status_code == 200
    own = {name: base[name] for name in base if name != "price"}
    assert admin("PUT", "/v1/organizations/acme/prices/cpu", own).json["ref"] == "cpu@1.acme"
    found, cursor = [], ""
    while cursor is not None:
        page = admin("GET", f"/v1/prices?limit=5{cursor and '&cursor='}{cursor}").json
        found += [each["ref"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert found == [f"cpu@{number}" for number in range(1, 13)]


@pytest.mark.parametrize("cursor", ["cpu@1.acme", "cpu", "@1", "cpu@x", "cpu@1%0A"])
def test_a_cursor_of_prices_that_nobody_gave_is_refused(admin: Caller, cursor: str) -> None:
    answer = admin("GET", f"/v1/prices?cursor={cursor}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        pytest.param({"plan": "pro"}, "filter.plan", id="no list"),
        pytest.param({"plan": []}, "filter.plan", id="an empty list"),
        pytest.param({"plan": ["pro", 5]}, "filter.plan[1]", id="no string"),
    ],
)
def test_a_filter_that_cannot_be_used_is_named(admin: Caller, filters: Any, field: str) -> None:
    answer = admin("PUT", "/v1/meters/cpu", METER | {"filter": filters})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
