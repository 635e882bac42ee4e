"""A worker may die at any step over the journal, too: one customer, invoice, number and note."""

from collections.abc import Iterator

import pytest

from adapters.postgres.database import Database
from application.gateway import CreditNote
from tests.application.test_reconciler_crashes import (
    FIRST,
    GATEWAY_STEPS,
    THEN,
    Life,
    Mortal,
    die_at,
)
from tests.journal_billed import JournalBilled
from tests.stripe_memory import CYCLE

NOTE = CreditNote(id="n1", lines={"b": 5}, reason="a bad week", reduce_due=5)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, size=2)
    yield database
    database.close()


def mortal(
    database: Database, life: Life, amounts: dict[str, int], *, linked: bool
) -> JournalBilled:
    billed = JournalBilled(database, amounts, linked=linked)
    billed.gateway = Mortal(billed.gateway, life, *GATEWAY_STEPS)
    billed._wrapped = Mortal(billed.stream, life, "append", "load")
    return billed


def count(database: Database, table: str) -> int:
    with database.connection() as rows:
        found = rows.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return int(found[0]) if found else 0


@pytest.mark.parametrize("point", range(0, 44, 3))
def test_a_first_invoice_killed_at_any_step_is_issued_once(database: Database, point: int) -> None:
    life = Life()
    billed = mortal(database, life, FIRST, linked=False)
    if not die_at(point, life, lambda: billed.reconciler.finalize(CYCLE, "worker")):
        assert point > 16, "it ended before it could be killed"
    assert billed.reconciler.finalize(CYCLE, "worker").proof
    assert billed.held == FIRST
    assert [(each["number"], each["status"]) for each in billed.invoices] == [("J-000001", "open")]
    assert count(database, "journal_customer") == 1


@pytest.mark.parametrize("point", range(0, 36, 3))
def test_changes_and_a_note_killed_at_any_step_are_there_once(
    database: Database, point: int
) -> None:
    life = Life()
    billed = mortal(database, life, FIRST, linked=True)
    billed.reconciler.sync(CYCLE, "worker")
    billed.owes(THEN)
    die_at(point, life, lambda: billed.reconciler.sync(CYCLE, "worker"))
    assert billed.reconciler.finalize(CYCLE, "worker").proof
    assert billed.held == THEN
    die_at(point, life, lambda: billed.reconciler.credit_note(CYCLE, NOTE, "support"))
    assert billed.reconciler.credit_note(CYCLE, NOTE, "support").total == 5
    assert (count(database, "journal_note"), len(billed.invoices)) == (1, 1)
    assert billed.reconciler.audit(CYCLE) == ()
