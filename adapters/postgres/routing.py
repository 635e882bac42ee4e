"""Where usage records go: each organization's cycles, cached, with what attributes their usage.

The cache may be behind. Who appends checks each cycle's control version under its lock and
has the cycle loaded again where it differs.
"""

import threading
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from psycopg import Connection

from adapters.postgres.control import build_cycle, read_controls
from adapters.postgres.cycle_cache import CycleCache
from adapters.postgres.database import Rows
from application.ports import CatalogReader
from domain.attribution import Attribution
from domain.billing_cycle import BillingCycle
from domain.catalog import Catalog, Meter

ORGANIZATIONS_MAX = 50_000

HEADS = (
    "SELECT cycle_id, cycle_no, organization, starts, ends, opened_at, accepts_usage,"
    " control_version, detached FROM cycle_head WHERE organization = ANY(%s)"
    " ORDER BY organization, starts"
)
HEAD = (
    "SELECT cycle_id, cycle_no, organization, starts, ends, opened_at, accepts_usage,"
    " control_version, detached FROM cycle_head WHERE cycle_id = %s"
)

CONTROLS = "SELECT cycle_id, control_version FROM cycle_head WHERE cycle_id = ANY(%s)"


@dataclass(slots=True, kw_only=True, eq=False)
class Route:
    """One cycle as the usage path knows it. starts, ends: microseconds since 1970.

    Past the usage cut-off the attribution is that of everything known now; it is not ``loaded``
    until somebody needs it, which is seldom. While its month is ``detached`` it cannot be.
    """

    cycle_id: bytes
    cycle_no: int
    organization: str
    starts: int
    ends: int
    opened_at: datetime
    accepts_usage: bool
    control_version: int
    detached: bool
    loaded: bool
    attribution: Attribution
    meters: dict[str, Meter] = field(default_factory=dict)


class Routes:
    """The cache: organization -> its cycles, newest first."""

    def __init__(self, catalog: CatalogReader) -> None:
        self._reader = catalog
        self._catalog = Catalog()
        self._cycles = CycleCache()
        self._routes: dict[str, list[Route]] = {}
        self._lock = threading.Lock()

    def find(self, organization: str, at: int) -> Route | None:
        """The cycle an instant falls in, if the cache has it."""
        for route in self._routes.get(organization, ()):
            if route.starts <= at < route.ends:
                return route
        return None

    def span(self, organization: str) -> tuple[int, int] | None:
        """Where the known cycles begin and end; ``None`` for an organization not in the cache."""
        routes = self._routes.get(organization)
        return (routes[-1].starts, routes[0].ends) if routes else None

    def meter(self, route: Route, name: str) -> Meter | None:
        """The meter's version in force in a cycle."""
        meter = route.meters.get(name)
        if meter is None:
            meter = self._catalog.meter_for(name, route.opened_at)
            if meter is not None:
                route.meters[name] = meter
        return meter

    def catalog(self) -> Catalog:
        """The catalog that routes are attributed by."""
        return self._catalog

    def refresh_catalog(self) -> None:
        """Learn of meters and prices that appeared since."""
        self._catalog = self._reader.current()

    def load(
        self,
        connection: Connection[Rows],
        organizations: Sequence[str],
        keep: Set[str] = frozenset(),
    ) -> None:
        """Read organizations' cycles anew; those that do not exist leave no trace.

        keep: organizations that must not make room for these.
        """
        heads = connection.execute(HEADS, [organizations], binary=True, prepare=True).fetchall()
        control = read_controls(connection, [row[0] for row in heads if row[6]])
        # A meter's version is chosen by when the cycle opened: look no earlier than that.
        self.refresh_catalog()
        found: dict[str, list[Route]] = {}
        for row in heads:
            cycle = build_cycle(control[row[0]]) if row[6] else None
            found.setdefault(row[2], []).insert(0, self._route(row, cycle))
        with self._lock:
            for organization in organizations:
                self._routes.pop(organization, None)
            self._routes |= found
            if len(self._routes) > ORGANIZATIONS_MAX:
                self._make_room(keep | found.keys())

    def _make_room(self, keep: Set[str]) -> None:
        """Drop those that have been here longest."""
        spare = (name for name in list(self._routes) if name not in keep)
        for organization in islice(spare, len(self._routes) - ORGANIZATIONS_MAX):
            del self._routes[organization]

    def reload(self, connection: Connection[Rows], route: Route) -> Route:
        """One cycle as it is now, in the caller's transaction; the cache learns of it too."""
        row = connection.execute(HEAD, [UUID(bytes=route.cycle_id)], binary=True).fetchone()
        assert row is not None, "a cycle's head is never deleted"
        cycle = None if row[8] else self._cycles.at(connection, row[0], row[7])
        self.refresh_catalog()
        fresh = self._route(row, cycle)
        with self._lock:
            routes = self._routes.get(route.organization, [])
            self._routes[route.organization] = [
                fresh if known.cycle_id == fresh.cycle_id else known for known in routes
            ]
        return fresh

    def cycle(self, connection: Connection[Rows], route: Route) -> BillingCycle:
        """A route's cycle without its usage. Read it only: others hold the same object."""
        return self._cycles.at(connection, route.cycle_id, route.control_version)

    def reload_moved(self, connection: Connection[Rows], routes: Sequence[Route]) -> None:
        """Load those of some cycles again that are not as the cache has them."""
        ids = [UUID(bytes=route.cycle_id) for route in routes]
        rows = connection.execute(CONTROLS, [ids], binary=True, prepare=True)
        now: dict[bytes, int] = {cycle_id: version for cycle_id, version in rows}
        for route in routes:
            if route.cycle_id not in now:  # another database than the cache was filled from
                self.forget(route.organization)
            elif now[route.cycle_id] != route.control_version:
                self.reload(connection, route)

    def forget(self, organization: str) -> None:
        """Drop an organization from the cache."""
        with self._lock:
            self._routes.pop(organization, None)

    def _route(self, row: Rows, cycle: BillingCycle | None) -> Route:
        cycle_id, cycle_no, organization, starts, ends, opened_at, accepts, version, gone = row
        return Route(
            cycle_id=cycle_id,
            cycle_no=cycle_no,
            organization=organization,
            starts=starts,
            ends=ends,
            opened_at=opened_at,
            accepts_usage=accepts,
            control_version=version,
            detached=gone,
            loaded=cycle is not None,
            attribution=self._attribution(cycle),
        )

    def _attribution(self, cycle: BillingCycle | None) -> Attribution:
        if cycle is None:
            return Attribution((), {}, "")
        known = cycle.as_known()
        return Attribution(known.attachments.values(), self._catalog.book, known.currency)
