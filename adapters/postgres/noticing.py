"""Announces what the log tells, and marks invoices that may have changed, page by page."""

from collections.abc import Sequence
from datetime import timedelta

from psycopg import Connection

from adapters.postgres import arrays
from adapters.postgres.database import Rows
from adapters.postgres.log_pages import Logged
from adapters.postgres.notices import announce
from adapters.postgres.sync_marks import NO_NEWS_FOR_STRIPE, organizations
from domain.billing_cycle import UNSETTLED
from domain.events.case import CaseEvent
from domain.events.cycle import CycleEvent
from domain.events.organization import CreditExpired, CreditGranted, PolicyChanged
from projections.invoice_summary import InvoiceSummary
from projections.notices import TOLD, Notice, case_notice, notice_of

UPDATED = "invoice.updated"

_CREDITS = (CreditGranted, CreditExpired, PolicyChanged)
"""What reaches every invoice of an organization that is not settled."""

_BEGINNING = "SELECT coalesce(max(position), 0) FROM notice_beginning"
_UNSETTLED = ", ".join(f"'{status.value}'" for status in sorted(UNSETTLED))
_NAMES = [
    "cycle",
    "organization",
    "currency",
    "starts",
    "ends",
    "status",
    "total",
    "number",
    "issued_at",
]
_SUMMARIES = (
    f"SELECT cycle_id, stripe_id, {', '.join(_NAMES)} FROM invoice_summary"
    " WHERE cycle_id = ANY(%b) OR stripe_id = ANY(%b)"
)
_LISTENING = (
    "SELECT EXISTS (SELECT 1 FROM webhook_endpoint"
    f" WHERE enabled AND (kinds IS NULL OR '{UPDATED}' = ANY(kinds)))"
)
# Cycles share the organization's credits, oldest first: a change in one can move the later ones.
_MARK = f"""
    WITH moved AS (
        SELECT organization, min(starts) AS starts FROM cycle_head WHERE cycle_id = ANY(%b)
        GROUP BY organization
        UNION ALL SELECT organization, 0 FROM unnest(%s::text[]) AS t(organization))
    INSERT INTO invoice_update AS u (cycle, due_at)
    SELECT DISTINCT h.cycle, clock_timestamp()
    FROM moved JOIN cycle_head h
        ON h.organization = moved.organization AND h.starts >= moved.starts
    WHERE h.status IN ({_UNSETTLED}) ORDER BY h.cycle
    ON CONFLICT (cycle) DO UPDATE SET marks = u.marks + 1,
        due_at = coalesce(u.due_at, greatest(clock_timestamp(), u.told_at + %s))
"""


class Noticing:
    """Part of the projector, and outside rebuilds: what was announced is not announced again.

    updated_every: how often at most it is told that an invoice changed. mails: whether members
    are told by e-mail.
    """

    def __init__(self, updated_every: timedelta, *, mails: bool) -> None:
        self._every = updated_every
        self._mails = mails
        self._beginning: int | None = None

    def fold(self, connection: Connection[Rows], page: Sequence[Logged]) -> None:
        """Announce what a page tells, within the caller's transaction.

        The list of invoices has to have taken the page into account.
        """
        beginning = self._began(connection)
        new = [each for each in page if each.position > beginning]
        notices = [*_of_invoices(connection, new), *_of_cases(new)]
        announce(connection, [each for _, each in sorted(notices, key=_place)], mails=self._mails)
        self._mark(connection, new)

    def _began(self, connection: Connection[Rows]) -> int:
        if self._beginning is None:
            row = connection.execute(_BEGINNING).fetchone()
            self._beginning = int(row[0]) if row else 0
        return self._beginning

    def _mark(self, connection: Connection[Rows], page: Sequence[Logged]) -> None:
        cycles = sorted({each.stream for each in page if _moves(each)})
        credited = sorted({each.stream for each in page if isinstance(each.event, _CREDITS)})
        if not (cycles or credited):
            return
        if connection.execute(_LISTENING, prepare=True).fetchone() == (True,):
            owners = organizations(connection, credited) if credited else []
            connection.execute(_MARK, [arrays.uuids(cycles), owners, self._every], prepare=True)


def _place(numbered: tuple[int, Notice]) -> int:
    return numbered[0]


def _moves(each: Logged) -> bool:
    if each.event is None:
        return True
    return isinstance(each.event, CycleEvent) and type(each.event) not in NO_NEWS_FOR_STRIPE


def _of_invoices(connection: Connection[Rows], page: Sequence[Logged]) -> list[tuple[int, Notice]]:
    told = [each for each in page if isinstance(each.event, TOLD)]
    if not told:
        return []
    ids = arrays.uuids(sorted({each.stream for each in told}))
    found: dict[bytes, InvoiceSummary] = {}
    for cycle_id, stripe_id, *row in connection.execute(_SUMMARIES, [ids, ids], binary=True):
        summary = InvoiceSummary(**dict(zip(_NAMES, row, strict=True)))
        found[cycle_id] = found[stripe_id] = summary
    notices: list[tuple[int, Notice]] = []
    for each in told:
        notice = notice_of(
            each.event, found[each.stream], position=each.position, recorded_at=each.recorded_at
        )
        if notice is not None:
            notices.append((each.position, notice))
    return notices


def _of_cases(page: Sequence[Logged]) -> list[tuple[int, Notice]]:
    notices: list[tuple[int, Notice]] = []
    for each in page:
        if isinstance(each.event, CaseEvent):
            notice = case_notice(each.event, position=each.position)
            if notice is not None:
                notices.append((each.position, notice))
    return notices
