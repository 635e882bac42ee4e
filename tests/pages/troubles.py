"""Troubles for the operations page: a sync, a letter, a message, an e-mail that failed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.postgres.database import Database
from adapters.postgres.dead_letters import PostgresDeadLetters
from adapters.postgres.sync_queue import PostgresSyncQueue
from application.inbox import Message as StripeMessage
from application.messages import Message, Poison
from tests.pages.stage import Stage

PATH = "/operations"
CYCLE = "ops-one.2026-01-01"
WORKER = UUID(int=7)
AGO = datetime.now(UTC) - timedelta(hours=1)


def park(stage: Stage, database: Database, cycle: str = CYCLE, why: str = "unsafe: x") -> None:
    queue = PostgresSyncQueue(database)
    queue.mark(cycle, 1, AGO)
    for claim in queue.claim(50):
        if claim.cycle == cycle:
            queue.fail(claim.token, why, refused=True, park=True)
        else:
            queue.give_back(claim.token, timedelta())


def dead_letter(database: Database, body: str, detail: str = "no such meter") -> int:
    sent = Message(body=body.encode(), content_type="application/json", routing_key="fra")
    poison = Poison(message=sent, code="invalid_record", detail=detail)
    return PostgresDeadLetters(database).add([poison])[0]


def failed_message(stage: Stage, database: Database, name: str, why: str = "busy: x") -> None:
    about = StripeMessage(id=name, type="invoice.paid", object_id="in_1", cycle=CYCLE)
    assert stage.wired.inbox.accept(about, b"{}")
    with database.connection() as connection:
        connection.execute(
            "UPDATE webhook_inbox SET last_error = %s, due_at = NULL WHERE event_id = %s",
            [why, name],
        )


def mail_given_up(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute(
            "WITH told AS (INSERT INTO notice (occurrence, kind, organization, at, data)"
            " VALUES (gen_random_uuid()::text, 'invoice.issued', 'ops-mail', now(), '{}')"
            " RETURNING number)"
            " INSERT INTO mail (notice, organization, member, status, attempts, error)"
            " SELECT number, 'ops-mail', 'ada', 'given_up', 1, 'the mail server refused it: 550'"
            " FROM told RETURNING number"
        ).fetchone()
    assert row is not None
    return int(row[0])
