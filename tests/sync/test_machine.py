"""Whatever customers, people in the Dashboard, webhooks, the clock and Stripe do, it converges."""

import os
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adapters.postgres.database import Database
from adapters.postgres.event_log import CyclebookEvents
from tests.databases import clean
from tests.sync.account import Account
from tests.sync.crew import POLICIES, Crew, some
from tests.sync.distant import stored_ports
from tests.world import World

DEEP = int(os.environ.get("DEEP_EXAMPLES", "0"))
pytestmark = pytest.mark.timeout(10_000 if DEEP else 300)

WHO = st.integers(0, len(POLICIES) - 1)
FEW = st.integers(0, 3)
ANY = st.integers(0, 30)
BACK = st.sampled_from([0, 1, 13, 200, 720])
"""How many hours ago something happened."""

FAULTS = [
    "rate_limit",
    "lock_timeout",
    "key_in_use",
    "unauthorized",
    "error_before",
    "error_kept",
    "error_after",
    "partial",
    "dropped",
    "lost_response",
    "cut",
    "bad_json",
    "wrong_object",
]
TROUBLE = st.one_of(st.none(), st.sampled_from(FAULTS))


class Syncing(RuleBasedStateMachine):
    """Three organizations; what needs a person is decided when everything is put right."""

    def __init__(self) -> None:
        super().__init__()
        self.crew = Crew(self.new_world())

    def new_world(self) -> World:
        return World()

    def account(self, who: int) -> Account:
        return self.crew.accounts[who]

    # Customers

    @rule(who=WHO, value=st.integers(1, 900), back=BACK)
    def usage_is_reported(self, who: int, value: int, back: int) -> None:
        self.crew.use(self.account(who), value, self.crew.ago(back))

    @rule(who=WHO, number=FEW, back=BACK, count=st.integers(1, 9))
    def something_is_attached(self, who: int, number: int, back: int, count: int) -> None:
        account, at = self.account(who), self.crew.ago(back)
        self.crew.perhaps(lambda: account.attach(f"s{number}", "seat", at, count))

    @rule(who=WHO, number=FEW, back=BACK)
    def something_is_detached(self, who: int, number: int, back: int) -> None:
        account, at = self.account(who), self.crew.ago(back)
        self.crew.perhaps(lambda: account.detach(f"s{number}", at))

    @rule(who=WHO, service=st.sampled_from(["machine", "engine"]), back=BACK)
    def something_is_swapped(self, who: int, service: str, back: int) -> None:
        account, at = self.account(who), self.crew.ago(back)
        self.crew.perhaps(lambda: account.swap("a0", service, at))

    @rule(who=WHO, number=st.integers(0, 12), amount=st.integers(1, 9000))
    def an_item_is_added(self, who: int, number: int, amount: int) -> None:
        account = self.account(who)
        self.crew.perhaps(lambda: account.item(f"i{number}", amount))

    @rule(who=WHO, number=FEW, amount=st.integers(1, 9000))
    def a_credit_is_granted(self, who: int, number: int, amount: int) -> None:
        account = self.account(who)
        self.crew.perhaps(lambda: account.credit(f"k{number}", amount))

    # A person in the Dashboard

    @precondition(lambda self: self.crew.lines())
    @rule(pick=ANY, amount=st.integers(-500, 500))
    def someone_edits_a_line(self, pick: int, amount: int) -> None:
        self.crew.dashboard.edit_line(some(self.crew.lines(), pick)["id"], amount=amount)

    @precondition(lambda self: self.crew.lines())
    @rule(pick=ANY)
    def someone_removes_a_line(self, pick: int) -> None:
        self.crew.dashboard.remove_line(some(self.crew.lines(), pick)["id"])

    @precondition(lambda self: self.crew.drafts())
    @rule(pick=ANY, amount=st.integers(-100, 300))
    def someone_adds_a_line(self, pick: int, amount: int) -> None:
        self.crew.dashboard.add_line(some(self.crew.drafts(), pick)["id"], amount, "goodwill")

    @precondition(lambda self: self.crew.drafts())
    @rule(pick=ANY, action=st.sampled_from(["delete", "finalize"]))
    def someone_ends_a_draft(self, pick: int, action: str) -> None:
        draft = some(self.crew.drafts(), pick)
        if action == "delete" or draft["total"] > 0:
            self.crew.dashboard.act(draft["id"], action)

    @precondition(lambda self: self.crew.open_invoices())
    @rule(pick=ANY)
    def someone_voids_an_invoice(self, pick: int) -> None:
        self.crew.dashboard.act(some(self.crew.open_invoices(), pick)["id"], "void")

    # Webhooks: some come, in any order, some more than once, some never

    @precondition(lambda self: self.crew.events())
    @rule(picks=st.lists(st.integers(0, 200), max_size=8), fault=TROUBLE, skip=FEW)
    def post_comes(self, picks: list[int], fault: str | None, skip: int) -> None:
        for pick in picks:
            self.crew.deliver(some(self.crew.events(), pick))
        with self.crew.trouble(fault, skip):
            self.crew.read_post()

    # The clock, and workers

    @rule(hours=st.sampled_from([1, 13, 25, 200, 720]))
    def time_goes_by(self, hours: int) -> None:
        self.crew.world.later(hours=hours)

    @rule(who=WHO, pick=FEW, fault=TROUBLE, skip=FEW)
    def a_worker_syncs(self, who: int, pick: int, fault: str | None, skip: int) -> None:
        names = self.crew.names(self.account(who))
        with self.crew.trouble(fault, skip):
            self.crew.sync(names[-1 - pick % len(names)])

    @rule(who=WHO, fault=TROUBLE, skip=FEW)
    def the_clock_does_what_is_due(self, who: int, fault: str | None, skip: int) -> None:
        with self.crew.trouble(fault, skip):
            self.crew.advance(self.account(who))

    # What must hold

    @rule(who=WHO)
    def without_trouble_everything_converges(self, who: int) -> None:
        account = self.account(who)
        self.crew.put_right(account)
        self.crew.must_be_in_step(account)
        self.crew.must_bill_usage_once(account)
        self.crew.must_come_to_the_same(account)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        self.crew.must_be_once()

    def teardown(self) -> None:
        for who in range(len(POLICIES)):
            self.without_trouble_everything_converges(who)


def _settings(examples: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        **more,
    )


def test_the_same_on_postgresql(database_url: str) -> None:
    with ExitStack() as stack:
        database = Database(database_url)
        stack.callback(database.close)

        class Stored(Syncing):
            def new_world(self) -> World:
                clean(database_url)
                events = CyclebookEvents(database_url)
                stack.callback(events.close)
                ports = stored_ports(database, events, lambda: made.now)
                made = World(ports=ports)
                return made

        run_state_machine_as_test(Stored, settings=_settings(max(DEEP // 1000, 4)))


TestSyncing = Syncing.TestCase
TestSyncing.settings = _settings(max(DEEP // 50, 40))
