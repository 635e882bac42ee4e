"""Whatever holds the invoices: an organization billed by Stripe or by the journal."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from adapters.postgres.database import Database
from tests.journal_billed import JournalBilled
from tests.stripe_memory import Billed

Bill = Callable[..., Billed]


@pytest.fixture(params=["stripe", "journal"])
def bill(request: pytest.FixtureRequest) -> Iterator[Bill]:
    """Whatever holds the invoices, these hold: an organization billed by Stripe or the journal."""
    if request.param == "stripe":
        yield Billed
        return
    database = Database(request.getfixturevalue("database_url"), size=2)
    yield partial(JournalBilled, database)
    database.close()
