"""Plays two realistic months of a cloud platform into an empty store, over HTTP.

Everything of the previous cycles is recorded before any of them is closed; so this has to run
before the scheduler does. Every command counts once: a demo that was interrupted goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from typing import Any

from api.demo import aftermath, customers, notes, offer
from api.demo.by_hand import CORRECTED, CREDITS, DISCOUNT, HELD, ITEMS, UNPAID
from api.demo.calendar import TwoCycles, two_cycles
from api.demo.cast import CAST, STARRING, Customer
from api.demo.client import Client, base_url
from api.demo.notes import Notes
from api.demo.troubles import troubles
from api.demo.usage import Record, month
from api.instants import format_instant, parse_instant
from api.wiring import Wired, clock
from application.keys import hashed
from domain.errors import RuleViolation

Say = Callable[[str], None]

BATCH = 1_000
TOLD_EVERY = 10
LAST_RECORDS = 50
"""So many of one organization's records come after the first sync: there is more to sync."""

ACTOR = "demo"
ANY_KEY = "sk_test_demo"
"""The sandbox takes any that looks like Stripe's."""
ROLES = ("admin", "support", "ingest")


def play(wired: Wired, say: Say) -> None:
    """Play the demo, or leave a store alone that has data of its own.

    Raises:
        RuleViolation: real money would move.
    """
    if wired.settings.live:
        raise RuleViolation("the demo is not played with a live Stripe key", code="live_key")
    known = notes.read(wired.settings)
    ours = known is not None and _in_force(wired, known)
    empty = not wired.registration.search(limit=1).data
    if not empty and not (known and ours and not known.finished):
        say("the store has data already; it is left as it is")
        if not (known and ours):
            notes.write(wired.settings, _new_notes(wired, finished=True))
        return
    story = known if known and ours and not empty else _new_notes(wired)
    notes.write(wired.settings, story)
    _play(wired, story, say)
    story.finished = True
    notes.write(wired.settings, story)


def _new_notes(wired: Wired, *, finished: bool = False) -> Notes:
    keys = {role: wired.keys.create(role, name="demo", actor="demo") for role in ROLES}
    return Notes(keys=keys, played_at=format_instant(clock()), finished=finished)


def _in_force(wired: Wired, story: Notes) -> bool:
    return all(wired.keys.find(hashed(secret)) for secret in story.keys.values())


def _play(wired: Wired, story: Notes, say: Say) -> None:
    now, base = parse_instant(story.played_at), base_url(wired.settings)
    stories = [(customer, two_cycles(customer, now)) for customer in CAST]
    records, last = _split(month(stories), starring(now))
    with Client(base, story.keys["admin"]) as admin:
        _set_up(admin, stories, say)
    with Client(base, story.keys["ingest"]) as ingest:
        _send(ingest, records, say)
        _send(ingest, troubles(records, now), say)
        _close(wired, stories, say)
        _afterwards(wired, story, records, say)
        _sync(wired, stories, say)
        _send(ingest, last, say)
    _pay(wired, stories, say)
    _hear(wired)
    _speak(wired, story, say)


def _split(records: Sequence[Record], star: TwoCycles) -> tuple[list[Record], list[Record]]:
    """All records but the last ones of the starring organization's current cycle, and those."""
    last = [
        each
        for each in records
        if each["organization"] == star.organization
        and parse_instant(each["occurred_at"]) >= star.current.start
    ][-LAST_RECORDS:]
    held_back = {each["id"] for each in last}
    return [each for each in records if each["id"] not in held_back], last


def _set_up(admin: Client, stories: Sequence[tuple[Customer, TwoCycles]], say: Say) -> None:
    _publish(admin)
    say(f"{len(offer.METERS)} meters and {len(list(offer.price_bodies()))} prices published")
    for customer, cycles in stories:
        _register(admin, customer, cycles)
    _by_hand(admin, {customer.id: cycles for customer, cycles in stories})
    say(f"{len(stories)} organizations registered, with services, items and credits")


def _publish(admin: Client) -> None:
    for meter, definition in offer.METERS.items():
        admin("PUT", f"/v1/meters/{meter}", definition)
    for price in offer.price_bodies():
        admin("POST", "/v1/prices", price)
    for service, definition in offer.service_bodies():
        admin("PUT", f"/v1/services/{service}", definition)


def _register(admin: Client, customer: Customer, cycles: TwoCycles) -> None:
    path = f"/v1/organizations/{customer.id}"
    members = [
        {"user": user, "email": f"{user}@{customer.id}.example", "role": role}
        for user, role in zip(customer.members, ("owner", "billing", "member"), strict=False)
    ]
    details = {
        "name": customer.name,
        "currency": customer.currency,
        "time_zone": customer.zone,
        "anchor_day": customer.anchor_day,
        "members": members,
        "policies": dict(customer.policies),
        "starts_at": format_instant(cycles.previous.start),
    }
    admin("PUT", path, details)
    for method, where, body in sorted(_changes(customer, cycles), key=lambda each: each[2]["at"]):
        admin(method, f"{path}/attachments{where}", body)


def _changes(customer: Customer, cycles: TwoCycles) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Everything that happens to a customer's attachments: method, path and body."""
    for each in customer.attached:
        body = {
            "attachment": each.id,
            "service": offer.named(each.service, customer.currency),
            "quantity": each.quantity,
            "at": format_instant(cycles.at(each.since)),
        }
        if each.trial_until:
            body["trial_until"] = format_instant(cycles.at(each.trial_until))
        yield "POST", "", body
        for when, service in each.swaps:
            at = format_instant(cycles.at(when))
            service = offer.named(service, customer.currency)
            yield "POST", f"/{each.id}/swap", {"service": service, "at": at}
        for when, quantity in each.changes:
            changed = {"quantity": quantity, "at": format_instant(cycles.at(when))}
            yield "PATCH", f"/{each.id}", changed
        if each.until:
            yield "POST", f"/{each.id}/detach", {"at": format_instant(cycles.at(each.until))}


def _by_hand(admin: Client, cycles: dict[str, TwoCycles]) -> None:
    for organization, when, item in ITEMS:
        body = {**item, "at": format_instant(cycles[organization].at(when))}
        admin("POST", f"/v1/organizations/{organization}/items", body)
    for organization, credit in CREDITS:
        admin("POST", f"/v1/organizations/{organization}/credits", credit)
    organization, when, discount = DISCOUNT
    body = {**discount, "at": format_instant(cycles[organization].at(when))}
    admin("POST", f"/v1/organizations/{organization}/discounts", body)
    organization, hold = HELD
    admin("POST", f"/v1/invoices/{cycles[organization].previous_name}/hold", hold)


def _send(ingest: Client, records: Sequence[Record], say: Say) -> None:
    counts: Counter[str] = Counter()
    for number, batch in enumerate(_batches(records), start=1):
        answer = ingest("POST", "/v1/usage", batch)
        for outcome in ("accepted", "duplicates", "conflicts", "quarantined"):
            counts[outcome] += answer[outcome]
        if number % TOLD_EVERY == 0:
            say(f"{number * BATCH:,} usage records sent")
    say(", ".join(f"{count:,} {outcome.rstrip('s')}" for outcome, count in counts.items() if count))


def _batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _close(wired: Wired, stories: Sequence[tuple[Customer, TwoCycles]], say: Say) -> None:
    issued: list[str] = []
    for customer, _ in stories:
        done = wired.closing.advance(customer.id, clock(), ACTOR)
        issued += done.issued
        for waiting in done.waiting:
            say(f"{waiting.cycle} waits: {waiting.reason}")
    say(f"{len(issued)} invoices of the previous cycles issued")


def _afterwards(wired: Wired, story: Notes, records: Sequence[Record], say: Say) -> None:
    """What comes late, is corrected and given back once the previous invoices are issued."""
    now, base = parse_instant(story.played_at), base_url(wired.settings)
    cycles = {customer.id: two_cycles(customer, now) for customer in CAST}
    with Client(base, story.keys["ingest"]) as ingest:
        answer = ingest("POST", "/v1/usage", [aftermath.late_record(cycles[STARRING])])
        say(f"{answer['late']} usage record came late, of {STARRING}")
    with Client(base, story.keys["support"]) as support:
        aftermath.correct(support, aftermath.wrong_record(records, cycles[CORRECTED]), say)
        aftermath.give_back(support, cycles, say)


def _sync(wired: Wired, stories: Sequence[tuple[Customer, TwoCycles]], say: Say) -> None:
    names = [
        name
        for customer, _ in stories
        for name in wired.books.cycle_names(customer.id, unissued=True)
    ]
    writes = sum(wired.conflicts.sync(name, ACTOR).writes for name in names)
    say(f"{len(names)} drafts in step with Stripe after {writes} write calls")


def _pay(wired: Wired, stories: Sequence[tuple[Customer, TwoCycles]], say: Say) -> None:
    """Customers pay, if they did not before; only the sandbox lets us do that for them."""
    if not wired.settings.sandbox:
        return
    paid = 0
    with Client(wired.settings.stripe_api_base or "", ANY_KEY) as sandbox:
        for customer, cycles in stories:
            view = wired.invoices.get(cycles.previous_name)
            if view.status == "issued" and view.stripe.invoice and customer.id not in UNPAID:
                paid += _paid(sandbox, view.stripe.invoice)
    say(f"{paid} invoices paid")


def _paid(sandbox: Client, invoice: str) -> int:
    known: dict[str, Any] = sandbox("GET", f"/v1/invoices/{invoice}")
    if known["status"] == "open":
        known = sandbox("POST", f"/_sandbox/invoices/{invoice}/pay", {})
    return int(known["status"] == "paid")


def _hear(wired: Wired) -> None:
    """Note what Stripe tells of payments, as a worker would: the first audit finds it noted."""
    wired.catching_up.run(clock())
    while wired.inbox.work(clock()):
        pass


def _speak(wired: Wired, story: Notes, say: Say) -> None:
    """What customers say about the invoices they got, each with a key of its own."""
    now, base = parse_instant(story.played_at), base_url(wired.settings)
    with ExitStack() as open_clients, Client(base, story.keys["support"]) as support:

        def side(organization: str) -> Client:
            secret = wired.keys.create("organization", organization, "demo customer", actor=ACTOR)
            return open_clients.enter_context(Client(base, secret))

        cycles = {customer.id: two_cycles(customer, now) for customer in CAST}
        customers.speak(side, support, cycles, say)


def starring(played_at: datetime) -> TwoCycles:
    """The cycles of the organization that the hints look at."""
    customer = next(each for each in CAST if each.id == STARRING)
    return two_cycles(customer, played_at)
