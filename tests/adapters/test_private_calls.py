"""A customer's name and address in calls at Stripe: repeated as they were, never in the log."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adapters.postgres.database import Database
from adapters.postgres.erasing import PostgresPersonalData
from adapters.postgres.event_log import CyclebookEvents, PostgresEventLog
from adapters.postgres.private_calls import PostgresPrivateParameters
from application.erasing import Person
from application.stripe_stream import LoggedStripeStream
from domain.events.stripe_invoice import CallAnswered, CallAttempted
from domain.identity import stripe_stream

CYCLE = "acme.2026-01-01"
AT = datetime(2026, 2, 1, tzinfo=UTC)
PARAMETERS = {"metadata[organization]": "acme", "name": "Ada", "email": "ada@acme.example"}


class Streams:
    """The stream of a cycle at Stripe, as each process has it."""

    def __init__(self, url: str) -> None:
        self.database, self.events = Database(url), CyclebookEvents(url)
        self.log = PostgresEventLog(self.database, self.events)

    def new(self) -> LoggedStripeStream:
        """As a process that has just started has it."""
        private = PostgresPrivateParameters(self.database)
        return LoggedStripeStream(self.log, lambda: AT, private)

    def logged(self) -> list[dict[str, str]]:
        """The parameters that the log holds."""
        history = self.log.read(stripe_stream(CYCLE))
        return [each.event.parameters for each in history if isinstance(each.event, CallAttempted)]

    def kept(self) -> int:
        """How many calls have something kept apart."""
        with self.database.connection() as connection:
            return connection.execute("SELECT FROM stripe_call_private").rowcount


@pytest.fixture
def streams(each_database_url: str) -> Iterator[Streams]:
    found = Streams(each_database_url)
    with found.database.connection() as connection:
        connection.execute("SELECT ensure_event_partition(2026, 1)")
    yield found
    found.events.close()
    found.database.close()


def attempted(streams: Streams, purpose: str = "customer") -> None:
    call = CallAttempted(
        plan=1,
        purpose=purpose,
        key="k1",
        method="POST",
        endpoint="/v1/customers",
        parameters=PARAMETERS,
        revision=1,
        attempted_at=AT,
    )
    streams.new().append(CYCLE, 0, [call], "worker")


def answered(streams: Streams) -> None:
    answer = CallAnswered(
        key="k1", status=200, reference="cus_1", request="req_1", code=None, message=None
    )
    streams.new().append(CYCLE, 1, [answer], "worker")


def open_parameters(streams: Streams) -> dict[str, str] | None:
    state, _ = streams.new().load(CYCLE)
    return state.open.parameters if state.open else None


def test_a_call_without_an_answer_is_repeated_as_it_was(streams: Streams) -> None:
    attempted(streams)
    assert streams.logged() == [{"metadata[organization]": "acme"}]
    assert open_parameters(streams) == PARAMETERS


def test_once_it_is_answered_nothing_is_kept(streams: Streams) -> None:
    attempted(streams)
    assert streams.kept() == 1
    answered(streams)
    assert (streams.kept(), open_parameters(streams)) == (0, None)


def test_calls_about_other_things_are_logged_as_they_are(streams: Streams) -> None:
    attempted(streams, purpose="product")
    assert (streams.logged(), streams.kept()) == ([PARAMETERS], 0)


def test_who_is_erased_in_between_is_in_no_call_any_more(streams: Streams) -> None:
    attempted(streams)
    person = Person(organization="acme", user="u1")
    PostgresPersonalData(streams.database).erase(person, name_too=False, by="x", at=AT)
    assert open_parameters(streams) == {"metadata[organization]": "acme"}
