"""The invoice that the events of one file prove, made by what makes it for everybody who asks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.detached import NOTHING_DETACHED, Detached
from application.invoice_view import invoice_view
from application.past import Past
from application.replays import CycleRecord
from application.views import InvoiceView
from domain.catalog import Catalog
from domain.errors import NotFound
from domain.events.base import Recorded
from domain.events.cycle import CycleOpened
from domain.events.usage import UsageRecorded
from domain.identity import catalog_stream, cycle_stream
from domain.period import written_utc
from projections.usage_tally import UsageHistory

NOTHING = object()
"""In place of a field that one of the two sides does not have."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """What a replay reads, out of the events at hand. rows: by stream, oldest first."""

    rows: Mapping[UUID, Sequence[Recorded]]

    def read(self, stream: UUID, after: int = 0) -> Sequence[Recorded]:
        """A stream's events after a version, as far as they are at hand."""
        return [each for each in self.rows.get(stream, ()) if each.version > after]

    def current(self) -> Catalog:
        """The catalog of the meters and prices at hand."""
        catalog = Catalog()
        for each in self.read(catalog_stream()):
            catalog.apply(each)
        return catalog

    def cycle_names(self, organization: str, *, unissued: bool = False) -> Sequence[str]:
        """An organization's cycles at hand, oldest first. unissued: makes no difference here."""
        first = [events[0].event for events in self.rows.values() if events]
        found = [each for each in first if isinstance(each, CycleOpened)]
        mine = (each for each in found if each.organization == organization)
        return [each.cycle for each in sorted(mine, key=lambda each: each.start)]

    def detached(self, organization: str) -> Detached:
        """What is not at hand is not spoken of."""
        return NOTHING_DETACHED

    @contextmanager
    def opened(self, cycle: str, known_at: datetime | None = None) -> Iterator[CycleRecord]:
        """A cycle's events at hand that were recorded by an instant.

        Raises:
            NotFound: there are none.
        """
        history = [
            each
            for each in self.read(cycle_stream(cycle))
            if known_at is None or each.recorded_at <= known_at
        ]
        if not history:
            raise NotFound(f"the events of {cycle} are not in the file", cycle=cycle)
        yield CycleRecord(
            control=[each for each in history if not isinstance(each.event, UsageRecorded)],
            usage=UsageHistory(history),
            version=history[-1].version,
            position=history[-1].position,
        )


def proved_invoice(
    rows: Mapping[UUID, Sequence[Recorded]], organization: str, cycle: str, at: datetime
) -> InvoiceView:
    """The invoice of a cycle by all events at hand, seen at an instant.

    Its badge of Stripe says little: of what happened there only the finalization is at hand.

    Raises:
        NotFound: events that it needs are not at hand.
    """
    store = FileStore(rows)
    if cycle not in store.cycle_names(organization):
        raise NotFound(f"invoice.cycle says {cycle}, whose events are not in the file")
    past = Past(books=store, log=store, catalog=store, records=store, as_of=None, known_at=None)
    turn, position = past.cycle(organization, cycle)
    issued, stripe = turn.state.cycle.issued, past.stripe(cycle)
    seen = stripe.finalized.invoice if stripe.finalized else None
    if issued is not None and issued.stripe_invoice not in (None, seen):
        raise NotFound(f"the finalization of {issued.stripe_invoice} is not in the file")
    return invoice_view(turn, store.current(), stripe, position=position, as_of=at, known_at=at)


def differences(path: str, told: Any, made: Any) -> Iterator[str]:
    """Each field in which what a file tells is not what its events come to, as a sentence.

    path: where both stand in the file. Only plain JSON is compared.
    """
    if isinstance(told, Mapping) and isinstance(made, Mapping):
        for name in {**made, **told}:
            yield from differences(
                f"{path}.{name}", told.get(name, NOTHING), made.get(name, NOTHING)
            )
    elif isinstance(told, list) and isinstance(made, list) and len(told) == len(made):
        for place, (one, other) in enumerate(zip(told, made, strict=True)):
            yield from differences(f"{path}[{place}]", one, other)
    elif _written(told) != _written(made):
        yield f"{path} says {_written(told)}, the events come to {_written(made)}"


def head_differs(path: str, head: Mapping[str, Any], last: "LastSeen") -> Iterator[str]:
    """The number, place and instant of a chain's head, against the last event of its chain."""
    yield from differences(f"{path}.events", head["events"], last.number)
    yield from differences(f"{path}.position", head["position"], last.position)
    if last.is_shown:
        made = written_utc(last.at) if last.at else None
        yield from differences(f"{path}.at", head["at"], made)
    elif head["at"] is None:
        yield f"{path}.at says null, there are events"
    elif last.at and datetime.fromisoformat(head["at"]) < last.at:
        yield f"{path}.at says {head['at']}, an event is of {written_utc(last.at)}"


@dataclass(kw_only=True, slots=True)
class LastSeen:
    """How far a chain was read, and where its last event stands.

    at: of the newest event that has its content; is_shown: whether the last one has it.
    """

    number: int = 0
    position: int = 0
    at: datetime | None = None
    is_shown: bool = True


def _written(value: Any) -> str:
    return "nothing" if value is NOTHING else json.dumps(value, sort_keys=True)
