"""What ``Billed`` is over the sandbox, over the journal: the same reconciler, another processor."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.journal.gateway import JournalGateway
from adapters.postgres.database import Database
from application.gateway import Answer, Desired, StripeCall, StripeCustomer
from projections.remote_invoice import RemoteInvoice
from tests.stripe_memory import Billed, MemoryStream, owed

READS = ("glance", "find", "listed", "find_customer", "customer", "note", "notes", "payments")


class Watched(JournalGateway):
    """A journal that remembers what was asked of it."""

    def __init__(self, *around: Any) -> None:
        super().__init__(*around)
        self.written: list[str] = []
        self.read: list[str] = []

    def send(self, call: StripeCall) -> Answer:
        self.written.append(call.endpoint.split("/")[-1])
        return super().send(call)

    def __getattribute__(self, name: str) -> Any:
        if name in READS:
            self.read.append(name)
        return super().__getattribute__(name)


class JournalBilled(Billed):
    """An organization that owes something, the journal, and a reconciler between the two."""

    def __init__(
        self, database: Database, amounts: dict[str, int] | None = None, *, linked: bool = True
    ) -> None:
        self.now = datetime(2026, 1, 10, tzinfo=UTC)
        self.gateway = Watched(database.connection, lambda: self.now)
        self.stream = self._wrapped = MemoryStream()
        self.links: dict[str, str] = {}
        self.desired = Desired(invoice=owed(amounts), customer=StripeCustomer(organization="acme"))
        if linked:
            made = self.gateway.new_customer(self.desired.customer)
            answer = self.gateway.send(
                StripeCall(
                    key="c", method="post", endpoint=made.endpoint, parameters=made.parameters
                )
            )
            self.links["acme"] = answer.reference or ""
            self.forget_calls()

    def _every(self) -> Iterator[RemoteInvoice]:
        """All there are, whenever they were made."""
        listed = JournalGateway.listed(self.gateway, self.now - timedelta(days=90), self.now)
        today = JournalGateway.listed(self.gateway, self.now, self.now + timedelta(seconds=1))
        for page in (*listed, *today):
            yield from page

    @property
    def invoices(self) -> list[dict[str, Any]]:
        return [_row(each) for each in self._every()]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [
            {
                "id": line.id,
                "amount": line.amount,
                "description": line.description,
                "metadata": {"line_key": line.key},
            }
            for each in self._every()
            for line in each.lines.values()
        ]

    def _calls(self, *methods: str) -> list[str]:
        return list(self.gateway.read if "GET" in methods else self.gateway.written)

    def forget_calls(self) -> None:
        self.gateway.written.clear()
        self.gateway.read.clear()


def _row(seen: RemoteInvoice) -> dict[str, Any]:
    marks, due = seen.marks, seen.issue.due_at
    return {
        "id": seen.id,
        "status": seen.status.value,
        "number": seen.issue.number,
        "due_date": int(due.timestamp()) if due else None,
        "metadata": {
            "cycle_id": marks.cycle,
            "revision": str(marks.revision),
            "plan": str(marks.plan),
            "digest": marks.digest,
        },
    }
