"""A month's end at a million organizations: what Stripe's limits leave, minute by minute.

What a sync costs is measured: the real reconciler makes, changes, looks at and issues an invoice in
the sandbox, and its calls are counted. The rest is arithmetic in virtual time: one queue for all
drafts, the one due longest first, as the real one has it; every draft changes all the time, has
nothing saved of its allowance of reads, and is due again an interval after its sync, or when that
lets it; the pace is the real one's, 1.02 s for each second's budget. Syncs leave the fifth of it
that is kept for the high lane while invoices are issued.

One scheduler issues as many invoices side by side as it has threads, each as fast as Stripe
answers. What is not simulated: failures, people, syncs ahead of a period's end, and what
PostgreSQL takes meanwhile.
"""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import timedelta

from adapters.stripe.gateway import StripeGateway, stripe_client
from application.pacer import LocalPace, Pacer
from application.pacing import KEPT_FOR_HIGH, SECOND, WINDOW
from benchmarks.machine import Machine, progress
from benchmarks.report import Finding, percentile
from benchmarks.syncing_world import Syncing
from domain.sync_allowance import SyncAllowance

ORGANIZATIONS_FULL, ORGANIZATIONS_TINY = 1_000_000, 100
ACCOUNT_PER_S, ENDPOINT_PER_S = 100, 25
DAY, HOUR = 1_440, 60
"""In minutes, as all instants here."""
GRACE = 12 * HOUR
INTERVAL = 15
ALLOWANCE = SyncAllowance.of(500)
EVERY, SAVING = (each // timedelta(minutes=1) for each in (ALLOWANCE.every, ALLOWANCE.saving))
ANSWER_US = 150_000
"""What a call to Stripe takes, live."""
BEFORE, AFTER = 2 * DAY, 14 * DAY
"""How long it is looked at before the first period ends, and after the last."""
NO_LIMIT = 1_000_000
IN_TURN = NO_LIMIT
"""Due already, and waiting for its turn."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Microseconds of the pace that each takes. issue_calls: calls that an issued invoice takes."""

    new: int
    changed: int
    issue: int
    issue_calls: int


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """anchors: on how many days of the month periods end. times: Stripe's limits, how often.

    side_by_side: invoices that are issued at once, as SYNC_THREADS says.
    """

    name: str
    anchors: int = 1
    times: int = 1
    side_by_side: int = 5


SCENARIOS = (
    Scenario(name="all end on the 1st"),
    Scenario(name="all end on the 1st, issued 16 at once", side_by_side=16),
    Scenario(name="ends spread over 28 days", anchors=28),
    Scenario(
        name="all end on the 1st, 4 × Stripe's limits, issued 64 at once", times=4, side_by_side=64
    ),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """In minutes. ages: of the drafts when a period ends. issued: after grace, of each invoice.

    drafted: from a period's end until the next one's draft is made. left: not issued in time.
    """

    ages: list[int]
    issued: list[int]
    drafted: list[int]
    left: int


class Month:
    """Organizations whose drafts take turns, and whose periods end."""

    def __init__(self, organizations: int, scenario: Scenario, costs: Costs) -> None:
        self._costs = costs
        self._scenario = scenario
        self._organizations = organizations
        self._waiting = deque(range(organizations))
        self._later: dict[int, list[int]] = defaultdict(list)
        self._due = [IN_TURN] * organizations
        self._proved = [-BEFORE] * organizations
        self._allowed = [-BEFORE] * organizations
        self._is_drafted = bytearray(b"\1" * organizations)
        self._to_issue: deque[tuple[int, int]] = deque()
        self._ages: list[int] = []
        self._issued: list[int] = []
        self._ended = [0] * organizations
        self._drafted: list[int] = []
        self._owed_us = 0

    def run(self) -> Outcome:
        """Two days before the first end, and as long after it as it takes."""
        for minute in range(-BEFORE, self._scenario.anchors * DAY + AFTER):
            self._end(minute)
            self._sync(minute, self._issue(minute))
            if len(self._issued) == len(self._drafted) == self._organizations:
                break
        return Outcome(
            ages=self._ages,
            issued=self._issued,
            drafted=self._drafted,
            left=self._organizations - len(self._issued),
        )

    @property
    def _minute_us(self) -> int:
        return 60 * SECOND * self._scenario.times * SECOND // WINDOW

    def _end(self, minute: int) -> None:
        """Periods that end now: their draft is as old as it is, and the next one has none."""
        day, rest = divmod(minute, DAY)
        if rest or not 0 <= day < self._scenario.anchors:
            return
        ending = range(day, self._organizations, self._scenario.anchors)
        self._ages += [minute - self._proved[each] for each in ending]
        for each in ending:
            self._is_drafted[each] = 0
            self._ended[each] = minute
            self._allowed[each] = minute - SAVING - EVERY
            if self._due[each] != IN_TURN:
                self._put(each, minute + INTERVAL)
        self._to_issue.extend((minute + GRACE, each) for each in ending)

    def _issue(self, minute: int) -> int:
        """As many as are due, as Stripe answers and the pace allows; what it took of the pace."""
        costs, spent = self._costs, 0
        takes = costs.issue_calls * ANSWER_US
        time_left = 60 * SECOND * self._scenario.side_by_side - self._owed_us
        while self._to_issue and self._to_issue[0][0] <= minute:
            if time_left <= 0 or spent + costs.issue > self._minute_us:
                break
            due, _ = self._to_issue.popleft()
            self._issued.append(minute - due)
            spent += costs.issue
            time_left -= takes
        self._owed_us = max(-time_left, 0)
        return spent

    def _sync(self, minute: int, spent: int) -> None:
        """Those due longest, with what is left."""
        for each in self._later.pop(minute, ()):
            if self._due[each] == minute:
                self._due[each] = IN_TURN
                self._waiting.append(each)
        kept = self._minute_us // KEPT_FOR_HIGH if spent else 0
        left = self._minute_us - max(spent, kept)
        while self._waiting and left > 0:
            each = self._waiting.popleft()
            if self._is_drafted[each]:
                left -= self._costs.changed
            else:
                left -= self._costs.new
                self._is_drafted[each] = 1
                self._drafted.append(minute - self._ended[each])
            self._proved[each] = minute
            self._put(each, self._due_again(each, minute))

    def _put(self, each: int, minute: int) -> None:
        self._due[each] = minute
        self._later[minute].append(each)

    def _due_again(self, each: int, minute: int) -> int:
        """As ``SyncAllowance.next_at`` has it, in whole minutes."""
        allowed = min(max(self._allowed[each], minute - SAVING), minute) + EVERY
        self._allowed[each] = allowed
        return max(minute + INTERVAL, allowed)


def run(machine: Machine) -> list[Finding]:
    """Four ways for a month to end."""
    small = machine.sizes.organizations < 1_000
    organizations = ORGANIZATIONS_TINY if small else ORGANIZATIONS_FULL
    costs = measured_costs()
    findings = []
    for scenario in SCENARIOS:
        progress(f"{organizations:,} organizations: {scenario.name}")
        findings += _findings(organizations, scenario, Month(organizations, scenario, costs).run())
    return findings


def measured_costs() -> Costs:
    """What the real reconciler's calls take of Stripe's limits."""
    new, issue = _calls(Syncing(1, 0, 0))
    changed, _ = _calls(Syncing(0, 1, 0))
    return Costs(
        new=_share(new), changed=_share(changed), issue=_share(issue), issue_calls=issue.total()
    )


def _calls(world: Syncing) -> tuple[Counter[str], Counter[str]]:
    """By endpoint: what one sync takes, and what issuing takes after it."""
    pacer = Pacer(
        LocalPace(NO_LIMIT, NO_LIMIT, lambda: world.time.now), world.time.sleep, world.time.new_turn
    )
    client = stripe_client("sk_test_x", http_client=world.paced(pacer))
    reconciler = world.reconciler(StripeGateway(client))
    reconciler.sync(world.cycles[0], "sync")
    synced = Counter(world.calls)
    reconciler.finalize(world.cycles[0], "sync")
    return synced, world.calls - synced


def _share(calls: Counter[str]) -> int:
    """Microseconds for which calls use up the account's limit, or that of an endpoint."""
    account, endpoint = calls.total() * SECOND, max(calls.values()) * SECOND
    return max(account // ACCOUNT_PER_S, endpoint // ENDPOINT_PER_S)


def _findings(organizations: int, scenario: Scenario, outcome: Outcome) -> list[Finding]:
    what = f"{organizations:,} organizations, {scenario.name}"
    left = f"; {outcome.left:,} not within {AFTER // DAY} days" if outcome.left else ""
    return [
        Finding(
            what=f"{what}: a draft's age, at most",
            measured=max(outcome.ages) / HOUR,
            unit="h",
            detail=f"half of them {percentile(outcome.ages, 0.5) / HOUR:.1f} h or less",
        ),
        Finding(
            what="… from the end of grace until the last invoice is issued",
            measured=max(outcome.issued) / HOUR,
            unit="h",
            detail=f"half of them within {percentile(outcome.issued, 0.5) / HOUR:.1f} h{left}",
        ),
        Finding(
            what="… from a period's end until the next one's draft is made",
            measured=max(outcome.drafted) / HOUR,
            unit="h",
        ),
    ]
