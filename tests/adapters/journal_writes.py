"""Writes to a journal, and what it holds then."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.postgres.database import Database
from application.gateway import Answer, CreditNote, StripeCall, StripeRequest
from projections.remote_invoice import Marks, RemoteInvoice
from tests.journal_billed import JournalBilled
from tests.stripe_memory import CYCLE

OWED = {"fee": 1000, "usage": 500}
MARKS = Marks(cycle=CYCLE, revision=1, plan=1)


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    database = Database(each_database_url, size=4)
    yield database
    database.close()


@pytest.fixture
def billed(database: Database) -> JournalBilled:
    return JournalBilled(database, OWED)


@pytest.fixture
def issued(billed: JournalBilled) -> JournalBilled:
    billed.reconciler.finalize(CYCLE, "scheduler")
    return billed


def seen(billed: JournalBilled) -> RemoteInvoice:
    found = billed.gateway.glance(billed.invoice["id"])
    assert found is not None
    return found


def send(billed: JournalBilled, request: StripeRequest, key: str) -> Answer:
    call = StripeCall(
        key=key,
        method=request.method,
        endpoint=request.endpoint,
        parameters=request.parameters,
    )
    return billed.gateway.send(call)


def pay(billed: JournalBilled, amount: int, reference: str = "bank 1") -> None:
    billed.gateway.take_payment(billed.invoice["id"], amount, reference, billed.now, "ada")


def credit(billed: JournalBilled, **note: object) -> None:
    terms: dict = {"id": "n1", "reason": "a bad week"} | note
    billed.reconciler.credit_note(CYCLE, CreditNote(**terms), "support")


def again(database: Database, amounts: dict[str, int], revision: int) -> JournalBilled:
    """The same customer's next invoice, issued."""
    other = JournalBilled(database, amounts)
    other.desired = replace(
        other.desired, invoice=replace(other.desired.invoice, revision=revision)
    )
    other.reconciler.finalize(CYCLE, "scheduler")
    return other
