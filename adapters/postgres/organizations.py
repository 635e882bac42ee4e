"""Organizations as their streams make them."""

from collections.abc import Sequence

from psycopg import Connection

from adapters.postgres import event_log
from adapters.postgres.database import Rows
from domain.errors import NotFound
from domain.identity import organization_stream
from domain.organization import Organization, registered


def read_organization(connection: Connection[Rows], organization: str) -> Organization:
    """An organization from its events.

    Raises:
        NotFound: there is none.
    """
    found = event_log.read(connection, organization_stream(organization))
    if not found:
        raise NotFound(f"there is no organization {organization}", organization=organization)
    state = build_organization([each.event for each in found])
    state.version = len(found)
    return state


def build_organization(events: Sequence[object]) -> Organization:
    """An organization as its events make it."""
    first, *rest = events
    state = registered(first)  # type: ignore[arg-type]
    for event in rest:
        state.apply(event)
    return state
