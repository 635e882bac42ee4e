"""Notices on their way to webhook endpoints, over a database and on a clock of the test's own."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.postgres.database import Database
from adapters.postgres.notices import PostgresNotices
from adapters.postgres.webhook_endpoints import PostgresEndpoints
from adapters.postgres.webhook_lines import PostgresLines
from application.delivering import Delivering
from application.endpoints import Delivery, Endpoints
from application.notices import Notice
from tests.receiver import Sent

URL = "https://erp.example/hook"
ORIGIN = "https://billing.example"


class Post:
    """Notices, endpoints and lines over a database, with a clock of their own."""

    def __init__(self, database: Database) -> None:
        self.now = datetime.now(UTC) + timedelta(seconds=1)
        self.sent = Sent()
        self.lines = PostgresLines(database)
        self.notices = PostgresNotices(database, mails=False)
        self.store = PostgresEndpoints(database)
        self.endpoints = Endpoints(self.store, lambda url: None)
        self.delivering = Delivering(self.lines, self.sent, ORIGIN)

    def listen(self, *kinds: str) -> str:
        return self.endpoints.create(URL, kinds or None, actor="test").id

    def tell(self, number: int, organization: str = "acme", kind: str = "invoice.paid") -> int:
        return self.notices.announce([paid(number, organization, kind, at=self.now)])

    def work(self, *, steady: bool = False) -> list[int]:
        """The amounts of what was tried, in order, until nothing is due."""
        before = len(self.sent.got)
        while self.delivering.step(lambda: self.now, steady=steady):
            pass
        return [json.loads(body)["data"]["amount"] for _, _, body in self.sent.got[before:]]

    def deliveries(self, endpoint: str) -> list[Delivery]:
        """Oldest first."""
        return list(reversed(self.endpoints.deliveries(endpoint)))

    def statuses(self, endpoint: str) -> list[str]:
        return [each.status for each in self.deliveries(endpoint)]


def paid(
    number: int, organization: str = "acme", kind: str = "invoice.paid", *, at: datetime
) -> Notice:
    return Notice(
        kind=kind,
        organization=organization,
        occurrence=f"{kind}/{organization}/{number}",
        at=at,
        cycle=f"{organization}.2026-01-01",
        data={"amount": number},
    )


@pytest.fixture
def post(each_database_url: str) -> Iterator[Post]:
    database = Database(each_database_url)
    yield Post(database)
    database.close()


def failing(*amounts: int, status: int | str = 500):
    """Answers that fail for some notices."""
    return lambda body: status if json.loads(body)["data"].get("amount") in amounts else 204
