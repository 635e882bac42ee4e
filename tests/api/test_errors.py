"""Every error is a problem document, with a status that says what the caller can do."""

import logging
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.endpoint import endpoint
from api.errors import UnsupportedMedia
from api.openapi import ApiBook
from api.wiring import Wired
from domain.errors import (
    Busy,
    ConcurrentChange,
    Forbidden,
    GatewayRejected,
    GatewayUnavailable,
    InvalidInput,
    NotFound,
    StoreUnavailable,
)
from tests.api.conftest import Caller


def app_that(wired: Wired, happens: Exception) -> Flask:
    """The application, with a route where something happens."""
    book = ApiBook("test")

    @book.op("GET", "/try", roles=frozenset())
    def attempt() -> None:
        raise happens

    app = create_app(wired)
    app.add_url_rule("/try", "attempt", endpoint(book.ops[0]))
    return app


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        pytest.param(InvalidInput("x", field="f"), 422, None, id="invalid"),
        pytest.param(NotFound("x"), 404, None, id="not found"),
        pytest.param(Forbidden("x"), 403, None, id="forbidden"),
        pytest.param(ConcurrentChange("x"), 409, None, id="clash"),
        pytest.param(UnsupportedMedia("x"), 415, None, id="media"),
        pytest.param(Busy("x"), 503, "1", id="busy"),
        pytest.param(StoreUnavailable("x"), 503, "1", id="store"),
        pytest.param(GatewayUnavailable("x"), 503, "1", id="Stripe silent"),
        pytest.param(GatewayRejected("x"), 502, None, id="Stripe refused"),
    ],
)
def test_the_error_tree_has_its_statuses(
    wired: Wired, error: Exception, status: int, retry_after: str | None
) -> None:
    response = app_that(wired, error).test_client().get("/try")
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert response.mimetype == "application/problem+json"
    answer = response.get_json()
    assert (answer["status"], answer["detail"]) == (status, "x")
    assert answer["type"] == f"urn:cyclebook:problem:{answer['code']}"


def test_a_fault_of_ours_tells_the_request_id_and_nothing_else(
    wired: Wired, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_that(wired, ZeroDivisionError("the password is hunter2"))
    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/try", headers={"X-Request-Id": "r-17"})
    assert response.status_code == 500
    assert "hunter2" not in response.get_data(as_text=True)
    assert response.get_json()["request_id"] == response.headers["X-Request-Id"] == "r-17"
    assert "r-17" in caplog.text


def test_an_odd_request_id_is_replaced(admin: Caller) -> None:
    given = "x" * 200
    answered = admin.client.get("/healthz", headers={"X-Request-Id": given}).headers
    assert answered["X-Request-Id"] != given


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        pytest.param(
            "PUT",
            "/v1/organizations/ACME",
            {"name": "A", "currency": "usd"},
            ["organization"],
            id="an id with capitals",
        ),
        pytest.param("PUT", "/v1/organizations/a", {"currency": "usd"}, ["name"], id="no name"),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "xxx"},
            ["currency"],
            id="no such currency",
        ),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "time_zone": "Mars/Base"},
            ["time_zone"],
            id="no such zone",
        ),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "anchor_day": 32},
            ["anchor_day"],
            id="day 32",
        ),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "policies": {"grace": 1}},
            ["policies.grace"],
            id="an unknown policy",
        ),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "members": [{"user": "u"}]},
            ["members[0].email", "members[0].role"],
            id="half a member",
        ),
        pytest.param(
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "colour": 1},
            ["colour"],
            id="an unknown field",
        ),
        pytest.param(
            "POST",
            "/v1/prices",
            {"price": "p", "currency": "usd", "kind": "recurring", "model": "flat"},
            ["amount"],
            id="a price without its amount",
        ),
        pytest.param(
            "POST",
            "/v1/prices",
            {"price": "p", "currency": "usd", "kind": "recurring", "model": "flat", "amount": 12.5},
            ["amount"],
            id="a float for an amount",
        ),
        pytest.param("GET", "/v1/organizations?limit=0", None, ["limit"], id="a page of none"),
        pytest.param("GET", "/v1/organizations?page=2", None, ["page"], id="unknown parameter"),
        pytest.param("GET", "/v1/organizations?text=%00", None, ["text"], id="NUL in a query"),
        pytest.param(
            "GET", "/v1/invoices/acme.2026-11-01?as_of=now", None, ["as_of"], id="no instant"
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    admin: Caller, method: str, path: str, body: Any, fields: list[str]
) -> None:
    response = admin(method, path, body)
    assert response.status_code == 422, response.get_json()
    assert [each["field"] for each in response.get_json()["errors"]] == fields


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("PUT", "/v1/organizations/a", {"currency": "usd"}, "name: is required"),
        ("PUT", "/v1/organizations/a", {"name": None, "currency": "usd"}, "name: must not be null"),
        (
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "anchor_day": "x"},
            "anchor_day: must be a whole number",
        ),
        (
            "PUT",
            "/v1/organizations/a",
            {"name": "A", "currency": "usd", "members": [7]},
            "members[0]: must be an object",
        ),
        ("GET", "/v1/nothing", None, "there is no such address"),
        (
            "GET",
            "/v1/invoices/acme.2026-01-01?as_of=2026-01-05T10:00:00+00:00",
            None,
            'as_of: must be an instant with a zone, such as "2026-01-05T10:00:00Z"; '
            "write + as %2B, or use Z",
        ),
    ],
)
def test_every_refusal_is_in_our_words(
    admin: Caller, method: str, path: str, body: Any, detail: str
) -> None:
    assert admin(method, path, body).get_json()["detail"] == detail


def test_what_is_too_long_is_told_the_limit(admin: Caller) -> None:
    response = admin(
        "POST",
        "/v1/usage",
        data=b" " * (9 << 20),
        headers={"Content-Type": "application/json"},
    )
    assert response.get_json()["detail"] == "a request may have at most 8 MiB"


def test_wrong_methods_and_paths_are_problems_that_keep_their_headers(admin: Caller) -> None:
    wrong = admin("DELETE", "/v1/organizations/acme")
    assert (wrong.status_code, wrong.get_json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(", ")) >= {"GET", "PUT"}
    nowhere = admin("GET", "/v1/nothing")
    assert (nowhere.status_code, nowhere.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/invoices/a%00.2026-11-01",
        "/v1/invoices/acme.2026-W45-1",
        "/v1/invoices/acme.2026-11-31",
        "/v1/invoices/acme.2026-11-01%0A",
        "/v1/invoices/%ED%A0%80.2026-11-01/history",
        "/v1/organizations/a%00/invoices/current",
        "/v1/meters/%2e%2e",
        "/v1/invoices/acme.2026-11-01/lines/a%00b/explain",
    ],
)
def test_ids_that_cannot_be_are_not_found(admin: Caller, path: str) -> None:
    assert admin("GET", path).status_code == 404
