"""Erasing a person: nowhere in the database is anything left, and every amount stays."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from api.wiring import Wired
from application.case_screens import NewCase
from application.signing_in import Visitor
from tests.api.conftest import CYCLE, START, Caller, Run
from tests.api.test_life import done, used

__all__ = ["used"]

EMAIL = "Canary.Ada+bills@acme.example"
WORDS = "Canary words of a person"
ADA = "/v1/organizations/acme/members/u1/personal-data"
INVOICE = f"/v1/invoices/{CYCLE}"
DETAILS = {"name": "Canary Ada", "currency": "usd", "anchor_day": START.day}
MEMBERS = [
    {"user": "u1", "email": EMAIL, "role": "owner"},
    {"user": "u2", "email": f"x{EMAIL}", "role": "billing"},
]


@pytest.fixture
def person(wired: Wired, admin: Caller, used: str) -> str:
    """A member who did all that leaves something behind; their organization bears their name."""
    key = {"Idempotency-Key": "k1"}
    done(admin("PUT", "/v1/organizations/acme", DETAILS | {"members": MEMBERS}, headers=key))
    done(admin("POST", f"{INVOICE}/sync", {}))
    actor, at = "member:u1", START
    case = wired.cases.report(
        "acme", NewCase(text=WORDS, case="c1"), by="customer", actor=actor, at=at
    )
    quote = f"{EMAIL.upper()} wrote"
    wired.cases.comment(case.case, quote, "internal", by="support", actor="staff:bob", at=at)
    wired.cases.comment(case.case, "Not theirs", "public", by="support", actor="staff:bob", at=at)
    wired.feedback.give(CYCLE, False, WORDS, actor=actor, at=at)
    wired.feedback.give(CYCLE, False, f"Ask {EMAIL}!", actor="staff:bob", at=at)
    visitor = Visitor(actor=actor, role="organization", organization="acme")
    wired.sessions.begin(visitor)
    done(admin("POST", "/v1/organizations/acme/sign-in-links", {"user": "u1"}), 201)
    done(admin("PUT", "/v1/organizations/acme/members/u1/notifications", {"billing": True}))
    credit = {"credit": "x", "amount": 1, "currency": "usd", "reason": "sorry"}
    done(admin("POST", "/v1/organizations/acme/credits", credit, headers={"Idempotency-Key": "2"}))
    while wired.projector.step():
        pass
    return "u1"


def damaged(url: str, statement: str, *values: Any) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode(), values)


def holding(url: str, *needles: str) -> set[str]:
    """Tables that hold a text anywhere, in any case, in a column of any kind."""
    found = set()
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        ).fetchall()
        assert len(tables) > 40
        for (table,) in tables:
            everything = sql.SQL("COPY (SELECT t::text FROM {} t) TO STDOUT")
            with connection.cursor().copy(everything.format(sql.Identifier(table))) as copy:
                dump = bytes(b"".join(copy))
            bodies = (
                bytes.fromhex(each.decode()) for each in re.findall(rb"x((?:[0-9a-f]{2})+)", dump)
            )
            read = b"\n".join([dump, *bodies]).lower()
            if any(each.lower().encode() in read for each in needles):
                found.add(table)
    return found


def amounts(by: Caller) -> Any:
    invoice = done(by("GET", INVOICE))
    return invoice["total"], invoice["digest"], invoice["lines"]


def test_nothing_of_a_person_is_left_and_every_amount_stays(
    wired: Wired, admin: Caller, person: str, database_url: str
) -> None:
    damaged(
        database_url,
        "INSERT INTO webhook_inbox (event_id, type, object_id, payload, handled_at)"
        " VALUES ('evt_1', 'invoice.paid', 'in_1', convert_to(%s, 'UTF8'), now())",
        f'{{"customer_email": "{EMAIL}"}}',
    )
    damaged(
        database_url,
        "INSERT INTO sign_in_request (address, client, at) VALUES (%s, '10.0.0.1', now())",
        EMAIL.lower(),
    )
    before = amounts(admin)
    assert {"member_directory", "case_text", "webhook_inbox"} <= holding(database_url, EMAIL)
    erased = done(admin("DELETE", f"{ADA}?organization_name=true"))
    assert (erased["effect"], erased["in_log"]) == ("recorded", [])
    assert {"case_text": 2, "member_directory": 1, "web_session": 1}.items() <= erased[
        "rows"
    ].items()
    wired.rebuilder.rebuild()
    assert holding(database_url, WORDS, "Canary Ada") == set()
    # What is left is somebody else's address, of which theirs is a part.
    assert holding(database_url, f'"{EMAIL}', f" {EMAIL}", f",{EMAIL}") == set()
    assert "member_directory" in holding(database_url, f"x{EMAIL}")
    assert amounts(admin) == before
    assert wired.verification.run("acme").broken == []


def test_the_books_say_who_was_erased_by_id_alone(admin: Caller, person: str) -> None:
    done(admin("DELETE", ADA))
    organization = done(admin("GET", "/v1/organizations/acme"))
    assert organization["members"][0] == {"user": "u1", "email": "", "role": "owner"}
    assert organization["name"] == "Canary Ada"
    assert EMAIL in organization["members"][1]["email"]
    case = done(admin("GET", "/v1/organizations/acme/cases/acme.c1"))
    assert (case["text"], case["text_state"]) == (None, "erased")
    assert [each["text"] for each in case["timeline"]] == [None, None, "Not theirs"]


def test_twice_does_nothing(admin: Caller, person: str) -> None:
    first = done(admin("DELETE", ADA))
    again = done(admin("DELETE", ADA))
    assert (again["effect"], again["rows"], again["position"]) == (
        "nothing",
        {},
        first["position"],
    )


def test_what_somebody_wrote_into_the_log_is_told_and_stays(admin: Caller, person: str) -> None:
    note = {"item": "i1", "description": f"For {EMAIL}", "amount": 5, "currency": "usd"}
    done(admin("POST", "/v1/organizations/acme/items", note | {"reason": "agreed"}))
    erased = done(admin("DELETE", ADA))
    assert [each["stream"] for each in erased["in_log"]] == [CYCLE]


def test_who_was_never_a_member_is_not_found(
    caller: Callable[..., Caller], admin: Caller, person: str
) -> None:
    assert admin("DELETE", ADA.replace("u1", "u9")).status_code == 404
    assert admin("DELETE", ADA.replace("acme", "globex")).status_code == 404
    assert caller("support")("DELETE", ADA).status_code == 403


def test_the_command_does_the_same(run: Run, person: str, database_url: str) -> None:
    status, told, _ = run("erase-member", "acme", "u1")
    assert (status, "case_text" in told) == (0, True)
    assert holding(database_url, WORDS) == set()
    assert run("erase-member", "acme", "u9")[0] == 2
