"""How the service is doing: what waits and for how long, as counted in the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from application.mail_server import MailOutage
from application.projector import Lag
from application.schedules import Standing

WAITING: Mapping[str, str] = {
    "syncs": "Cycles whose draft at Stripe may be out of step, since when it should not be",
    "syncs_due": "Syncs whose time has come, and nobody is at them",
    "syncs_spaced": "Syncs that wait because Stripe expects few reads for each invoice",
    "syncs_under_way": "Syncs that a worker is at",
    "syncs_failing": "Syncs that failed and will be tried again",
    "syncs_parked": "Syncs that failed and wait for a person",
    "closings_due": "Cycles whose period, grace or payment term is over and nothing was done yet",
    "held": "Invoices that a hold keeps from being issued; without an age",
    "webhooks": "Messages from Stripe that are still to be handled",
    "webhooks_failing": "Messages from Stripe that failed and will be tried again",
    "webhooks_parked": "Messages from Stripe that failed and wait for a person",
    "quarantined": "Usage records that could not be placed",
    "dead_letters": "Messages from RabbitMQ that could not be recorded",
    "discrepancies": "Ways in which Stripe differs from the books",
    "cases": "Customers' cases without an answer",
    "change_requests": "Changes that wait for a second person",
    "deliveries": "Webhooks to systems of the operator that are on their way",
    "deliveries_failing": "Webhooks to systems of the operator that failed and will be tried again",
    "endpoints_disabled": "Systems of the operator that failed for days and are told no more",
    "mails": "E-mails on their way",
    "mails_due": "E-mails whose time has come, and nobody sends them",
    "mails_failing": "E-mails that the mail server did not take, and that will be tried again",
    "mails_given_up": "E-mails that were given up, and wait for a person",
    "mails_unaddressed": "Notices of which nobody has looked whom to tell by e-mail",
    "sign_in_mails": "People who wait for a link to sign in by e-mail",
    "updates_due": "Cycles whose invoice may have changed, and nobody has looked whether to tell",
    "jobs_failed": "Runs of schedules that failed for good",
}
"""Everything that can wait, by name. The names are stable."""


ROLES = ("project", "sync", "schedule", "notify", "intake")
"""What workers can do."""

ESSENTIAL_ROLES = ("project", "sync", "schedule", "notify")
"""Without these nothing reaches Stripe, or nobody is told; ``intake`` takes a broker."""

CHAIN_LAG_MAX = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Things of one kind. oldest: since when the one waits that has waited longest, if known."""

    count: int = 0
    oldest: datetime | None = None

    def age(self, now: datetime) -> timedelta:
        """For how long that is."""
        return timedelta() if self.oldest is None else max(now - self.oldest, timedelta())


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the store counts. at: its clock. waiting: by each name of ``WAITING``.

    discrepancies: open ones by kind. quarantined: open ones by reason. workers: how many said
    lately that they work, for each role.
    """

    at: datetime
    waiting: Mapping[str, Waiting]
    discrepancies: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    workers: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Waiting:
        return self.waiting[name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Stripe's pace. used: calls within the last second; allowed: at most, now; full: usually.

    away: why Stripe is left alone, ``None`` while it is not; away_since: from when on.
    key_refused: whether because it refuses our key.
    """

    used: int
    allowed: int
    full: int
    away: str | None = None
    away_since: datetime | None = None
    key_refused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """Everything at a glance. sync_interval: within which a change is to reach Stripe.

    lag, chain: how far the lists are behind the log, and its chain. needed: roles that some worker
    has to have. mail_outage: that no e-mail goes out, where any should.
    late: schedules that should have run by now; ill: those whose last run did not end well.
    """

    counted: Counted
    lag: Lag
    chain: Lag
    budget: Budget
    needed: Sequence[str] = ESSENTIAL_ROLES
    mail_outage: MailOutage | None = None
    sync_interval: timedelta = timedelta()
    late: Sequence[str] = ()
    ill: Sequence[str] = ()

    @property
    def at(self) -> datetime:
        """When it was counted."""
        return self.counted.at

    @property
    def missing(self) -> Sequence[str]:
        """Roles that no worker has and one should."""
        return [role for role in self.needed if not self.counted.workers.get(role)]


class VitalsStore(Protocol):
    """Counts."""

    def count(self) -> Counted:
        """What waits now."""
        ...

    def workers(self) -> Mapping[str, int]:
        """How many workers said lately that they work, for each role."""
        ...

    def chain(self) -> Lag:
        """How far the chain is behind the log."""
        ...

    def mail_outage(self) -> MailOutage | None:
        """That no e-mail goes out."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUp:
    """What this service is set up to do. sync_interval: within which a change reaches Stripe.

    broker, mails: whether usage comes by messages, and whether e-mails are sent.
    """

    sync_interval: timedelta = timedelta()
    broker: bool = False
    mails: bool = False

    @property
    def roles(self) -> Sequence[str]:
        """Those that some worker has to have."""
        return (*ESSENTIAL_ROLES, "intake") if self.broker else ESSENTIAL_ROLES


class Monitoring:
    """Looks at everything. budget: how much of Stripe's pace is in use."""

    def __init__(
        self,
        store: VitalsStore,
        lag: Callable[[], Lag],
        budget: Callable[[], Budget],
        schedules: Callable[[], Sequence[Standing]],
        set_up: SetUp,
    ) -> None:
        self._store = store
        self._lag = lag
        self._budget = budget
        self._schedules = schedules
        self._set_up = set_up

    def look(self) -> Vitals:
        """How everything is now.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        standings = self._schedules()
        return Vitals(
            counted=self._store.count(),
            lag=self._lag(),
            chain=self._store.chain(),
            budget=self._budget(),
            needed=self._set_up.roles,
            mail_outage=self.mail_outage(),
            sync_interval=self._set_up.sync_interval,
            late=[each.schedule.name for each in standings if each.late],
            ill=[each.schedule.name for each in standings if each.last and not each.last.well],
        )

    def mail_outage(self) -> MailOutage | None:
        """That no e-mail goes out, where any should."""
        return self._store.mail_outage() if self._set_up.mails else None

    def missing_roles(self) -> list[str]:
        """Roles that no worker has and one should."""
        at_work = self._store.workers()
        return [role for role in self._set_up.roles if not at_work.get(role)]

    def warnings(self) -> list[str]:
        """What is away, while requests are served all the same.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        away, chain, outage = self._budget().away, self._store.chain(), self.mail_outage()
        found = [] if away is None else [f"stripe: {away}"]
        found += [f"workers: none has the role {role}" for role in self.missing_roles()]
        if outage is not None:
            since = f"{outage.since:%Y-%m-%d %H:%M} UTC"
            found.append(f"mail: no e-mail goes out since {since}: {outage.reason}")
        if chain.age > CHAIN_LAG_MAX:
            found.append(f"chain: {chain.last - chain.position} events are not linked yet")
        return found
