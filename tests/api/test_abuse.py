"""Whatever is sent, the answer is a problem that says so, and never a fault of ours."""

import re
import time
from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.test_access import OPS
from tests.api.test_usage import record

ID = re.compile(r"<(?:\w+:)?(\w+)>")
DEEP = b"[" * 10_000 + b"]" * 10_000
PATHS = [
    ("POST", "/v1/usage"),
    ("PUT", "/v1/organizations/acme"),
    ("POST", "/v1/prices"),
    ("POST", "/v1/organizations/acme/attachments"),
    ("POST", "/v1/quarantine"),
    ("POST", "/webhooks/stripe"),
]


@pytest.mark.parametrize(
    ("body", "content_type", "statuses"),
    [
        pytest.param(b"", "application/json", (400, 422), id="nothing"),
        pytest.param(bytes(range(256)), "application/json", (400,), id="bytes"),
        pytest.param(b'{"a": "\0"}', "application/json", (400,), id="NUL"),
        pytest.param(b'{"a": "\\u0000"}', "application/json", (400, 422), id="escaped NUL"),
        pytest.param(b'"\\ud800"', "application/json", (400, 422), id="half a surrogate"),
        pytest.param(DEEP, "application/json", (400,), id="10,000 deep"),
        pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", (400,), id="40 deep"),
        pytest.param(b"9" * 100_000, "application/json", (400,), id="endless number"),
        pytest.param(b"[1e999999, NaN]", "application/json", (400, 422), id="no numbers"),
        pytest.param(b"null", "application/json", (400, 422), id="null"),
        pytest.param(b" " * (10 << 20), "application/json", (413,), id="10 MiB"),
        pytest.param(b"{}", "text/plain", (415,), id="text"),
        pytest.param(b"{}", "application/json; charset=\xff", (400, 415, 422), id="odd charset"),
        pytest.param(b"{}", "", (415,), id="no type"),
    ],
)
def test_a_body_that_cannot_be_used_is_a_problem(
    admin: Caller, acme: str, body: bytes, content_type: str, statuses: tuple[int, ...]
) -> None:
    for method, path in PATHS:
        response = admin(method, path, data=body, headers={"Content-Type": content_type})
        # What Stripe never sends is a bad request there, whatever is wrong with it.
        expected = (400, 413, 422) if path.startswith("/webhooks") else statuses
        assert response.status_code in expected, (path, response.get_data(as_text=True)[:300])
        assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/organizations/acme/items"])
def test_a_field_that_is_there_twice_among_many_is_found_at_once(admin: Caller, path: str) -> None:
    names = ",".join(f'"f{number}":1' for number in range(60_000))
    begun = time.monotonic()
    response = admin(
        "POST",
        path,
        data=f'{{{names},"z":1,"z":2}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code in (400, 422)
    assert "twice" in response.get_data(as_text=True)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("blank", ["", " ", "  ", "\t", "\n", "\r\n", " \t"])
def test_a_value_said_twice_is_refused_however_it_is_spaced(
    admin: Caller, acme: str, blank: str
) -> None:
    good = ",".join(f'"{name}":"{text}"' for name, text in record("k1").items() if name in SENT)
    body = f'[{{{good},"value"{blank}:"7"}}]'.encode()
    response = admin("POST", "/v1/usage", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.get_json()
    assert "value: is there twice" in response.get_json()["detail"]


SENT = ("source", "id", "organization", "meter", "value", "occurred_at")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"If-None-Match": '"x'}, id="half an etag"),
        pytest.param({"If-None-Match": "W/,,,\xff"}, id="odd etags"),
        pytest.param({"If-None-Match": '"' + "x" * 50_000 + '"'}, id="long etag"),
        pytest.param({"If-Modified-Since": "yesterday"}, id="no date"),
        pytest.param({"Range": "bytes=9-1"}, id="range"),
        pytest.param({"Accept": "image/png"}, id="accept"),
        pytest.param({"X-Request-Id": "a\tb"}, id="request id"),
    ],
)
def test_odd_headers_of_a_read_do_not_matter(
    admin: Caller, acme: str, header: dict[str, str]
) -> None:
    response = admin("GET", "/v1/organizations/acme/invoices/current", headers=header)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/organizations/acme/invoices", ("cursor",)),
        ("/v1/organizations", ("cursor", "text")),
        ("/v1/quarantine", ("cursor", "status")),
        ("/v1/usage?organization=acme", ("cursor", "source", "id", "meter", "from")),
        ("/v1/organizations/acme/invoices/current", ("as_of", "known_at", "at_least")),
    ],
)
def test_odd_parameters_are_problems_or_find_nothing(
    admin: Caller, acme: str, path: str, names: tuple[str, ...]
) -> None:
    values: list[Any] = ["%00", "-1", "9" * 50, "%ff%fe", "''--", "%F0%9F%92%A9", "1.5", ""]
    for name in names:
        for value in values:
            mark = "&" if "?" in path else "?"
            response = admin("GET", f"{path}{mark}{name}={value}")
            assert response.status_code in (200, 404, 422), (name, value, response.get_json())


@pytest.mark.parametrize("odd", ["%00", "acme.%00", "%ff", "%0a", "acme.9999-12-31"])
def test_odd_names_in_an_address_are_never_a_fault_of_ours(
    admin: Caller, acme: str, odd: str
) -> None:
    for op in OPS:
        for name in ID.findall(op.rule):
            path = ID.sub(lambda found, name=name: odd if found[1] == name else "acme", op.rule)
            response = admin(op.method, path, op.example)
            assert response.status_code < 500, (op.method, path, response.get_json())


def test_heads_and_options_answer_like_their_reads(admin: Caller, acme: str) -> None:
    path = "/v1/organizations/acme"
    head, get = admin("HEAD", path), admin("GET", path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == get.headers["ETag"]
    assert admin("OPTIONS", path).status_code == 200
