"""Exported invoices: checked by their file alone, and everything changed in it is found."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.chains import PostgresChain
from adapters.postgres.records import PostgresCycleRecords
from api.chains import shown
from api.invoice_export import invoice_shown
from api.schemas.audit_trail import ChainSchema
from api.wiring.offline import offline
from application.invoice_bundle import InvoiceBundles, line_of, read_line
from application.invoices import Invoices
from application.offline import FORMAT, Checked
from application.registration import Details
from application.stripe_stream import LoggedStripeStream
from projections.chain import COMMON, Head
from tests.stored_stories import FIRST, SECOND, february_is_issued, much_happened
from tests.stored_world import StoredWorld, stored_world

Bundle = list[dict[str, Any]]
Story = Callable[[StoredWorld], None]


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        yield found


def exported(stored: StoredWorld, cycle: str) -> Bundle:
    """A bundle as it is read from a file."""
    books = PostgresBooks(stored.database, stored.catalog)
    invoices = Invoices(
        books,
        stored.log,
        stored.catalog,
        PostgresCycleRecords(stored.database),
        LoggedStripeStream(stored.log, stored.made.clock),
    )
    bundles = InvoiceBundles(PostgresChain(stored.database), books, invoices)
    view, (own, catalog), lines = bundles.open(cycle)
    first = {
        "format": FORMAT,
        "invoice": invoice_shown(view),
        "chain": ChainSchema().dump(shown(own, catalog)),
    }
    found: Bundle = json.loads(json.dumps([first, *lines]))
    return found


def checked(bundle: Bundle, *heads: Head) -> Checked:
    kept = {each.organization: [each] for each in heads}
    return offline().check(bundle[0], bundle[1:], kept)


@pytest.mark.parametrize(
    ("story", "cycle"),
    [
        pytest.param(much_happened, FIRST, id="issued, with late facts"),
        pytest.param(much_happened, SECOND, id="accruing"),
        pytest.param(february_is_issued, FIRST, id="issued, and billed late on the next"),
        pytest.param(february_is_issued, SECOND, id="with late amounts of the one before"),
    ],
)
def test_an_exported_invoice_holds_by_its_file_alone(
    stored: StoredWorld, story: Story, cycle: str
) -> None:
    story(stored)
    found = checked(exported(stored, cycle))
    assert found.wrong == []
    assert (found.cycle, found.lines > 3, found.events > found.withheld > 0) == (cycle, True, True)


def test_what_others_pay_and_what_happened_later_is_not_in_it(stored: StoredWorld) -> None:
    much_happened(stored)
    terms = {
        "currency": "usd",
        "kind": "metered",
        "meter": "cpu",
        "model": "per_unit",
        "unit_amount": "777",
    }
    details = Details(name="Globex", currency="usd")
    stored.made.registration.put("globex", details, actor="x", at=stored.made.now)
    stored.made.publishing.override_price("globex", "cpu", terms, actor="x", at=stored.made.now)
    bundle = exported(stored, FIRST)
    states = [each["state"] for each in bundle if "state" in each]
    assert not any('"777"' in each for each in states)
    topics = {each["topic"] for each in bundle if "topic" in each}
    assert {"PricePublished@1", "MeterDefined@1", "UsageRecorded@1"} < topics
    assert topics.isdisjoint({"PriceOverridden@1", "CallAttempted@1"})


def test_an_invoice_that_needs_nothing_of_the_catalog_holds_as_well(stored: StoredWorld) -> None:
    much_happened(stored)
    details = Details(name="Globex", currency="usd")
    stored.made.registration.put("globex", details, actor="x", at=stored.made.now)
    (cycle,) = PostgresBooks(stored.database, stored.catalog).cycle_names("globex")
    bundle = exported(stored, cycle)
    assert checked(bundle).wrong == []
    bundle[0]["chain"]["catalog"]["at"] = None
    assert any("chain.catalog.at" in each for each in checked(bundle).wrong)


def altered(bundle: Bundle, topic: str, old: str, new: str) -> None:
    (line, *_) = [each for each in bundle if each.get("topic") == topic and old in each["state"]]
    line["state"] = line["state"].replace(old, new)


def without(bundle: Bundle, topic: str) -> None:
    bundle.remove(next(each for each in bundle if each.get("topic") == topic))


def recounted(bundle: Bundle) -> None:
    """A line and all that is made from it, as a forger who knows how would do it."""
    line = bundle[0]["invoice"]["lines"][0]
    line["amount"] += 100
    bundle[0]["invoice"]["subtotal"] += 100


CHANGES: dict[str, Callable[[Bundle], object]] = {
    "an event": lambda it: altered(it, "OneOffItemAdded@1", "4900", "5900"),
    "usage": lambda it: altered(it, "UsageRecorded@1", '"6"', '"7"'),
    "an event is gone": lambda it: without(it, "OneOffItemAdded@1"),
    "an amount": recounted,
    "a line is gone": lambda it: it[0]["invoice"]["lines"].pop(),
    "the head": lambda it: it[0]["chain"].update(head="00" * 32),
    "a digest": lambda it: it[-1].update(version=99, digest="00" * 32),
}


def test_what_is_changed_in_the_file_is_found(stored: StoredWorld) -> None:
    much_happened(stored)
    bundle = exported(stored, FIRST)
    for what, change in CHANGES.items():
        other = deepcopy(bundle)
        change(other)
        assert checked(other).wrong != [], what


def fields_of(value: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Each place in some JSON where no object or filled list stands: path, holder, key."""
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in list(places):
        here = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}".lstrip(".")
        if isinstance(each, dict | list) and each:
            yield from fields_of(each, here)
        else:
            yield here, value, key


def another(value: Any) -> Any:
    """A value of the same kind, and another one."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str() if value[4:5] == "-" and value.endswith("Z"):
            return f"{int(value[:4]) + 1}{value[4:]}"
        case str() if len(value) == 64:
            return "00" * 32
        case str():
            return value + "0"
        case None:
            return "2026-01-01T00:00:00Z"
    return [{"line": "another"}]


@pytest.mark.parametrize(
    ("story", "cycle"),
    [
        pytest.param(much_happened, FIRST, id="issued"),
        pytest.param(much_happened, SECOND, id="accruing"),
        pytest.param(february_is_issued, SECOND, id="with late amounts"),
    ],
)
def test_every_field_of_the_first_line_is_compared(
    stored: StoredWorld, story: Story, cycle: str
) -> None:
    story(stored)
    bundle = exported(stored, cycle)
    missed = []
    for path, holder, key in fields_of(bundle[0], ""):
        was = holder[key]
        holder[key] = another(was)
        if not any(path in each for each in told(bundle)):
            missed.append(path)
        holder[key] = was
    assert (missed, checked(bundle).wrong) == ([], [])


def told(bundle: Bundle) -> list[str]:
    """What is wrong with a bundle, or why it is refused."""
    try:
        return checked(bundle).wrong
    except (ValueError, KeyError, TypeError, LookupError) as error:
        return [str(error)]


def test_what_stripe_asks_for_cannot_be_held_back(stored: StoredWorld) -> None:
    much_happened(stored)
    bundle = exported(stored, FIRST)
    (line,) = [each for each in bundle if each.get("topic") == "StripeInvoiceFinalized@1"]
    _, link, _ = read_line(line)
    bundle[bundle.index(line)] = line_of("acme", link, None)
    (wrong,) = checked(bundle).wrong
    assert "the finalization of" in wrong


def test_a_whole_forgery_is_found_by_a_head_that_was_kept(stored: StoredWorld) -> None:
    """A bundle that holds by itself, of books that were made anew with another price."""
    much_happened(stored)
    kept = PostgresChain(stored.database)
    while kept.step():
        pass
    own = kept.head("acme")
    bundle = exported(stored, FIRST)
    assert checked(bundle, own, kept.head(COMMON)).wrong == []
    stored.rewrite("CreditGranted", lambda it: it.update(reason="another"))
    stored.change("TRUNCATE chain_link, chain_head, chain_checkpoint, chain_stream")
    stored.damage("DELETE FROM projection_tracking WHERE application_name = 'chain'")
    forged = exported(stored, FIRST)
    assert checked(forged).wrong == []
    assert checked(forged, own).wrong != []


def test_a_file_that_is_no_bundle_is_refused() -> None:
    with pytest.raises(ValueError, match="no exported invoice"):
        checked([{}])
