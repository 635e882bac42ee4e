"""Usage records found again over HTTP: whose they are, where they stand, what rates them."""

from collections.abc import Callable
from typing import Any

import pytest

from api.wiring import Wired
from application import usage_records
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_usage import record


@pytest.fixture
def used(admin: Caller, acme: str) -> Caller:
    """Seven records of acme's in three appends, one of them before anything was attached."""
    early = {"occurred_at": day(0, 12), "attachment": None}
    batches = [
        [record("k1"), record("k2", value="2.5", occurred_at=day(5))],
        [record("k3", source="ams-1"), record("k4", **early)],
        [record(f"k{number}", occurred_at=day(6, number)) for number in (5, 6, 7)],
    ]
    for batch in batches:
        assert admin("POST", "/v1/usage", batch).get_json()["accepted"] == len(batch)
    return admin


def found(caller: Caller, query: str) -> list[str]:
    """Ids over all pages."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        response = caller("GET", f"/v1/usage?{query}{more}")
        assert response.status_code == 200, response.get_json()
        page = response.get_json()
        ids += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
    return ids


def test_a_record_shows_where_it_stands_and_what_rates_it(used: Caller) -> None:
    priced, unpriced = (
        used("GET", f"/v1/usage?organization=acme&source=fra-7&id={each}").get_json()["data"][0]
        for each in ("k2", "k4")
    )
    assert priced.pop("recorded_at").endswith("Z")
    assert priced == {
        "source": "fra-7",
        "id": "k2",
        "organization": "acme",
        "meter": "cpu",
        "value": "2.5",
        "occurred_at": day(5),
        "attachment": "a1",
        "properties": {"region": "fra"},
        "cycle": CYCLE,
        "version": 3,
        "rated_by": {"attachment": "a1", "price": "cpu@1"},
    }
    assert (unpriced["attachment"], unpriced["rated_by"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        pytest.param("", "k1 k2 k3 k4 k5 k6 k7", id="all"),
        pytest.param("&limit=2", "k1 k2 k3 k4 k5 k6 k7", id="in pages"),
        pytest.param("&limit=1&source=fra-7", "k1 k2 k4 k5 k6 k7", id="source in pages"),
        pytest.param("&source=ams-1", "k3", id="source"),
        pytest.param("&id=k6", "k6", id="id alone"),
        pytest.param("&source=fra-7&id=k6", "k6", id="source and id"),
        pytest.param("&source=ams-1&id=k6", "", id="no such record"),
        pytest.param("&source=fra-7&id=k6&meter=disk", "", id="found but of another meter"),
        pytest.param("&meter=cpu&limit=3", "k1 k2 k3 k4 k5 k6 k7", id="meter"),
        pytest.param("&meter=disk", "", id="unused meter"),
        pytest.param(f"&from={day(5)}&to={day(6, 6)}", "k2 k5", id="time, half-open"),
        pytest.param(f"&from={day(40)}", "", id="later than every cycle"),
    ],
)
def test_records_are_found_by(used: Caller, query: str, ids: str) -> None:
    assert found(used, f"organization=acme{query}") == ids.split()


def test_what_is_rare_may_take_several_pages(used: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_records, "SCANNED_MAX", 1)
    first = used("GET", "/v1/usage?organization=acme&id=k6").get_json()
    assert (first["data"], first["next_cursor"] is None) == ([], False)
    assert found(used, "organization=acme&id=k6") == ["k6"]


def test_a_record_in_a_long_event_is_found(admin: Caller, acme: str) -> None:
    batch = [record(f"k{n}", meter="cpu", properties={"region": f"r{n:03}"}) for n in range(300)]
    assert admin("POST", "/v1/usage", batch).get_json()["accepted"] == 300
    assert found(admin, "organization=acme&limit=200") == [f"k{n}" for n in range(300)]
    assert found(admin, "organization=acme&meter=disk") == []
    assert found(admin, "organization=acme&source=fra-7&id=k299") == ["k299"]


def test_an_organizations_own_key_sees_its_own_records_only(
    used: Caller, caller: Callable[..., Caller]
) -> None:
    own, stranger = caller("organization", "acme"), caller("organization", "globex")
    assert found(own, "source=fra-7&id=k1") == found(own, "organization=acme&id=k1") == ["k1"]
    used("PUT", "/v1/organizations/globex", {"name": "Globex", "currency": "usd"})
    assert found(stranger, "source=fra-7&id=k1") == []
    there, nowhere = (
        stranger("GET", f"/v1/usage?organization={each}&source=fra-7&id=k1")
        for each in ("acme", "none")
    )
    assert there.status_code == nowhere.status_code == 404
    assert there.get_json()["detail"] == nowhere.get_json()["detail"].replace("none", "acme")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("", 422, id="whose?"),
        pytest.param("organization=none", 404, id="nobody"),
        pytest.param("organization=none&source=s&id=x", 404, id="nobody's record"),
        pytest.param("organization=acme&cursor=x", 422, id="no cursor"),
        pytest.param("organization=acme&cursor=2026-01-01.1", 422, id="half a cursor"),
        pytest.param("organization=acme&cursor=2026-13-01.1.1", 422, id="no date"),
        pytest.param("organization=acme&cursor=2026-01-01.-1.%C2%B2", 422, id="no numbers"),
        pytest.param(f"organization=acme&cursor=2026-01-01.{'9' * 40}.1", 422, id="huge"),
        pytest.param("organization=acme&id=%00", 422, id="NUL"),
        pytest.param("organization=ACME", 422, id="no identifier"),
        pytest.param("organization=acme&from=yesterday", 422, id="no instant"),
        pytest.param("organization=acme&colour=red", 422, id="unknown parameter"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(
    admin: Caller, acme: str, wired: Wired, query: str, status: int
) -> None:
    response: Any = admin("GET", f"/v1/usage?{query}")
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
