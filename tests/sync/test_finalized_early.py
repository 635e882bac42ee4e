"""Somebody finalizes a draft in the Dashboard while its month still runs."""

import pytest

from application.handling import Handling
from application.inbox import Message
from domain.errors import EditedAtStripe, RuleViolation, UnsafeChangeSet
from tests.january import day
from tests.sync.account import Account, publish
from tests.world import World


def finalized_early() -> Account:
    """January of acme, finalized in the Dashboard on the ninth."""
    world = World()
    publish(world)
    account = Account(world, "acme", seed=3)
    account.begin()
    account.sync()
    world.travel(day(9))
    world.sandbox.dashboard.act(account.invoices()[0].id, "finalize")
    return account


def hear(account: Account) -> None:
    """A webhook tells of it."""
    world = account.world
    handle = Handling(
        world.books, world.gateway, world.stripe, world.resynced.append, world.renewals.claim
    )
    message = Message(
        id="evt_1", type="invoice.finalized", object_id=account.invoices()[0].id, cycle=None
    )
    try:
        handle(message, world.now)
    except RuleViolation as early:
        assert early.code == "not_issued"


def test_every_sync_says_so_also_once_it_is_on_record() -> None:
    account = finalized_early()
    hear(account)
    for _ in range(2):
        result = account.world.conflicts.sync(account.cycle, "sync")
        assert [(each.kind, each.theirs) for each in result.discrepancies] == [("status", "open")]
        assert result.proof is None
    assert account.world.reconciler.audit(account.cycle) == result.discrepancies


def test_it_is_the_invoice_if_the_books_come_to_the_same_in_the_end() -> None:
    account = finalized_early()
    account.end()
    account.advance()
    assert [each.status for each in account.invoices()] == ["open"]
    assert account.world.invoices.get(account.cycle).status == "issued"
    account.must_agree()


def test_it_keeps_the_month_from_being_issued_if_the_books_go_on() -> None:
    account = finalized_early()
    account.item("i9", 500)
    with pytest.raises(UnsafeChangeSet, match="is open, no longer a draft"):
        account.sync()
    account.end()
    (waiting,) = account.world.advance(account.name).waiting
    assert waiting.code == "cycle_held"


def test_taken_back_at_stripe_and_overwritten_it_becomes_a_draft_again() -> None:
    account = finalized_early()
    account.item("i9", 500)
    account.world.sandbox.dashboard.act(account.invoices()[0].id, "void")
    with pytest.raises(EditedAtStripe):
        account.sync()
    account.world.conflicts.decide(account.cycle, "overwrite", "too early", actor="sue")
    account.sync()
    account.end()
    account.advance()
    assert [each.status for each in account.invoices()] == ["open", "void"]
    account.must_agree()
