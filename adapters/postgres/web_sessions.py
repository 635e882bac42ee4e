"""Sessions of people at the pages, in the table ``web_session``."""

from datetime import datetime, timedelta
from typing import LiteralString

from adapters.postgres.database import Database
from application.signing_in import Visitor

KEPT_FOR = timedelta(days=30)
LINKS_KEPT_FOR = timedelta(days=400)
"""After its end: who was signed in, and who made a link for whom."""

PRUNED_AT_ONCE = 5_000
FORGET = (
    "DELETE FROM web_session WHERE digest IN (SELECT digest FROM web_session"
    " WHERE expires_at < now() - %s ORDER BY expires_at LIMIT %s)"
)
FORGET_LINKS = (
    "DELETE FROM sign_in_link WHERE link IN (SELECT link FROM sign_in_link"
    " WHERE expires_at < now() - %s ORDER BY expires_at LIMIT %s)"
)
ADD = (
    "INSERT INTO web_session (digest, actor, role, organization, key, expires_at)"
    " VALUES (%s, %s, %s, %s, %s, now() + %s)"
)
FIND = (
    "SELECT s.actor, s.role, s.organization, s.key FROM web_session s"
    " LEFT JOIN api_key k ON k.id = s.key"
    " WHERE s.digest = %s AND s.ended_at IS NULL AND s.expires_at > now()"
    " AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"
    " AND (NOT starts_with(s.actor, 'member:') OR EXISTS (SELECT 1 FROM member_directory m"
    " WHERE m.organization = s.organization AND 'member:' || m.member = s.actor))"
)
END = "UPDATE web_session SET ended_at = now() WHERE digest = %s AND ended_at IS NULL"
ADD_LINK = (
    "INSERT INTO sign_in_link (link, made_by, actor, role, expires_at) VALUES (%s, %s, %s, %s, %s)"
)
USE_LINK = (
    "UPDATE sign_in_link SET used_at = now()"
    " WHERE link = %s AND used_at IS NULL AND expires_at > now()"
)


class PostgresSessions:
    """Keeps the hashes of sessions' tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, digest: bytes, visitor: Visitor, stay: timedelta) -> None:
        """Begin a session."""
        row = [digest, visitor.actor, visitor.role, visitor.organization, visitor.key, stay]
        with self._database.connection() as connection:
            connection.execute(ADD, row)

    def find(self, digest: bytes) -> Visitor | None:
        """Whose it is, while it lasts."""
        with self._database.connection() as connection:
            row = connection.execute(FIND, [digest]).fetchone()
        if row is None:
            return None
        actor, role, organization, key = row
        return Visitor(actor=actor, role=role, organization=organization, key=key)

    def end(self, digest: bytes) -> None:
        """End it."""
        with self._database.connection() as connection:
            connection.execute(END, [digest])

    def add_link(self, link: str, visitor: Visitor, expires_at: datetime, actor: str) -> None:
        """Note that somebody made a link, and for whom."""
        with self._database.connection() as connection:
            row = [link, actor, visitor.actor, visitor.role, expires_at]
            connection.execute(ADD_LINK, row)

    def use_link(self, link: str) -> bool:
        """Note that a link is used; false where it was before, or nobody made it."""
        with self._database.connection() as connection:
            return connection.execute(USE_LINK, [link]).rowcount == 1

    def prune(self) -> int:
        """Delete some sessions that ended long ago; how many."""
        return self._forget(FORGET, KEPT_FOR)

    def prune_links(self) -> int:
        """Delete some links that could not be used any more long ago; how many."""
        return self._forget(FORGET_LINKS, LINKS_KEPT_FOR)

    def _forget(self, statement: LiteralString, after: timedelta) -> int:
        with self._database.connection() as connection:
            return connection.execute(statement, [after, PRUNED_AT_ONCE]).rowcount
