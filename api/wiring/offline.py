"""Wiring of what needs no database: an exported invoice checked by its file alone."""

from adapters.postgres import mapper
from api.invoice_export import invoice_shown
from application.offline import Offline
from domain.events.base import Recorded
from projections.chain import Row


def offline() -> Offline:
    """Checks one exported invoice."""
    return Offline(_decoded, invoice_shown)


def _decoded(row: Row) -> Recorded:
    return mapper.decode(
        row.topic,
        row.state,
        stream=row.stream,
        version=row.version,
        position=row.position,
        recorded_at=row.recorded_at,
    )
