"""The OpenAPI document is true: what it promises is what a client gets, and never a 500."""

import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import BOOKS
from api.openapi import specification
from api.wiring import Wired
from tests.api.conftest import CYCLE, Caller

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

KNOWN = {
    "organization": "acme",
    "cycle": CYCLE,
    "attachment": "a1",
    "line": "item%2Fi1",
    "meter": "cpu",
    "service": "machine",
    "price": "cpu",
    "discount": "d1",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return specification(BOOKS, "0")


def test_every_operation_is_described_with_what_it_may_answer(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            assert operation["summary"], place
            assert set(operation["responses"]) >= {"422", "500", "503"}, place
            assert bool(operation["security"]) == ("401" in operation["responses"]), place
            names = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert names == set(re.findall(r"{(\w+)}", path)), place
            if "requestBody" in operation and operation["security"]:
                body = operation["requestBody"]["content"]["application/json"]
                assert "example" in body, place


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(document)):
        found: Any = document
        for part in reference.split("/"):
            found = found[part]
        assert found


def test_the_documents_are_served_without_any_other_host(admin: Caller) -> None:
    first = admin.client.get("/openapi.json")
    assert first.get_json()["openapi"] == "3.1.0"
    headers = {"If-None-Match": first.headers["ETag"]}
    assert admin.client.get("/openapi.json", headers=headers).status_code == 304
    page = admin.client.get("/docs/").get_data(as_text=True)
    assert "/openapi.json" in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.timeout(900)  # a dozen requests to each operation there is
def test_no_generated_request_gets_an_answer_that_is_not_documented(
    app: Flask, wired: Wired, admin: Caller, acme: str
) -> None:
    item = {"item": "i1", "description": "x", "amount": 5, "currency": "usd", "reason": "y"}
    assert admin("POST", "/v1/organizations/acme/items", item).status_code == 200
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    headers = {"Authorization": f"Bearer {admin.key}"}
    limits = settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        while wired.projector.step():  # else readiness complains of projections that lag
            pass

        @limits
        @requests_to(operation)  # type: ignore[untyped-decorator]
        def answers_as_documented(case: Any, known: bool) -> None:
            # A position far ahead is waited for, in vain.
            assume("at_least" not in (case.query or {}))
            if known:
                case.path_parameters = {
                    name: KNOWN.get(name, value) for name, value in case.path_parameters.items()
                }
            case.call_and_validate(headers=headers, checks=CHECKS)

        answers_as_documented()


def requests_to(operation: Any) -> Any:
    """Requests to one operation, half of them against its schema."""
    return given(
        case=st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        known=st.booleans(),
    )
