"""Cases over HTTP: reported by customers, answered by support, and each sees what it may."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from api.wiring import Wired
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_life import USAGE, done
from tests.api.test_usage import record

OWN = "/v1/organizations/acme/cases"
ALL = "/v1/cases"
ONE = f"{ALL}/acme.c1"
WORDS = '<img src=x onerror="alert(1)">\n{{7*7}} ${7*7} \'; DROP TABLE case_text; -- \u202e100 %'


@pytest.fixture
def customer(caller: Callable[..., Caller], acme: str) -> Caller:
    return caller("organization", "acme")


@pytest.fixture
def support(caller: Callable[..., Caller], acme: str) -> Caller:
    return caller("support")


def report(by: Caller, **more: Any) -> Any:
    return done(by("POST", OWN, {"text": WORDS, "case": "c1", **more}), 201)


def read(by: Caller, case: str = "acme.c1") -> Any:
    return done(by("GET", f"{OWN}/{case}"))


def follow(wired: Wired) -> None:
    while wired.projector.step():
        pass


def test_a_customer_reports_a_line_and_support_replays_that_very_screen(
    admin: Caller, customer: Caller, support: Caller
) -> None:
    done(admin("POST", "/v1/usage", [record("k1", value="200")]))
    screen = done(customer("GET", f"/v1/invoices/{CYCLE}"))
    told = report(customer, cycle=CYCLE, line=USAGE, known_at=screen["known_at"])
    assert (told["case"], told["status"], told["effect"]) == ("acme.c1", "reported", "recorded")
    done(admin("POST", "/v1/usage", [record("k2", value="10")]))
    seen = read(support)["seen"]
    assert (seen["amount"], seen["currency"], seen["digest"]) == (500, "usd", screen["digest"])
    replayed = done(support("GET", seen["replay"]))
    assert replayed["digest"] == screen["digest"]
    assert done(support("GET", f"/v1/invoices/{CYCLE}"))["digest"] != screen["digest"]


def test_a_case_from_its_report_to_its_answer_and_back(customer: Caller, support: Caller) -> None:
    report(customer)
    done(support("POST", f"{ONE}/acknowledge"))
    note = {"text": "The meter counted twice.", "visibility": "internal"}
    done(support("POST", f"{ONE}/comment", note))
    done(customer("POST", f"{OWN}/acme.c1/comment", {"text": "It was on Monday."}))
    answer = {"kind": "not_a_problem", "text": "Four machines ran that day."}
    assert done(support("POST", f"{ONE}/resolve", answer))["status"] == "resolved"
    resolved = read(customer)
    assert (resolved["found"]["kind"], resolved["status"]) == ("not_a_problem", "resolved")
    assert resolved["reopen_until"] > resolved["resolved_at"] > resolved["acknowledged_at"]
    assert [(each["who"], each["text"]) for each in resolved["timeline"][1:]] == [
        ("Support", None),
        (f"key:{customer.key[:11]}", "It was on Monday."),
        ("Support", "Four machines ran that day."),
    ]
    again = done(customer("POST", f"{OWN}/acme.c1/reopen", {"text": "Three!"}))
    assert again["status"] == "reopened"


def test_customers_see_nothing_of_what_is_internal(customer: Caller, support: Caller) -> None:
    report(customer)
    before = read(customer)
    note = {"text": "Hopeless case", "visibility": "internal"}
    done(support("POST", f"{ONE}/comment", note))
    assert read(customer) == before
    assert f"key:{support.key[:11]}" in str(read(support))
    assert "text_id" not in {k for each in before["timeline"] for k, v in each.items() if v}


def test_what_people_wrote_comes_back_as_it_was(customer: Caller, support: Caller) -> None:
    report(customer)
    assert read(support)["text"] == read(customer)["timeline"][0]["text"] == WORDS


def test_an_erased_text_leaves_a_case_that_can_be_read(
    admin: Caller, customer: Caller, support: Caller, database_url: str
) -> None:
    report(customer)
    (entry,) = read(support)["timeline"]
    address = f"{ONE}/texts/{entry['text_id']}"
    assert support("DELETE", address).status_code == 403
    assert admin("DELETE", f"{ALL}/acme.c2/texts/{entry['text_id']}").status_code == 404
    for _ in range(2):
        assert done(admin("DELETE", address))["text_state"] == "erased"
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT body, salt, erased_by FROM case_text").fetchall()
    assert rows == [(None, None, f"key:{admin.key[:11]}")]
    case = read(customer)
    assert (case["text"], case["text_state"], case["status"]) == (None, "erased", "reported")
    assert case["timeline"][0]["what"] == entry["what"]


def test_another_organizations_cases_are_not_to_be_told_from_nothing(
    admin: Caller, caller: Callable[..., Caller], customer: Caller
) -> None:
    report(customer)
    done(admin("PUT", "/v1/organizations/globex", {"name": "Globex", "currency": "usd"}), 201)
    stranger = caller("organization", "globex")
    body = {"text": "Let me in"}
    theirs = "/v1/organizations/globex/cases"
    for method, path, sent in (
        ("GET", theirs + "/{}", None),
        ("POST", theirs + "/{}/comment", body),
        ("POST", theirs + "/{}/reopen", body),
    ):
        there = stranger(method, path.format("acme.c1"), sent)
        nowhere = stranger(method, path.format("acme.c9"), sent)
        assert there.status_code == nowhere.status_code == 404, path
        said = there.get_json()["detail"].replace("c1", "c9")
        assert said == nowhere.get_json()["detail"]
    assert stranger("GET", OWN).status_code == stranger("POST", OWN, body).status_code == 404
    stolen = {"text": "Whose?", "cycle": CYCLE}
    assert stranger("POST", theirs, stolen).status_code == 404
    assert len(read(customer)["timeline"]) == 1


def test_a_case_is_not_found_under_another_organization_by_support_either(
    admin: Caller, customer: Caller
) -> None:
    report(customer)
    done(admin("PUT", "/v1/organizations/globex", {"name": "Globex", "currency": "usd"}), 201)
    assert admin("GET", "/v1/organizations/globex/cases/acme.c1").status_code == 404


def test_cases_are_listed_for_the_customer_and_for_support(
    wired: Wired, admin: Caller, customer: Caller, support: Caller
) -> None:
    done(admin("PUT", "/v1/organizations/globex", {"name": "Globex", "currency": "usd"}), 201)
    report(customer, cycle=CYCLE)
    report(customer, case="c2")
    done(admin("POST", "/v1/organizations/globex/cases", {"text": "Hm", "case": "g1"}), 201)
    done(support("POST", f"{ONE}/resolve", {"kind": "explained", "text": "So it is."}))
    follow(wired)

    def listed(by: Caller, path: str) -> list[str]:
        return [each["case"] for each in done(by("GET", path))["data"]]

    assert listed(customer, OWN) == ["acme.c2", "acme.c1"]
    assert listed(customer, f"{OWN}?status=resolved") == ["acme.c1"]
    assert listed(support, ALL) == ["globex.g1", "acme.c2", "acme.c1"]
    assert listed(support, f"{ALL}?status=open&organization=acme") == ["acme.c2"]
    assert listed(support, f"{ALL}?cycle={CYCLE}") == ["acme.c1"]
    assert listed(support, f"{ALL}?reported_before={day(0)}") == []
    page = done(support("GET", f"{ALL}?limit=2"))
    rest = done(support("GET", f"{ALL}?limit=2&cursor={page['next_cursor']}"))
    assert ([each["case"] for each in rest["data"]], rest["next_cursor"]) == (["acme.c1"], None)
    (first,) = done(customer("GET", f"{OWN}?cycle={CYCLE}"))["data"]
    whole = read(customer)
    assert first == {name: whole[name] for name in first}


def test_a_report_sent_twice_is_one(customer: Caller) -> None:
    first = report(customer)
    assert report(customer) == first | {"effect": "nothing"}
    key = {"Idempotency-Key": "k1"}
    body = {"text": "One more thing"}
    made = [done(customer("POST", OWN, body, headers=key), 201) for _ in range(2)]
    assert made[0] == made[1]
    for _ in range(2):
        done(customer("POST", f"{OWN}/acme.c1/comment", body, headers={"Idempotency-Key": "k2"}))
    assert len(read(customer)["timeline"]) == 2


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param(OWN, {}, "text", id="no text"),
        pytest.param(OWN, {"text": " "}, "text", id="a blank text"),
        pytest.param(OWN, {"text": "x" * 4001}, "text", id="a text that is too long"),
        pytest.param(OWN, {"text": "x", "case": "C 1"}, "case", id="a name that is none"),
        pytest.param(OWN, {"text": "x", "line": USAGE}, "cycle", id="a line of which cycle"),
        pytest.param(OWN, {"text": "x", "cycle": CYCLE, "line": "no"}, "line", id="no such line"),
        pytest.param(OWN, {"text": "x", "known_at": "2199-01-01T00:00:00Z"}, "known_at", id="when"),
        pytest.param(f"{ONE}/comment", {"text": "x"}, "visibility", id="who is to see it"),
        pytest.param(f"{ONE}/resolve", {"text": "x", "kind": "lost"}, "kind", id="no such answer"),
        pytest.param(
            f"{ONE}/resolve",
            {"text": "x", "kind": "credited", "credit": "k9"},
            "credit",
            id="no such credit",
        ),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    support: Caller, customer: Caller, path: str, body: dict[str, Any], field: str
) -> None:
    report(customer)
    refused = support("POST", path, body)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.get_json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param(f"{ONE}/acknowledge", None, "case_resolved", id="acknowledge"),
        pytest.param(
            f"{ONE}/resolve", {"text": "x", "kind": "explained"}, "case_resolved", id="resolve"
        ),
        pytest.param(OWN, {"text": "Other", "case": "c1"}, "conflict", id="the name is taken"),
    ],
)
def test_what_a_resolved_case_does_not_take(
    support: Caller, customer: Caller, path: str, body: Any, code: str
) -> None:
    report(customer)
    done(support("POST", f"{ONE}/resolve", {"kind": "explained", "text": "So it is."}))
    refused = support("POST", path, body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, code)


@pytest.mark.parametrize("name", ["c1", "acme.", ".c1", "acme.c1.c1", "%00", "acme.%ff", "x" * 999])
def test_a_name_that_no_case_has_is_not_found(support: Caller, name: str) -> None:
    assert support("GET", f"{OWN}/{name}").status_code == 404
    assert support("POST", f"{ALL}/{name}/acknowledge").status_code == 404


def test_the_story_of_an_invoice_tells_of_problems_and_not_of_who_of_support_it_was(
    wired: Wired, customer: Caller, support: Caller
) -> None:
    report(customer, cycle=CYCLE)
    note = {"text": "Hm.", "visibility": "internal"}
    done(support("POST", f"{ONE}/comment", note))
    done(support("POST", f"{ONE}/resolve", {"kind": "explained", "text": "So it is."}))
    follow(wired)
    *_, told, answered = done(customer("GET", f"/v1/invoices/{CYCLE}/history"))["data"]
    assert told["what"].startswith(f"A problem was reported with {CYCLE} at 0.00 USD")
    assert told["actor"] == f"key:{customer.key[:11]}"
    assert answered["what"] == "The problem is resolved: the bill is explained"
    assert answered["actor"] == "Support"
