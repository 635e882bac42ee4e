"""Shadow mode: beside another biller everything is counted and compared, and nothing is written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from application.inbox import Message
from application.reconciling.ports import Asked
from tests.api.shadowed import ACTOR, LAST, OLDER, RUNNING, Shadowed, cycle, shadowed
from tests.biller import line, priced

HOURS = timedelta(hours=5)


@pytest.fixture
def made(database_url: str, sandbox_app: Flask, tmp_path: Path) -> Iterator[Shadowed]:
    """acme and globex, imported, with a machine each; what is our price of theirs is said."""
    prices = tmp_path / "prices.csv"
    prices.write_text("theirs,ours\nMachine,base\ncompute,cpu\n", "utf-8")
    with shadowed(database_url, sandbox_app, SHADOW_PRICES=str(prices)) as found:
        found.offer()
        yield found


@pytest.fixture
def customers(made: Shadowed) -> tuple[str, str]:
    """Both, in the older month with 400 hours each: 4900 + 1000. The last one has begun."""
    customers = made.biller.customer("Acme"), made.biller.customer("Globex")
    made.bring_customers()
    for organization in ("acme", "globex"):
        made.attach(organization)
        made.use(organization, "400", OLDER.start + HOURS)
        made.use(organization, "8", LAST.start + HOURS)
    made.writes()
    return customers


def bill(made: Shadowed, customer: str, fee: int, hours: str, price: str) -> str:
    return made.biller.bill(
        customer,
        line("Machine", fee, OLDER.start, OLDER.end),
        priced(price, hours, OLDER.start, OLDER.end),
    )


def older(made: Shadowed) -> dict[str, dict[str, object]]:
    """What is compared of the older month, by cycle."""
    from_ = (OLDER.end - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = made.compare(**{"from": from_, "to": OLDER.end.strftime("%Y-%m-%dT%H:%M:%SZ")})
    return {each["cycle"]: each for each in page["data"]}


def test_equal_different_missing_and_extra_are_told_apart(
    made: Shadowed, customers: tuple[str, str]
) -> None:
    acme, globex = customers
    price = made.biller.price("compute", "2.5")
    same = bill(made, acme, 4900, "400", price)
    other = bill(made, globex, 5100, "420", price)
    stranger = made.biller.bill(made.biller.customer(), line("Fee", 7, OLDER.start, OLDER.end))
    made.bring_invoices()
    page = made.compare()
    assert page["counts"] == {
        "expected": 5,
        "compared": 2,
        "equal": 1,
        "different": 1,
        "missing": 2,
        "extra": 1,
    }
    found = {each["cycle"]: each for each in page["data"]}
    ours = found[cycle("acme", OLDER)]
    assert (ours["verdict"], ours["stripe_invoices"], ours["amount"]) == ("equal", [same], 5900)
    theirs = found[cycle("globex", OLDER)]
    assert (theirs["verdict"], theirs["stripe_invoices"], theirs["difference"]) == (
        "different",
        [other],
        250,
    )
    assert [(each["what"], each["difference"], each["cause"]) for each in theirs["lines"]] == [
        ("base", 200, "price"),
        ("cpu", 50, "missing_usage"),
    ]
    assert found[cycle("acme", LAST)]["verdict"] == "missing"
    assert (found[None]["verdict"], found[None]["stripe_invoices"]) == ("extra", [stranger])


def test_a_line_more_and_tax_on_top_are_named(made: Shadowed, customers: tuple[str, str]) -> None:
    made.sandbox.dashboard.tax(19)
    made.biller.bill(
        customers[0],
        line("Machine", 4900, OLDER.start, OLDER.end),
        line("cpu", 1000, OLDER.start, OLDER.end),
        line("Support", 9900, OLDER.start, OLDER.end),
    )
    made.bring_invoices()
    lines = older(made)[cycle("acme", OLDER)]["lines"]
    assert isinstance(lines, list)
    told = [(x["what"], x["billed"], x["cause"]) for x in lines if x["cause"] is not None]
    assert told == [
        ("cpu", None, "not_billed"),
        ("cpu", 1000, "not_in_books"),
        ("Support", 9900, "not_in_books"),
        ("tax", 3002, "tax"),
    ]


def test_the_window_and_one_organization(made: Shadowed, customers: tuple[str, str]) -> None:
    assert set(older(made)) == {cycle("acme", OLDER), cycle("globex", OLDER)}
    alone = made.compare(organization="globex")["data"]
    assert [each["cycle"] for each in alone] == [cycle("globex", OLDER), cycle("globex", LAST)]
    first = made.compare(limit="1")
    assert ({each["organization"] for each in first["data"]}, first["next_cursor"]) == (
        {"acme"},
        "acme",
    )
    later = f"{datetime.now(UTC) + timedelta(days=60):%Y-%m-%dT%H:%M:%SZ}"
    assert made.compare(to=later)["data"] == made.compare()["data"]  # none that still runs
    reversed_ = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    assert made.ask("GET", "/v1/shadow", query_string=reversed_).status_code == 422


def test_cycles_close_in_our_books_alone(made: Shadowed, customers: tuple[str, str]) -> None:
    name = cycle("acme", OLDER)
    done = made.wired.closing.advance("acme", datetime.now(UTC), ACTOR)
    assert name in done.issued and done.waiting == []
    view = made.wired.invoices.get(name)
    assert (view.status, view.total, view.amount_remaining) == ("billed_elsewhere", 5900, 0)
    assert (view.number, view.stripe.invoice) == (None, None)
    synced = made.ask("POST", f"/v1/invoices/{cycle('acme', RUNNING)}/sync", {"force": False})
    assert (synced.status_code, synced.get_json()["writes"]) == (200, 0)
    refused = made.ask(
        "POST", "/v1/organizations/acme/portal-sessions", {"return_url": "https://x.example"}
    )
    assert (refused.status_code, refused.get_json()["code"]) == (409, "shadow")
    assert made.writes() == []


def test_a_webhook_brings_facts_of_the_other_biller(
    made: Shadowed, customers: tuple[str, str]
) -> None:
    invoice = bill(made, customers[0], 4900, "400", made.biller.price("compute", "2.5"))
    message = Message(id="evt_1", type="invoice.finalized", object_id=invoice, cycle=None)
    made.writes()
    made.wired.inbox.accept(message, b"{}")
    assert made.wired.inbox.work(datetime.now(UTC)) == 1
    assert made.wired.inbox.unhandled("", 10) == []
    assert older(made)[cycle("acme", OLDER)]["verdict"] == "equal"
    assert made.writes() == []


def test_after_the_switch_what_the_other_biller_billed_stays_its(
    made: Shadowed, customers: tuple[str, str], database_url: str, sandbox_app: Flask
) -> None:
    made.wired.closing.advance("acme", datetime.now(UTC), ACTOR)
    day = f"{RUNNING.start:%Y-%m-%d}"
    with shadowed(database_url, sandbox_app, SHADOW="false", BILL_FROM=day) as billing:
        billing.bring_customers()
        at_stripe = billing.sandbox.world.ledger.get("customer", customers[0]) or {}
        assert at_stripe["metadata"] == {"organization": "acme"}
        for each in (OLDER, LAST, RUNNING):
            billing.wired.conflicts.sync(cycle("acme", each), ACTOR)
        drafts = {
            each["metadata"]["cycle_id"] for each in billing.sandbox.world.ledger.every("invoice")
        }
        assert drafts == {cycle("acme", RUNNING)}
        while billing.wired.projector.step():
            pass
        report = billing.wired.reconciliations.run(Asked(), ACTOR, lambda done, expected: None)
        found = list(billing.wired.reconciliations.every_finding(report.id))
        assert [(each.cycle, each.kind) for each in found] == []
