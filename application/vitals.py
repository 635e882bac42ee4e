"""How the service is doing: what waits and for how long, as counted in the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from application.projector import Lag
from application.schedules import Standing

WAITING: Mapping[str, str] = {
    "syncs": "Cycles whose draft at Stripe may be out of step, since when it may be",
    "syncs_due": "Syncs whose time has come, and nobody is at them",
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
    "mails": "E-mails on their way",
    "jobs_failed": "Runs of schedules that failed for good",
}
"""Everything that can wait, by name. The names are stable."""


ROLES = ("project", "sync", "schedule", "notify", "intake")
"""What workers can do."""

ESSENTIAL_ROLES = ("project", "sync", "schedule")
"""Without these nothing reaches Stripe."""


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

    away: why Stripe is left alone, ``None`` while it is not.
    """

    used: int
    allowed: int
    full: int
    away: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """Everything at a glance. sync_interval: within which a change is to reach Stripe.

    late: schedules that should have run by now; ill: those whose last run did not end well.
    """

    counted: Counted
    lag: Lag
    budget: Budget
    sync_interval: timedelta = timedelta()
    late: Sequence[str] = ()
    ill: Sequence[str] = ()

    @property
    def at(self) -> datetime:
        """When it was counted."""
        return self.counted.at


class VitalsStore(Protocol):
    """Counts."""

    def count(self) -> Counted:
        """What waits now."""
        ...

    def workers(self) -> Mapping[str, int]:
        """How many workers said lately that they work, for each role."""
        ...


class Monitoring:
    """Looks at everything. budget: how much of Stripe's pace is in use."""

    def __init__(
        self,
        store: VitalsStore,
        lag: Callable[[], Lag],
        budget: Callable[[], Budget],
        schedules: Callable[[], Sequence[Standing]],
        sync_interval: timedelta,
    ) -> None:
        self._store = store
        self._lag = lag
        self._budget = budget
        self._schedules = schedules
        self._sync_interval = sync_interval

    def look(self) -> Vitals:
        """How everything is now.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        standings = self._schedules()
        return Vitals(
            counted=self._store.count(),
            lag=self._lag(),
            budget=self._budget(),
            sync_interval=self._sync_interval,
            late=[each.schedule.name for each in standings if each.late],
            ill=[each.schedule.name for each in standings if each.last and not each.last.well],
        )

    def warnings(self) -> list[str]:
        """What is away, while requests are served all the same.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        at_work, away = self._store.workers(), self._budget().away
        missing = [role for role in ESSENTIAL_ROLES if not at_work.get(role)]
        found = [] if away is None else [f"stripe: {away}"]
        return [*found, f"workers: none does {', '.join(missing)}"] if missing else found
