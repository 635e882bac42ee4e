"""Usage over HTTP: one bad item never fails the others, and nothing counts twice."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from api.http.usage import RECORD
from tests.api.conftest import Caller, day

AT = day(4, 10)


def record(identity: str, **changes: Any) -> dict[str, Any]:
    return {**RECORD, "id": identity, "occurred_at": AT, **changes}


def counts(answer: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in answer.items() if isinstance(count, int) and count}


def test_a_batch_lands_once_and_shows_on_the_invoice(admin: Caller, acme: str) -> None:
    batch = [record("k1"), record("k2", value="2.5")]
    first = admin("POST", "/v1/usage", batch).get_json()
    again = admin("POST", "/v1/usage", batch).get_json()
    assert (first["accepted"], again["duplicates"], again["accepted"]) == (2, 2, 0)
    path = f"/v1/organizations/acme/invoices/current?at_least={first['position']}"
    invoice = admin("GET", path).get_json()
    assert [(line["key"], line["unrounded_amount"], line["amount"]) for line in invoice["lines"]]
    assert invoice["total"] == invoice["subtotal"] == 38  # 15 × 2.5
    assert invoice["awaiting"] == []


def test_good_items_land_though_others_are_malformed(admin: Caller, acme: str) -> None:
    batch = [record("k1"), {**record("k2"), "value": 12.5}, record("k3", region="fra"), 7]
    batch.append(record("\ud800"))
    response = admin("POST", "/v1/usage", batch)
    answer = response.get_json()
    assert response.status_code == 200
    assert (answer["accepted"], answer["rejected"]) == (1, 4)
    assert [(item["index"], item["id"], item["outcome"]) for item in answer["items"]] == [
        (1, "k2", "rejected"),
        (2, "k3", "rejected"),
        (3, None, "rejected"),
        (4, "?", "rejected"),
    ]
    assert 'value: must be a string such as "12.5"' in answer["items"][0]["detail"]
    assert "region: unknown field" in answer["items"][1]["detail"]


def test_a_request_without_any_usable_record_is_a_problem_with_the_same_members(
    admin: Caller,
) -> None:
    response = admin("POST", "/v1/usage", [{"source": "s"}])
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    answer = response.get_json()
    assert (answer["code"], answer["rejected"], len(answer["items"])) == ("invalid_input", 1, 1)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"properties": {"region": 7}}, "properties.region: must be a string"),
        ({"occurred_at": "now"}, "occurred_at: must be an instant with a zone"),
        ({"source": None}, "source: must not be null"),
        ({"value": "1e400"}, "value must be a plain decimal number such as 12.5"),
    ],
)
def test_where_every_item_is_rejected_the_problem_names_one_and_its_field(
    admin: Caller, acme: str, changes: dict[str, Any], detail: str
) -> None:
    response = admin("POST", "/v1/usage", [record("k1", **changes)])
    answer = response.get_json()
    assert (response.status_code, answer["rejected"]) == (422, 1)
    assert answer["items"][0]["detail"].startswith(detail)
    assert f"item 0: {detail}" in answer["detail"]


def test_what_cannot_be_placed_is_quarantined_and_replayed_after_the_fix(
    admin: Caller, acme: str
) -> None:
    answer = admin("POST", "/v1/usage", [record("k1", meter="disk", attachment=None)]).get_json()
    assert (answer["accepted"], answer["quarantined"]) == (0, 1)
    entry = admin("GET", "/v1/quarantine").get_json()["data"][0]
    assert (entry["code"], entry["record"]["meter"]) == ("unknown_meter", "disk")
    admin("PUT", "/v1/meters/disk", {"unit": "GB"})
    action = {"action": "replay", "ids": [entry["id"]], "reason": "disk is defined"}
    assert admin("POST", "/v1/quarantine", action).get_json()["replayed"] == 1
    assert admin("GET", "/v1/quarantine").get_json()["data"] == []


def test_a_dry_run_stores_nothing(admin: Caller, acme: str) -> None:
    assert admin("POST", "/v1/usage?dry_run=true", [record("k1")]).get_json()["accepted"] == 1
    assert admin("POST", "/v1/usage", [record("k1")]).get_json()["accepted"] == 1


EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "fra-7",
    "type": "cpu",
    "subject": "acme",
    "time": AT,
    "datacontenttype": "application/json",
    "data": {"value": "3", "attachment": "a1"},
}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(EVENT, {"Content-Type": "application/cloudevents+json"}, id="structured"),
        pytest.param([EVENT], {"Content-Type": "application/cloudevents-batch+json"}, id="batch"),
        pytest.param(
            EVENT["data"],
            {
                "Content-Type": "application/json",
                "ce-specversion": "1.0",
                "ce-id": "e1",
                "ce-source": "fra%2D7",
                "ce-type": "cpu",
                "ce-subject": "acme",
                "ce-time": AT,
            },
            id="binary",
        ),
        pytest.param(
            record("e1", source="fra-7", value="3", properties={}),
            {"Content-Type": "application/json"},
            id="one plain record",
        ),
    ],
)
def test_every_form_of_a_record_is_the_same_record(
    admin: Caller, acme: str, body: Any, headers: dict[str, str]
) -> None:
    plain = record("e1", source="fra-7", value="3", properties={})
    assert admin("POST", "/v1/usage", [plain]).get_json()["accepted"] == 1
    response = admin("POST", "/v1/usage", data=json.dumps(body), headers=headers)
    assert response.get_json()["duplicates"] == 1, response.get_json()


def raw(text: str | bytes, **headers: str) -> dict[str, Any]:
    return {"data": text, "headers": {"Content-Type": "application/json", **headers}}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(raw("[]"), 200, id="an empty array"),
        pytest.param(raw(""), 400, id="nothing"),
        pytest.param(raw("{"), 400, id="no JSON"),
        pytest.param(raw(b"[\xff]"), 400, id="no UTF-8"),
        pytest.param(raw("[NaN]"), 400, id="NaN"),
        pytest.param(raw("[" * 100_000), 400, id="deep"),
        pytest.param(raw("[" * 40 + "]" * 40), 400, id="deep, closed"),
        pytest.param(raw("[1" + "0" * 5000 + "]"), 400, id="an endless number"),
        pytest.param(raw('[{"value": 1e400}]'), 422, id="1e400"),
        pytest.param(raw('[{"id": "\\ud800"}]'), 422, id="half a surrogate pair"),
        pytest.param(raw('[{"id": "a", "id": "b"}]'), 422, id="a field twice"),
        pytest.param(raw('[{"id": "\\u0000"}]'), 422, id="NUL"),
        pytest.param(raw('"text"'), 422, id="a text"),
        pytest.param(raw("[" + ",".join(["1"] * 10_001) + "]"), 413, id="too many"),
        pytest.param(raw(b" " * (8 * 1024 * 1024 + 1)), 413, id="too long"),
        pytest.param(raw("[]", **{"Content-Encoding": "gzip"}), 415, id="compressed"),
        pytest.param(raw("[]", **{"Content-Type": "text/plain"}), 415, id="text/plain"),
    ],
)
def test_strange_bodies_get_a_problem_and_never_a_500(
    admin: Caller, request_: dict[str, Any], status: int
) -> None:
    response = admin("POST", "/v1/usage", **request_)
    assert response.status_code == status, response.get_json()
    if status != 200:
        assert response.get_json()["request_id"] == response.headers["X-Request-Id"]


def test_a_stream_without_a_length_is_cut_off_loudly(admin: Caller) -> None:
    response = admin(
        "POST",
        "/v1/usage",
        input_stream=BytesIO(b"[]" + b" " * (9 * 1024 * 1024)),
        headers={"Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"occurred_at": "2026-11-05T10:00:00"}, "occurred_at", id="no zone"),
        pytest.param({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", id="year 1"),
        pytest.param({"occurred_at": 5}, "occurred_at", id="a number for an instant"),
        pytest.param({"value": True}, "value", id="true"),
        pytest.param({"value": ""}, "value", id="no value"),
        pytest.param({"value": "1" * 256}, "value", id="a long value"),
        pytest.param({"source": ""}, "source", id="no source"),
        pytest.param({"id": "x" * 256}, "id", id="a long id"),
        pytest.param({"organization": "Acme"}, "organization", id="capitals"),
        pytest.param({"organization": "acme\n"}, "organization", id="a line feed"),
        pytest.param({"properties": {"a": 1}}, "properties", id="a number as property"),
        pytest.param({"properties": {"": "x"}}, "properties", id="a nameless property"),
        pytest.param(
            {"properties": {str(n): "" for n in range(21)}}, "properties", id="21 properties"
        ),
        pytest.param({"properties": None}, "properties", id="null properties"),
        pytest.param({"attachment": ""}, "attachment", id="an empty attachment"),
    ],
)
def test_a_bad_field_is_named(admin: Caller, changes: dict[str, Any], named: str) -> None:
    answer = admin("POST", "/v1/usage", [record("k1", **changes)]).get_json()
    assert answer["rejected"] == 1
    assert answer["items"][0]["detail"].startswith(named), answer["items"]


def test_only_reporters_may_report(caller: Callable[..., Caller]) -> None:
    assert caller("ingest")("POST", "/v1/usage", []).status_code == 200
    assert caller("support")("POST", "/v1/usage", []).status_code == 403
