"""Names and addresses of organizations and members: rows that can be erased."""

from collections.abc import Sequence

from adapters.postgres.database import Database
from application.ports import Profile

PUT = (
    "INSERT INTO organization_directory (organization, name) VALUES (%s, %s)"
    " ON CONFLICT (organization) DO UPDATE SET name = excluded.name"
)
PUT_MEMBER = "INSERT INTO member_directory (organization, member, email) VALUES (%s, %s, %s)"
SEARCH = (
    "SELECT organization, name FROM organization_directory WHERE organization > %s"
    " AND (position(lower(%s) in lower(name)) > 0 OR position(lower(%s) in organization) > 0)"
    " ORDER BY organization LIMIT %s"
)


class PostgresDirectory:
    """The ``Directory`` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, organization: str) -> Profile:
        """What is known; an erased or unknown organization has an empty name."""
        with self._database.connection() as connection:
            name = connection.execute(
                "SELECT name FROM organization_directory WHERE organization = %s", [organization]
            ).fetchone()
            emails = connection.execute(
                "SELECT member, email FROM member_directory WHERE organization = %s",
                [organization],
            ).fetchall()
        return Profile(name=name[0] if name else "", emails=dict(emails))

    def put(self, organization: str, profile: Profile) -> None:
        """Put a name and all addresses in place of what was there."""
        with self._database.connection() as connection, connection.transaction():
            connection.execute(PUT, [organization, profile.name])
            connection.execute(
                "DELETE FROM member_directory WHERE organization = %s", [organization]
            )
            for user, email in sorted(profile.emails.items()):
                connection.execute(PUT_MEMBER, [organization, user, email])

    def search(self, text: str, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Organizations (id, name) whose id or name contains a text, by id, after an id."""
        with self._database.connection() as connection:
            rows = connection.execute(SEARCH, [after, text, text, limit])
            return [(row[0], row[1]) for row in rows]
