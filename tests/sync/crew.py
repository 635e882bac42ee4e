"""Everybody around the drafts: customers, a person in the Dashboard, webhooks, workers, support."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from adapters.stripe.webhooks import event_of
from application.closing import Advance
from application.handling import Handling
from application.inbox import Inbox, Message
from application.sync import SyncResult
from domain.errors import (
    CyclebookError,
    EditedAtStripe,
    InvalidInput,
    NotFound,
    RuleViolation,
    UnsafeChangeSet,
)
from tests.application.test_inbox import Box
from tests.january import JANUARY, day
from tests.sync.account import Account, Held, once_only, strangers
from tests.world import ACTOR, World

POLICIES = {"hal": "hold", "ove": "overwrite", "ada": "adopt"}
REFUSED = (RuleViolation, NotFound, InvalidInput)
WAITS = {"cycle_held", "carried_amount_open", "edited_at_stripe", "unsafe_change_set"}
"""Why a cycle may wait for a person, where Stripe has no trouble."""

ROUNDS_MAX = 12


def catalog(world: World) -> None:
    """Every unit of usage costs one minor unit, whatever service it is for."""
    world.meter("cpu")
    world.price("base", model="flat", amount="3100")
    world.price("seat", model="per_unit", unit_amount="900")
    world.price("cpu", meter="cpu", model="per_unit", unit_amount="1")
    world.service("machine", "base", "cpu")
    world.service("engine", "seat", "cpu")
    world.service("seat", "seat")


class Crew:
    """Three organizations, one for each way to treat edits; all they do, and all that is done."""

    def __init__(self, world: World) -> None:
        self.world = world
        catalog(world)
        strangers(world)
        self.accounts = [Account(world, name) for name in POLICIES]
        for account in self.accounts:
            account.put(stripe_edits=POLICIES[account.name], late_limit_cycles=36)
            account.attach("a0", "machine", JANUARY)
        self.used = dict.fromkeys(POLICIES, 0)
        self.resynced: list[str] = []
        self.inbox = Inbox(Box(), self._handling())
        self.said = 0
        world.travel(day(2))

    def _handling(self) -> Handling:
        world = self.world
        claim = world.renewals.claim
        return Handling(world.books, world.gateway, world.stripe, self.resynced.append, claim)

    @property
    def dashboard(self) -> Any:
        return self.world.sandbox.dashboard

    @property
    def ledger(self) -> Any:
        return self.world.sandbox.world.ledger

    # Customers

    def use(self, account: Account, value: int, at: datetime) -> None:
        """Report usage; it counts unless it waits in the quarantine for its cycle to open."""
        if not account.use(str(value), at=at).refusals:
            self.used[account.name] += value

    def ago(self, hours: int) -> datetime:
        return max(self.world.now - timedelta(hours=hours), JANUARY)

    def perhaps(self, change: Callable[[], object]) -> None:
        """Do something that may be refused, and then changes nothing."""
        before = len(self.world.store.events)
        try:
            change()
        except REFUSED:
            assert len(self.world.store.events) == before

    # A person in the Dashboard

    def drafts(self) -> list[dict[str, Any]]:
        return self._invoices("draft")

    def open_invoices(self) -> list[dict[str, Any]]:
        return self._invoices("open")

    def _invoices(self, status: str) -> list[dict[str, Any]]:
        every = self.ledger.every("invoice")
        return [each for each in every if each["metadata"] and each["status"] == status]

    def lines(self) -> list[dict[str, Any]]:
        """Every line on a draft."""
        drafts = {each["id"] for each in self.drafts()}
        return [each for each in self.ledger.every("line") if each["invoice"] in drafts]

    # Webhooks

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ledger.every("event")
        return found

    def deliver(self, event: Mapping[str, Any]) -> None:
        self.inbox.accept(event_of(event).message, b"{}")

    def read_post(self) -> None:
        """Handle what came in; what fails is tried again later."""
        self.inbox.work(self.world.now)

    def catch_up(self) -> None:
        """Look at every invoice as if something had been said of it."""
        for invoice in self.ledger.every("invoice"):
            self.said += 1
            identity, about = f"evt_caught{self.said}", invoice["id"]
            message = Message(id=identity, type="invoice.updated", object_id=about, cycle=None)
            self.inbox.accept(message, b"{}")
        for _ in range(3):
            self.read_post()
            self.world.later(hours=2)

    # Workers

    def sync(self, cycle: str) -> SyncResult | None:
        """One try; what it cannot do now is left for later."""
        try:
            return self.world.conflicts.sync(cycle, "sync")
        except CyclebookError as error:
            assert str(error)
            return None

    def advance(self, account: Account) -> Advance:
        """Take its cycles as far as they go."""
        return self.world.advance(account.name)

    @contextmanager
    def trouble(self, fault: str | None, skip: int) -> Iterator[None]:
        """Stripe has a bad day, and then a good one."""
        if fault:
            self.world.sandbox.faults.add(fault, skip=skip, method="*")
        yield
        self.world.sandbox.faults.clear()

    # Support

    def names(self, account: Account) -> list[str]:
        return list(self.world.books.cycle_names(account.name))

    def put_right(self, account: Account) -> None:
        """Work goes on without trouble, and a person decides whatever waits for one."""
        self.catch_up()
        for _ in range(ROUNDS_MAX):
            waits = [self._one(account, cycle) for cycle in self.names(account)]
            done = self.advance(account)
            assert {each.code for each in done.waiting} <= WAITS, done.waiting
            if not (any(waits) or done.waiting or done.did_something):
                return
        raise AssertionError(f"{account.name} never comes to rest: {done}")

    def _one(self, account: Account, cycle: str) -> bool:
        """Bring a cycle on; whether there was something to decide."""
        known = self.world.books.snapshot(account.name, cycle).asked
        assert known is not None
        if known.cycle.is_void and not known.cycle.forgiven:
            self.world.voiding.void(cycle, "reissue", "voided in the Dashboard", actor=ACTOR)
            return True
        if known.cycle.issued is not None:
            return False
        try:
            result = self.world.conflicts.sync(cycle, "sync")
        except EditedAtStripe:
            self.world.conflicts.decide(cycle, "overwrite", "ours is right", actor="sue")
        except UnsafeChangeSet as refusal:
            if refusal.context["forceable"]:
                self.world.conflicts.sync(cycle, "sue", force=True)
            else:
                self._take_back(cycle)
        else:
            if not any(each.kind == "status" for each in result.discrepancies):
                return False
            self._take_back(cycle)
        return True

    def _take_back(self, cycle: str) -> None:
        """Void what somebody finalized before it was over."""
        live = [each for each in self.open_invoices() if each["metadata"]["cycle_id"] == cycle]
        for each in live:
            self.dashboard.act(each["id"], "void")

    # What must hold

    def held(self) -> list[Held]:
        return [each for account in self.accounts for each in account.invoices()]

    def must_be_in_step(self, account: Account) -> None:
        """Stripe equals the books, a second look writes nothing, and the audit finds nothing."""
        for cycle in self.names(account):
            account.must_agree(cycle)
            view = self.world.invoices.get(cycle)
            if view.status in ("accruing", "closing", "closed"):
                assert self.world.conflicts.sync(cycle, "sync").writes == 0
                assert not self.world.reconciler.plan(cycle)
                assert not self.world.reconciler.pending(cycle)

    def must_bill_usage_once(self, account: Account) -> None:
        """Over all invoices that stand, and what accrues, each unit of usage costs one."""
        billed = 0
        for cycle in self.names(account):
            view = self.world.invoices.get(cycle)
            assert view.status != "void"
            billed += sum(each.amount for each in view.invoice.lines if _is_usage(each.key))
        assert billed == self.used[account.name]

    def must_come_to_the_same(self, account: Account) -> None:
        """What stands finalized at Stripe is what the books issued."""
        stands = [each for each in account.invoices() if each.status not in ("draft", "void")]
        known = [
            self.world.books.snapshot(account.name, each).asked for each in self.names(account)
        ]
        issued = [each.cycle.issued.total for each in known if each and each.cycle.issued]
        assert sum(each.total for each in stands) == sum(issued)

    def must_be_once(self) -> None:
        once_only(self.held())


def _is_usage(key: str) -> bool:
    return key.startswith("usage/") or (key.startswith("late/") and "/usage/" in key)


def some(things: list[Any], pick: int) -> Any:
    return things[pick % len(things)]
