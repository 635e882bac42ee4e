"""Planning an append: which cycle each usage record goes to, before anything is locked."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.postgres.database import Database
from adapters.postgres.late_usage import not_taken
from adapters.postgres.organizations import read_organization
from adapters.postgres.routing import Route, Routes
from adapters.postgres.usage_keys import canonical, content_hash, dedup_key, packed
from domain.catalog import Meter
from domain.errors import InvalidInput, MonthArchived, RuleViolation
from domain.events.usage import instant, micros
from domain.organization import Organization
from domain.period import written_utc
from domain.quantity import meant_as_number
from domain.tally import dimension_values
from domain.usage import Outcome, Refusal, UsageRecord

CLOSED = "organization_closed"
"""The code of what lies where a closed organization has no cycle."""

IN_ARCHIVE = Refusal(
    Outcome.QUARANTINED,
    MonthArchived.code,
    "its billing cycle is in an archive and not in the log any more; it is kept, and can be "
    "replayed once cyclebook restore-archive has brought the month back",
)

Opener = Callable[[str, datetime], None]
"""Opens an organization's cycles up to an instant: (organization, instant)."""


@dataclass(slots=True, eq=False)
class Request:
    """One caller's batch, and what became of it. late: how many records came after a cut-off."""

    records: Sequence[UsageRecord]
    actor: str
    now: datetime
    refusals: dict[int, Refusal] = field(default_factory=dict)
    position: int = 0
    late: int = 0


@dataclass(slots=True, eq=False)
class Entry:
    """A record that has its place: ready to be stored. attachment: as its tally names it."""

    request: Request
    index: int
    key: bytes
    content: int
    body: bytes
    meter: Meter
    attachment: str
    value: str | Decimal
    at: int
    dimensions: tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class Quarantined:
    """A record that has no place yet."""

    request: Request
    index: int
    key: bytes
    content: int
    refusal: Refusal


@dataclass(slots=True)
class Plan:
    """Entries by cycle; second and later records of one id; what goes to quarantine.

    looked_up: meters, and cycles whose attachments, were looked up for this plan already: one
    look is enough for all records that name what is not there. nowhere: organizations looked
    through for a cycle of an instant between theirs, or (true) after all of them. late: why
    cycles past their cut-off take nothing, or none where they do; organizations: read for that.
    """

    groups: dict[bytes, tuple[Route, list[Entry]]] = field(default_factory=dict)
    twins: list[Entry] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    looked_up: set[bytes | str] = field(default_factory=set)
    nowhere: set[tuple[str, bool]] = field(default_factory=set)
    late: dict[bytes, Refusal | None] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)

    @property
    def usual(self) -> bool:
        """Whether every record has its place, each id once, in a cycle that takes usage."""
        routes = (route for route, _ in self.groups.values())
        return (
            bool(self.groups)
            and not (self.twins or self.quarantined)
            and all(route.accepts_usage for route in routes)
        )


class Planner:
    """Routes and checks records, loading into the cache what it lacks."""

    def __init__(self, database: Database, routes: Routes, opener: Opener) -> None:
        self._database = database
        self._routes = routes
        self._opener = opener

    def plan(self, requests: Iterable[Request]) -> Plan:
        """Place every record of some requests."""
        requests = list(requests)
        self._warm(requests)
        plan, seen = Plan(), set[bytes]()
        place = self._place
        for request in requests:
            request.refusals, request.late = {}, 0
            for index, record in enumerate(request.records):
                place(plan, seen, request, index, record)
        return plan

    def _warm(self, requests: Iterable[Request]) -> None:
        """Load all organizations the cache does not know, in one go."""
        names = {record.organization for request in requests for record in request.records}
        missing = [name for name in names if self._routes.span(name) is None]
        if missing:
            self._load(missing, names)

    def _load(self, organizations: Sequence[str], keep: Set[str] = frozenset()) -> None:
        with self._database.connection() as connection:
            self._routes.load(connection, organizations, keep)

    def _place(
        self, plan: Plan, seen: set[bytes], request: Request, index: int, record: UsageRecord
    ) -> None:
        at = micros(record.occurred_at)
        key = dedup_key(record.source, record.id)
        try:
            route = self._routes.find(record.organization, at) or self._open(plan, record, at)
            meter = self._routes.meter(route, record.meter) or self._learn(plan, route, record)
            text, value = _value(meter, record.value)
            if record.attachment and record.attachment not in route.attribution.known:
                self._check_attachment(plan, route, record)
            if not route.accepts_usage:
                self._require_taken(plan, route, request.now)
        except _Refused as refused:
            if refused.refusal.outcome is Outcome.REJECTED:
                request.refusals[index] = refused.refusal
                return
            content = content_hash(record.organization, packed(record, record.value, at))
            plan.quarantined.append(Quarantined(request, index, key, content, refused.refusal))
            return
        body = packed(record, text, at)
        entry = Entry(
            request,
            index,
            key,
            content_hash(record.organization, body),
            body,
            meter,
            record.attachment
            if not meter.filter
            else meter.named(record.attachment, record.properties),
            value,
            at,
            dimension_values(record.properties, meter.dimensions) if meter.dimensions else (),
        )
        if key in seen:
            plan.twins.append(entry)
            return
        seen.add(key)
        group = plan.groups.get(route.cycle_id)
        if group is None:
            plan.groups[route.cycle_id] = (route, [entry])
        else:
            group[1].append(entry)

    def _open(self, plan: Plan, record: UsageRecord, at: int) -> Route:
        """The record's cycle, opened now if its time has come."""
        name = record.organization
        span = self._routes.span(name)
        if span is None:
            raise _Refused(
                "unknown_organization",
                f"there is no organization {name}; register it and replay",
            )
        when = written_utc(instant(at))
        if at < span[0]:
            raise _Refused("no_cycle", f"{name} has no billing cycle at {when}")
        if (name, at >= span[1]) not in plan.nowhere:
            route = self._look_again(name, at)
            if route is not None:
                return route
            plan.nowhere.add((name, at >= span[1]))
        raise _Refused(CLOSED, f"{name} was closed at {when}; reopen it then and replay")

    def _look_again(self, organization: str, at: int) -> Route | None:
        """The cycle of an instant the cache knows none for, opened if there is to be one."""
        self._load([organization])
        route = self._routes.find(organization, at)
        span = self._routes.span(organization)
        if route is None and span is not None and at >= span[1]:
            try:
                self._opener(organization, instant(at))
            except RuleViolation as refusal:
                if refusal.code != CLOSED:
                    raise
            self._load([organization])
            route = self._routes.find(organization, at)
        return route

    def _require_taken(self, plan: Plan, route: Route, now: datetime) -> None:
        """A cycle past its cut-off, looked at once: what it does not take waits for no lock of it.

        A month that is being detached holds its heads for as long as it is compared.
        """
        if route.cycle_id not in plan.late:
            with self._database.connection() as connection:
                if route.detached:  # it may have been restored
                    route = self._routes.reload(connection, route)
                name = route.organization
                if name not in plan.organizations:
                    plan.organizations[name] = read_organization(connection, name)
                refusal = not_taken(connection, plan.organizations[name], route, now)
            plan.late[route.cycle_id] = IN_ARCHIVE if route.detached else refusal
        if refusal := plan.late[route.cycle_id]:
            raise _Refused(refusal.code, refusal.detail)

    def _learn(self, plan: Plan, route: Route, record: UsageRecord) -> Meter:
        """A meter this process has not heard of yet."""
        if record.meter not in plan.looked_up:
            self._routes.refresh_catalog()
            plan.looked_up.add(record.meter)
        meter = self._routes.meter(route, record.meter)
        if meter is None:
            raise _Refused(
                "unknown_meter", f"there is no meter {record.meter}; define it and replay"
            )
        return meter

    def _check_attachment(self, plan: Plan, route: Route, record: UsageRecord) -> None:
        """Refuse an attachment nobody attached; a fresh look decides."""
        fresh = route
        if route.cycle_id not in plan.looked_up:
            with self._database.connection() as connection:
                fresh = self._routes.reload(connection, route)
            plan.looked_up.add(route.cycle_id)
        if fresh.detached:
            raise _Refused(IN_ARCHIVE.code, IN_ARCHIVE.detail)
        if record.attachment not in fresh.attribution.known:
            raise _Refused(
                "unknown_attachment",
                f"{record.organization} has no attachment {record.attachment} in this billing "
                "cycle; attach it and replay",
            )


class _Refused(Exception):
    """A record has no place yet, or can never have one."""

    def __init__(self, code: str, detail: str, outcome: Outcome = Outcome.QUARANTINED) -> None:
        super().__init__(detail)
        self.refusal = Refusal(outcome, code, detail)


def _value(meter: Meter, text: str) -> tuple[str, str | Decimal]:
    if meter.aggregation == "unique":
        return text, text
    try:
        return canonical(text)
    except InvalidInput as error:
        if meant_as_number(text):  # no other definition of the meter would make it usable
            raise _Refused("invalid_value", str(error), Outcome.REJECTED) from None
        raise _Refused(
            "unusable_value", f"meter {meter.id} takes the {meter.aggregation} of numbers: {error}"
        ) from None
