"""The search index of people at a desk: the directory, lists of cycles and cases, and the log."""

from collections.abc import Sequence

from adapters.postgres.database import Database
from application.searching import FoundCase, FoundCycle, FoundOrganization

# A text that is a whole id, address or customer comes before one that is a part of a name.
_ORGANIZATIONS = """
    WITH hit (organization, by, near) AS (
        SELECT organization, 'id', 0 FROM organization_directory WHERE organization = %(text)s
        UNION ALL
        SELECT organization, 'email', 1 FROM member_directory WHERE lower(email) = lower(%(text)s)
        UNION ALL
        SELECT convert_from(registered.state, 'UTF8')::json ->> 'organization',
               'stripe_customer', 2
        FROM cyclebook_events_0000_00 AS linked
        JOIN cyclebook_events_0000_00 AS registered
            ON registered.originator_id = linked.originator_id
            AND registered.originator_version = 1
        WHERE starts_with(%(text)s, 'cus_') AND starts_with(linked.topic, 'StripeCustomerLinked@')
            AND convert_from(linked.state, 'UTF8')::json ->> 'customer' = %(text)s
        UNION ALL
        SELECT * FROM (
            SELECT organization, 'id', 3 FROM organization_directory
            WHERE position(lower(%(text)s) IN organization) > 0
            ORDER BY organization LIMIT %(limit)s
        ) AS part_of_id
        UNION ALL
        SELECT * FROM (
            SELECT organization, 'name', 4 FROM organization_directory
            WHERE position(lower(%(text)s) IN lower(name)) > 0
            ORDER BY organization LIMIT %(limit)s
        ) AS part_of_name
    ), nearest AS (
        SELECT DISTINCT ON (organization) organization, by, near FROM hit
        ORDER BY organization, near
    )
    SELECT organization, coalesce(name, ''), by FROM nearest
    LEFT JOIN organization_directory USING (organization)
    ORDER BY near, organization LIMIT %(limit)s
"""
_COLUMNS = "cycle, organization, status, number, stripe_invoice, starts"
# A number is ASCII, and '~' comes after all that it is made of.
_CYCLES = f"""
    WITH hit AS (
        SELECT {_COLUMNS}, 'number' AS by, 0 AS near FROM invoice_summary
        WHERE upper(number) COLLATE "C" >= upper(%(text)s)
            AND upper(number) COLLATE "C" < upper(%(text)s) || '~'
        UNION ALL
        SELECT {_COLUMNS}, 'stripe_invoice', 0 FROM invoice_summary WHERE stripe_invoice = %(text)s
        UNION ALL
        SELECT {_COLUMNS}, 'cycle', 1 FROM invoice_summary
        WHERE organization = %(organization)s AND starts_with(cycle, %(text)s)
    )
    SELECT cycle, organization, status, number, stripe_invoice, by FROM (
        SELECT DISTINCT ON (cycle) * FROM hit ORDER BY cycle, near
    ) AS nearest
    ORDER BY starts DESC, cycle LIMIT %(limit)s
"""
_CASES = "SELECT case_id, organization, status FROM case_summary WHERE case_id = %s"


class PostgresSearch:
    """The ``SearchIndex``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def organizations(self, text: str, limit: int) -> Sequence[FoundOrganization]:
        """Organizations, the closest first."""
        with self._database.connection() as connection:
            rows = connection.execute(_ORGANIZATIONS, {"text": text, "limit": limit}).fetchall()
        return [FoundOrganization(id=row[0], name=row[1], by=row[2]) for row in rows]

    def cycles(self, text: str, organization: str | None, limit: int) -> Sequence[FoundCycle]:
        """Cycles, the newest first."""
        values = {"text": text, "organization": organization, "limit": limit}
        with self._database.connection() as connection:
            rows = connection.execute(_CYCLES, values).fetchall()
        names = ("cycle", "organization", "status", "number", "stripe_invoice", "by")
        return [FoundCycle(**dict(zip(names, row, strict=True))) for row in rows]

    def cases(self, text: str) -> Sequence[FoundCase]:
        """The case of this id, if there is one."""
        with self._database.connection() as connection:
            rows = connection.execute(_CASES, [text]).fetchall()
        return [FoundCase(case=row[0], organization=row[1], status=row[2]) for row in rows]
