"""A detached month over HTTP, on pages and at the command line: one refusal, and never a fault."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.archive_files import restore
from api.links import Links
from api.wiring import Wired
from application.inbox import Message
from application.signing_in import Visitor
from projections.customer_words import customer_words
from tests.api.conftest import Caller, Run
from tests.detached import MONTH, archived, detached, january_is_over, now, wired_over
from tests.stored_stories import FIRST, SECOND
from tests.stored_world import StoredWorld, stored_world

CUSTOMER = Visitor(actor="customer:acme", role="organization", organization="acme")
SUPPORT = Visitor(actor="staff:jane", role="support")
EVERY = "1,2,3,4,5,6,7,8,9,10,11"
"""All but what has waited for long: its clock is not the store's."""
THIRD = "acme.2026-03-01"
LISTS = {
    "/v1/organizations/acme/invoices",
    "/v1/organizations/acme/invoices/current",
    "/billing/acme",
    "/billing/acme/invoices",
    f"/billing/acme/invoices/{SECOND}",
    f"/billing/acme/invoices/{SECOND}/changes",
    f"/v1/invoices/{SECOND}",
    f"/v1/invoices/{SECOND}/history",
    "/v1/organizations/acme/usage/daily",
    "/support",
    f"/support/invoices/{SECOND}",
}
NEEDED = {f"/v1/invoices/{FIRST}/diff": "?from=2026-01-10T00:00:00Z"}


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        january_is_over(found)
        yield found


@pytest.fixture
def wired(stored: StoredWorld) -> Iterator[Wired]:
    with wired_over(stored) as found:
        yield found


@pytest.fixture
def app(wired: Wired) -> Flask:
    return create_app(wired)


def program(app: Flask, wired: Wired) -> Caller:
    return Caller(app.test_client(), wired.keys.create("admin", None, actor="test"))


def signed_in(app: Flask, wired: Wired, visitor: Visitor) -> FlaskClient:
    client, until = app.test_client(), now().replace(year=now().year + 1)
    link = wired.sessions.make_link(visitor, until, actor="test")
    address = Links(wired.settings).address(link, visitor, until)
    client.post(address.removeprefix(wired.settings.origin))
    return client


def gets_of_a_cycle(app: Flask, prefix: str) -> list[str]:
    """Every address that shows something of a cycle."""
    return [path for path in gets(app, prefix, {"cycle", "organization"}) if FIRST in path]


def gets(app: Flask, prefix: str, known: set[str]) -> list[str]:
    """Every address that shows something, with no more to be named than this."""
    rules = [
        each
        for each in app.url_map.iter_rules()
        if "GET" in (each.methods or ()) and str(each).startswith(prefix)
    ]
    return sorted(
        str(rule).replace("<cycle>", FIRST).replace("<organization>", "acme")
        for rule in rules
        if rule.arguments and rule.arguments <= known
    )


def test_every_operation_on_it_is_refused_alike(app: Flask, wired: Wired, tmp_path: Path) -> None:
    ask = program(app, wired)
    file, _ = detached(wired, tmp_path)
    addresses = gets_of_a_cycle(app, "/v1")
    answers = {path: ask("GET", path + NEEDED.get(path, "")) for path in addresses}
    assert len(answers) > 5
    refused = {path: (each.status_code, each.json["code"]) for path, each in answers.items()}
    assert set(refused.values()) == {(409, "month_archived")}, refused
    for answer in answers.values():
        assert f"run cyclebook restore-archive {file.name}, and ask again" in answer.json["detail"]
    restore(wired, file)
    assert ask("GET", f"/v1/invoices/{FIRST}").status_code == 200


def test_customers_read_what_it_means(app: Flask, wired: Wired, tmp_path: Path) -> None:
    customer = signed_in(app, wired, CUSTOMER)
    detached(wired, tmp_path)
    for path in gets_of_a_cycle(app, "/billing"):
        answer = customer.get(path)
        assert (path, answer.status_code) == (path, 409)
        assert "in our archive" in answer.text


def test_a_customers_key_gets_a_customers_words(app: Flask, wired: Wired, tmp_path: Path) -> None:
    ask = Caller(app.test_client(), wired.keys.create("organization", "acme", actor="test"))
    detached(wired, tmp_path)
    for path in gets_of_a_cycle(app, "/v1"):
        answer = ask("GET", path + NEEDED.get(path, ""))
        if answer.status_code != 403:
            assert (path, answer.json["code"]) == (path, "month_archived")
            assert answer.json["detail"] == customer_words("month_archived")


def test_support_reads_what_to_do(app: Flask, wired: Wired, tmp_path: Path) -> None:
    staff = signed_in(app, wired, SUPPORT)
    detached(wired, tmp_path)
    for path in gets_of_a_cycle(app, "/support"):
        answer = staff.get(path)
        assert (path, answer.status_code) == (path, 409)
        assert "restore-archive" in answer.text


def test_lists_and_later_invoices_go_on(app: Flask, wired: Wired, tmp_path: Path) -> None:
    ask = program(app, wired)
    customer = signed_in(app, wired, CUSTOMER)
    staff = signed_in(app, wired, SUPPORT)
    detached(wired, tmp_path)
    for path in sorted(LISTS):
        people = staff if path.startswith("/support") else customer
        answer = ask("GET", path) if path.startswith("/v1") else people.get(path)
        assert (path, answer.status_code) == (path, 200)
    (listed,) = [
        each
        for each in ask("GET", "/v1/organizations/acme/invoices").json["data"]
        if each["cycle"] == FIRST
    ]
    assert listed["status"] == "paid"


def test_what_else_is_asked_of_the_organization_goes_on(
    app: Flask, wired: Wired, tmp_path: Path
) -> None:
    ask = program(app, wired)
    customer, staff = signed_in(app, wired, CUSTOMER), signed_in(app, wired, SUPPORT)

    def answers() -> dict[str, int]:
        who = {
            "/v1": lambda path: ask("GET", path),
            "/billing": customer.get,
            "/support": staff.get,
        }
        paths = [path for prefix in who for path in gets(app, prefix, {"organization"})]
        return {path: who["/" + path.split("/")[1]](path).status_code for path in paths}

    before = answers()
    assert len(before) > 20
    detached(wired, tmp_path)
    after = answers()
    assert {path: after[path] for path in before if after[path] != before[path]} == {
        "/support/organizations/acme/usage": 422
    }


def test_a_webhook_about_it_waits_for_a_person(
    app: Flask, wired: Wired, stored: StoredWorld, tmp_path: Path
) -> None:
    invoice = wired.cycle_lists.invoices("acme", SECOND, 1)[0].stripe_invoice
    file, _ = detached(wired, tmp_path)
    message = Message(id="e1", type="invoice.updated", object_id=str(invoice), cycle=FIRST)
    wired.inbox.accept(message, b"{}")
    wired.inbox.work(now())
    (failed,) = wired.inbox.unhandled("", 10)
    assert failed.due_at is None
    assert failed.error.startswith("month_archived: ")
    restore(wired, file)
    wired.inbox.retry("e1")
    wired.inbox.work(now())
    assert list(wired.inbox.unhandled("", 10)) == []


def test_an_export_of_everything_names_what_it_lacks(
    app: Flask, wired: Wired, tmp_path: Path
) -> None:
    detached(wired, tmp_path)
    answer = program(app, wired)("GET", "/v1/organizations/acme/export")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert rows[0]["detached"] == [MONTH]
    assert {row["cycle"] for row in rows if row["row"] == "invoice"}.isdisjoint({FIRST})
    assert rows[-1]["row"] == "end"


def test_a_later_invoice_is_proved_by_its_export_alone(
    app: Flask, wired: Wired, run: Run, tmp_path: Path
) -> None:
    ask = program(app, wired)
    detached(wired, tmp_path)
    file = tmp_path / "second.ndjson"
    file.write_text(ask("GET", f"/v1/invoices/{SECOND}/export").text)
    status, told, _ = run("verify-export", str(file))
    assert (status, "holds" in told) == (0, True)
    # January used a credit: what is left of it for March is not in a file without January.
    assert ask("GET", f"/v1/invoices/{THIRD}/export").status_code == 409


def test_commands_say_what_they_did_not_look_at(
    run: Run, wired: Wired, stored: StoredWorld, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    status, told, _ = run("detach-archive", str(file))
    assert (status, "2026-01 is detached" in told) == (0, True)
    for arguments in (("verify", "--only", EVERY), ("verify", "--chain")):
        status, told, _ = run(*arguments)
        assert (status, "not looked at: 2026-01, detached with" in told) == (0, True)
        months = json.loads(run(*arguments, "--json")[1])["detached"]
        assert [(each["month"], each["cycles"]) for each in months] == [(MONTH, 1)]
    status, _, told = run("invoice", FIRST)
    assert (status, "restore-archive" in told) == (1, True)
    assert run("rebuild")[0] == 0
    status, told, _ = run("restore-archive", str(file))
    assert (status, "events restored" in told) == (0, True)
    assert "not looked at" not in run("verify", "--only", EVERY)[1]
