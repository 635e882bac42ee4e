"""Scenes: each kind of write to Stripe, with what led to it and what has to be there afterwards."""

from datetime import timedelta
from typing import Any

from application.gateway import CreditNote
from tests.january import FEBRUARY, day
from tests.sync.account import Account
from tests.sync.scene import Scene
from tests.world import ACTOR


def _sync(account: Account, about: str) -> None:
    account.sync()


def _advance(account: Account, about: str) -> None:
    account.advance()


def _agrees(account: Account) -> None:
    account.must_agree()
    assert account.sync() == 0


# What led to it


def _unknown(account: Account) -> str:
    return ""


def _linked(account: Account) -> str:
    account.link(account.customer())
    return ""


def _synced(account: Account) -> str:
    _linked(account)
    account.sync()
    account.world.travel(day(9))
    return ""


def _counts_more(account: Account) -> str:
    _synced(account)
    account.count("s0", 7, account.world.now)
    return ""


def _moved(account: Account) -> str:
    """Lines change, go and come."""
    _synced(account)
    account.detach("s0", day(1))
    account.use("40")
    account.attach("late", "seat", account.world.now)
    return ""


def _collected_otherwise(account: Account) -> str:
    _synced(account)
    account.put(collection="send_invoice", days_until_due=14)
    return ""


def _edited(account: Account) -> str:
    """A person in the Dashboard changes a line and adds one."""
    _synced(account)
    invoices = account.world.client.v1.invoices
    (held,) = account.invoices()
    first = invoices.line_items.list(held.id).data[0]
    invoices.update_lines(held.id, {"lines": [{"id": first.id, "amount": 4_321}]})
    invoices.add_lines(held.id, {"lines": [{"amount": 250, "description": "Extra"}]})
    return ""


def _moved_away(account: Account) -> str:
    """The organization is another customer at Stripe."""
    _synced(account)
    customers = account.world.client.v1.customers
    former, other = account.customers()[0], account.customer()
    customers.update(former, {"metadata": {"organization": "", "former": account.name}})
    account.link(other)
    return former


def _over(account: Account) -> str:
    _synced(account)
    account.end()
    return ""


def _comes_to_nothing(account: Account) -> str:
    """A draft is there, and everything on it is given away."""
    _synced(account)
    account.world.travel(FEBRUARY + timedelta(hours=1))
    account.advance()
    for line in account.world.invoices.get(account.cycle).invoice.lines:
        if line.kind not in ("credit", "discount"):
            waive = account.world.adjusting.waive
            waive(account.cycle, line.key, "a gift", at=account.world.now, actor=ACTOR)
    account.end()
    return ""


def _issued(account: Account) -> str:
    _over(account)
    account.advance()
    return ""


def _renewed(account: Account) -> str:
    """A Stripe subscription makes a draft at the end of the month; its id."""
    _linked(account)
    client, (customer,) = account.world.client.v1, account.customers()
    price: Any = {
        "currency": "usd",
        "product": client.products.create({"name": "Plan"}).id,
        "recurring": {"interval": "month"},
        "unit_amount": 2_000,
    }
    client.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price_data": price}],
            "billing_cycle_anchor": int(FEBRUARY.timestamp()),
            "proration_behavior": "none",
        }
    )
    account.world.travel(FEBRUARY + timedelta(minutes=1))
    return str(client.invoices.list({"customer": customer}).data[0].id)


# The work


def _claim(account: Account, draft: str) -> None:
    account.world.renewals.claim(draft)
    account.sync()


def _void(account: Account, about: str) -> None:
    """A person asks until it is done; the clock does the rest."""
    asked = account.world.books.snapshot(account.name, account.cycle).asked
    if asked and asked.cycle.revision == 1:
        account.world.voiding.void(account.cycle, "reissue", "wrong address", actor=ACTOR)
    account.advance()


def _give_up(account: Account, about: str) -> None:
    account.world.voiding.mark_uncollectible(account.cycle, "they moved away", actor=ACTOR)


def _credit(account: Account, about: str) -> None:
    note = CreditNote(id="n1", lines={"item/i0": 1}, reason="a bad week", reduce_due=1)
    account.world.crediting.issue(account.cycle, note, actor=ACTOR)


# What has to be there


def _is_issued(account: Account) -> None:
    account.must_agree()
    (held,) = [each for each in account.invoices() if each.cycle == account.cycle]
    assert held.status == "open"
    assert account.world.invoices.get(account.cycle).status == "issued"


def _is_reissued(account: Account) -> None:
    account.must_agree()
    found = [each for each in account.invoices() if each.cycle == account.cycle]
    assert [(each.revision, each.status) for each in found] == [(2, "open"), (1, "void")]


def _is_given_up(account: Account) -> None:
    account.must_agree()
    (held,) = account.invoices()
    assert held.status == account.world.invoices.get(account.cycle).status == "uncollectible"


def _is_credited(account: Account) -> None:
    account.must_agree()
    (note,) = account.notes()
    assert (note["total"], note["metadata"]["note_id"]) == (1, "n1")
    asked = account.world.books.snapshot(account.name, account.cycle).asked
    assert asked and list(asked.cycle.notes) == ["n1"]


def _is_gone(account: Account) -> None:
    assert account.invoices() == []
    assert account.world.invoices.get(account.cycle).status in ("issued", "paid")
    assert account.world.reconciler.audit(account.cycle) == ()


def _is_claimed(account: Account) -> None:
    _agrees(account)
    (held,) = account.invoices()
    assert sum(amount for key, amount in held.lines if key.startswith("stripe/")) == 2_000


def _is_taken_over(account: Account) -> None:
    _agrees(account)
    lines = dict(account.invoices()[0].lines)
    assert sum(amount for key, amount in lines.items() if key.startswith("stripe/")) == 250
    assert sum(key.startswith("edited/") for key in lines) == 1


def _is_ours_again(account: Account) -> None:
    _agrees(account)
    assert not any(key.startswith("stripe/") for key, _ in account.invoices()[0].lines)


def _is_with_the_new_customer(account: Account) -> None:
    _agrees(account)
    every = account.listed("/v1/customers", email=account.email)
    (former,) = [each for each in every if each["metadata"].get("former") == account.name]
    assert not list(account.listed("/v1/invoices", customer=former["id"]))


def _is_sent(account: Account) -> None:
    _agrees(account)
    invoice = account.world.client.v1.invoices.retrieve(account.invoices()[0].id)
    assert invoice.collection_method == "send_invoice"


TAXED = {"automatic_tax": True}
RENEWED = {"cycle_driver": "stripe_subscription", "grace_s": 3_600}

SCENES = {
    "a first draft and its customer": Scene(
        given=_unknown, work=_sync, then=_agrees, write=("POST", "/v1/customers")
    ),
    "a first draft": Scene(given=_linked, work=_sync, then=_agrees, write=("POST", "/v1/invoices")),
    "lines added": Scene(given=_linked, work=_sync, then=_agrees, write=("POST", "/add_lines")),
    "lines updated": Scene(
        given=_counts_more, work=_sync, then=_agrees, write=("POST", "/update_lines")
    ),
    "lines removed": Scene(given=_moved, work=_sync, then=_agrees, write=("POST", "/remove_lines")),
    "other terms": Scene(given=_collected_otherwise, work=_sync, then=_is_sent, write=("POST", "")),
    "products to be taxed": Scene(
        given=_linked, work=_sync, then=_agrees, write=("POST", "/v1/products"), policies=TAXED
    ),
    "edits overwritten": Scene(
        given=_edited,
        work=_sync,
        then=_is_ours_again,
        write=("POST", "/update_lines"),
        policies={"stripe_edits": "overwrite"},
    ),
    "edits adopted": Scene(
        given=_edited,
        work=_sync,
        then=_is_taken_over,
        write=("POST", "/add_lines"),
        policies={"stripe_edits": "adopt"},
    ),
    "another customer": Scene(
        given=_moved_away, work=_sync, then=_is_with_the_new_customer, write=("DELETE", "")
    ),
    "a renewal claimed": Scene(
        given=_renewed, work=_claim, then=_is_claimed, write=("POST", ""), policies=RENEWED
    ),
    "finalized": Scene(given=_over, work=_advance, then=_is_issued, write=("POST", "/finalize")),
    "nothing left to bill": Scene(
        given=_comes_to_nothing, work=_advance, then=_is_gone, write=("DELETE", "")
    ),
    "voided and issued anew": Scene(
        given=_issued, work=_void, then=_is_reissued, write=("POST", "/void")
    ),
    "given up": Scene(
        given=_issued, work=_give_up, then=_is_given_up, write=("POST", "/mark_uncollectible")
    ),
    "credited": Scene(
        given=_issued, work=_credit, then=_is_credited, write=("POST", "/v1/credit_notes")
    ),
}
