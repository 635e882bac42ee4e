"""Customers and invoices of another biller: brought over once, read ever after, told of if bad."""

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from application.importing.customers import Defaults, Imported
from application.importing.naming import Wish
from domain.errors import InvalidInput, Unavailable
from tests.api.shadowed import DEFAULTS, LAST, OLDER, RUNNING, Shadowed, month, shadowed
from tests.biller import line


@pytest.fixture
def made(database_url: str, sandbox_app: Flask) -> Iterator[Shadowed]:
    with shadowed(database_url, sandbox_app) as found:
        yield found


def told(done: Imported) -> tuple[int, int, int, list[tuple[str, str]]]:
    return done.expected, done.done, done.made, [(each.id, each.code) for each in done.bad]


def test_a_customer_becomes_an_organization_with_its_name_and_its_owner(made: Shadowed) -> None:
    customer = made.biller.customer("Ünal & Söhne")
    assert told(made.bring_customers()) == (1, 1, 1, [])
    view = made.wired.registration.get("unal-sohne")
    assert (view.name, view.currency, view.stripe_customer) == ("Ünal & Söhne", "usd", customer)
    assert [(each.email, each.role) for each in view.members] == [("ada@acme.example", "owner")]


def test_once_more_nothing_is_new(made: Shadowed) -> None:
    for name in ("Acme", "Globex"):
        made.biller.customer(name)
    made.bring_customers()
    position = made.wired.registration.get("acme").version
    assert told(made.bring_customers()) == (2, 2, 0, [])
    assert made.wired.registration.get("acme").version == position


def test_a_dry_run_says_the_same_and_does_nothing(made: Shadowed) -> None:
    made.biller.customer("Acme")
    assert told(made.bring_customers(dry_run=True)) == (1, 1, 1, [])
    assert made.wired.registration.search().data == ()


def test_the_metadata_names_it_and_a_person_knows_better(made: Shadowed) -> None:
    made.biller.customer("Acme", metadata={"organization": "a1"})
    known = made.biller.customer("Globex", metadata={"organization": "g1"})
    made.bring_customers(**{known: Wish(organization="globex-eu", currency="eur", anchor_day=5)})
    ids = [each.id for each in made.wired.registration.search().data]
    assert ids == ["a1", "globex-eu"]
    view = made.wired.registration.get("globex-eu")
    assert (view.currency, view.anchor_day) == ("eur", 5)


def test_two_of_one_name_are_told_apart_the_same_way_each_time(made: Shadowed) -> None:
    customers = [made.biller.customer("Acme") for _ in range(2)]
    made.bring_customers()
    third = made.biller.customer("Acme")
    made.bring_customers()
    by_customer = {
        made.wired.registration.get(each.id).stripe_customer: each.id
        for each in made.wired.registration.search().data
    }
    assert by_customer.keys() == {*customers, third}
    assert [name for name in by_customer.values() if name == "acme"] == ["acme"]
    tails = {f"acme-{customer[-6:].lower()}" for customer in (*customers, third)}
    assert set(by_customer.values()) - {"acme"} <= tails


def test_bad_customers_are_told_of_and_the_rest_goes_on(made: Shadowed) -> None:
    crooked = made.biller.customer("Crooked", email="not an address")
    shouting = made.biller.customer("Shouting", metadata={"organization": "SHOUT!"})
    made.biller.customer("Acme")
    done = made.bring_customers(cus_nobody=Wish(organization="nobody"))
    assert (done.expected, done.done) == (3, 1)
    assert {(each.id, each.code) for each in done.bad} == {
        ("cus_nobody", "not_found"),
        (crooked, "invalid_input"),
        (shouting, "invalid_input"),
    }


def test_a_customer_has_the_currency_of_what_it_was_billed_or_a_person_names_it(
    made: Shadowed,
) -> None:
    billed, subscribed, never, named = map(made.biller.customer, ("a", "b", "c", "d"))
    made.biller.bill(billed, line("Fee", 100, OLDER.start, OLDER.end), currency="eur")
    made.biller.subscribe(subscribed, "base", 4900, "gbp")
    wishes = {named: Wish(currency="chf")}
    bad = made.bring_customers(Defaults(), **wishes).bad
    assert [(each.id, each.code) for each in bad] == [(never, "invalid_input")]
    assert "--map" in bad[0].detail and "--currency" in bad[0].detail
    assert told(made.bring_customers(Defaults(currency="sek"))) == (4, 4, 1, [])
    assert [made.wired.registration.get(name).currency for name in "abcd"] == [
        "eur",
        "gbp",
        "sek",
        "chf",
    ]


def test_a_default_currency_that_is_none_is_refused_at_once(made: Shadowed) -> None:
    with pytest.raises(InvalidInput, match="'usx' is not a currency"):
        made.bring_customers(Defaults(currency="usx"), dry_run=True)


@pytest.mark.parametrize(
    ("wish", "defaults", "says"),
    [
        pytest.param(Wish(currency="usx"), DEFAULTS, "'usx' is not a currency", id="currency"),
        pytest.param(Wish(time_zone="Mars/Base"), DEFAULTS, "IANA time zone", id="time zone"),
        pytest.param(
            Wish(), Defaults(currency="usd", starts_at=month(60).start), "three years", id="start"
        ),
    ],
)
def test_a_dry_run_finds_what_could_not_be_registered(
    made: Shadowed, wish: Wish, defaults: Defaults, says: str
) -> None:
    customer = made.biller.customer("Acme")
    (bad,) = made.bring_customers(defaults, dry_run=True, **{customer: wish}).bad
    assert bad.id == customer and says in bad.detail


def test_an_organization_of_that_name_is_not_taken_by_chance(made: Shadowed) -> None:
    first = made.biller.customer("Acme")
    made.bring_customers(**{first: Wish(organization="globex")})
    other = made.biller.customer("Globex Inc", metadata={"organization": "globex"})
    done = made.bring_customers()
    assert [(each.id, each.code) for each in done.bad] == [(other, "invalid_input")]


def test_an_import_that_broke_off_goes_on_with_the_same_names(made: Shadowed) -> None:
    for name in ("Acme", "Globex", "Initech"):
        made.biller.customer(name)
    made.sandbox.faults.add("error_before", method="GET", path="/v1/customers/cus_", skip=1)
    with pytest.raises(Unavailable):
        made.bring_customers()
    assert told(made.bring_customers()) == (3, 3, 2, [])
    ids = [each.id for each in made.wired.registration.search().data]
    assert ids == ["acme", "globex", "initech"]


def test_customers_that_were_linked_by_hand_keep_their_organization(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.bring_customers(**{customer: Wish(organization="by-hand")})
    assert told(made.bring_customers()) == (1, 1, 0, [])
    assert [each.id for each in made.wired.registration.search().data] == ["by-hand"]


def test_invoices_become_a_history_that_is_marked(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.bring_customers()
    first = made.biller.bill(customer, line("Fee", 4900, OLDER.start, OLDER.end))
    second = made.biller.bill(customer, line("Fee", 4900, LAST.start, LAST.end))
    made.biller.draft(customer, line("Fee", 4900, RUNNING.start, RUNNING.end))
    made.biller.pay(first)
    done = made.bring_invoices()
    assert (told(done), done.left_out) == ((2, 2, 2, []), {"not_finalized": 1})
    assert told(made.bring_invoices()) == (2, 2, 0, [])
    found = made.ask("GET", "/v1/organizations/acme/imported-invoices").get_json()
    rows = {each["stripe_invoice"]: each for each in found["data"]}
    assert rows.keys() == {first, second} and found["next_cursor"] is None
    row = rows[first]
    assert (row["imported"], row["status"], row["total"], row["amount_paid"]) == (
        True,
        "paid",
        4900,
        4900,
    )
    assert [(each["description"], each["amount"]) for each in row["lines"]] == [("Fee", 4900)]


def test_the_history_is_in_the_export_of_everything(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.bring_customers()
    first = made.biller.bill(customer, line("Fee", 4900, OLDER.start, OLDER.end))
    made.bring_invoices()
    text = made.ask("GET", "/v1/organizations/acme/export").get_data(as_text=True)
    rows = [json.loads(each) for each in text.splitlines()]
    told = {each["row"]: each for each in rows}
    assert (told["imported_invoice"]["stripe_invoice"], told["imported_invoice"]["total"]) == (
        first,
        4900,
    )
    assert (told["imported_line"]["stripe_invoice"], told["imported_line"]["amount"]) == (
        first,
        4900,
    )


def test_pages_of_the_history(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.bring_customers()
    ids = {made.biller.bill(customer, line("Fee", 1, OLDER.start, OLDER.end)) for _ in range(3)}
    made.bring_invoices()
    path = "/v1/organizations/acme/imported-invoices"
    first = made.ask("GET", f"{path}?limit=2").get_json()
    rest = made.ask("GET", f"{path}?limit=2&cursor={first['next_cursor']}").get_json()
    assert {each["stripe_invoice"] for each in first["data"] + rest["data"]} == ids
    assert (len(first["data"]), rest["next_cursor"]) == (2, None)
    assert made.ask("GET", "/v1/organizations/nobody/imported-invoices").status_code == 404


def test_a_payment_since_is_seen_by_the_next_run(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.bring_customers()
    id_ = made.biller.bill(customer, line("Fee", 4900, OLDER.start, OLDER.end))
    made.bring_invoices()
    made.biller.pay(id_)
    assert told(made.bring_invoices()) == (1, 1, 1, [])


def test_an_invoice_of_nobody_is_kept_and_told_of(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    id_ = made.biller.bill(customer, line("Fee", 4900, OLDER.start, OLDER.end))
    assert told(made.bring_invoices()) == (1, 0, 1, [(id_, "customer_not_imported")])
    made.bring_customers()
    assert told(made.bring_invoices()) == (1, 1, 1, [])


def test_in_shadow_mode_nothing_of_it_is_written_to_stripe(made: Shadowed) -> None:
    customer = made.biller.customer("Acme")
    made.biller.bill(customer, line("Fee", 4900, OLDER.start, OLDER.end))
    made.writes()
    made.bring_customers()
    made.bring_invoices()
    assert made.writes() == []
