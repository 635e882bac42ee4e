"""What a stream is about, in words. Slow: looked for only where something is wrong with it."""

from uuid import UUID

from psycopg import Connection

from adapters.postgres.database import Rows
from domain.identity import case_stream, catalog_stream, organization_stream, stripe_stream

_NAMED = "SELECT cycle FROM cycle_head WHERE cycle_id = %s"
_CYCLES = "SELECT cycle, organization FROM cycle_head"
_CASES = "SELECT case_id FROM case_summary"


def name_of(connection: Connection[Rows], stream: UUID) -> str:
    """What a stream is about."""
    if stream == catalog_stream():
        return "catalog"
    if row := connection.execute(_NAMED, [stream]).fetchone():
        return str(row[0])
    for cycle, organization in connection.execute(_CYCLES):
        if stream == stripe_stream(cycle):
            return f"{cycle} at Stripe"
        if stream == organization_stream(organization):
            return str(organization)
    for (case,) in connection.execute(_CASES):
        if stream == case_stream(case):
            return f"case {case}"
    return f"stream {stream}"
