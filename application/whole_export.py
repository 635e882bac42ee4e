"""Everything about an organization, as flat rows that any table takes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.case_views import CaseFilter
from application.cases import Cases
from application.detached import names_here
from application.export_rows import COLUMNS, Row
from application.holdings import Holdings
from application.invoices import Invoices
from application.ports import Books
from application.registration import Registration
from application.views import InvoiceView
from domain.billing_cycle import Outcome
from domain.events.base import Recorded
from domain.events.usage import UsageRecorded, instant
from domain.period import written_utc
from domain.quantity import plain

PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedEvent:
    """An event with its body as stored. kind: ``organization cycle stripe case``.

    name: of the organization, cycle or case.
    """

    kind: str
    name: str
    topic: str
    body: str
    recorded: Recorded


class OrganizationLog(Protocol):
    """Reads what the log holds of an organization."""

    def events(self, organization: str, *, for_staff: bool) -> Iterator[ExportedEvent]:
        """Its events in the log's order. What happened at Stripe and to cases: for staff alone."""
        ...


class OrganizationRows(Protocol):
    """Reads what tables hold of an organization beside the log and the invoices."""

    def rows(
        self, organization: str, customer: str | None, *, for_staff: bool
    ) -> Iterator[tuple[str, Row]]:
        """Rows (kind, columns), one kind after the other. customer: as whom it is billed now."""
        ...


class WholeExport:
    """Exports everything about an organization. Writes nothing."""

    def __init__(  # noqa: PLR0913 - each knows something else of an organization
        self,
        registration: Registration,
        books: Books,
        invoices: Invoices,
        holdings: Holdings,
        cases: Cases,
        log: OrganizationLog,
        kept: OrganizationRows,
    ) -> None:
        self._registration = registration
        self._books = books
        self._invoices = invoices
        self._holdings = holdings
        self._cases = cases
        self._log = log
        self._kept = kept

    def rows(self, organization: str, *, for_staff: bool) -> Iterator[tuple[str, Row]]:
        """Rows (kind, columns) of all kinds, one kind after the other; usage before its event.

        for_staff: also what happened at Stripe, events of cases, internal comments, and how the
        service was run for it: see ``STAFF``.

        Raises:
            NotFound: there is no such organization.
        """
        self._registration.get(organization)
        return self._rows(organization, for_staff)

    def _rows(self, organization: str, for_staff: bool) -> Iterator[tuple[str, Row]]:
        parts: tuple[Callable[[], Iterator[tuple[str, Row]]], ...] = (
            lambda: self._who(organization),
            lambda: self._credits(organization),
            lambda: self._alerts(organization),
            lambda: self._bills(organization),
            lambda: self._reports(organization, for_staff),
            lambda: self._others(organization, for_staff),
            lambda: self._events(organization, for_staff),
        )
        for part in parts:
            for kind, row in part():
                known = {"organization": organization, **row}
                yield kind, {name: known[name] for name in COLUMNS[kind]}

    def _who(self, organization: str) -> Iterator[tuple[str, Row]]:
        view = self._registration.get(organization)
        yield (
            "organization",
            {
                "name": view.name,
                "currency": view.currency,
                "time_zone": view.time_zone,
                "anchor_day": view.anchor_day,
                "policies": json.dumps(dict(view.policies), default=str, sort_keys=True),
                "stripe_customer": view.stripe_customer,
            },
        )
        for each in view.members:
            yield "member", {"user": each.user, "email": each.email, "role": each.role}

    def _credits(self, organization: str) -> Iterator[tuple[str, Row]]:
        for each in self._holdings.credits(organization):
            yield (
                "credit",
                {
                    "credit": each.credit,
                    "currency": each.currency,
                    "amount": each.amount,
                    "applied": each.applied,
                    "expired": each.expired,
                    "remaining": each.remaining,
                    "reason": each.reason,
                    "granted_at": written_utc(each.granted_at),
                    "expires_at": _instant(each.expires_at),
                },
            )

    def _alerts(self, organization: str) -> Iterator[tuple[str, Row]]:
        for armed in self._books.snapshot(organization).organization.alerts.values():
            each = armed.configured
            yield "alert", {name: getattr(each, name) for name in COLUMNS["alert"]}

    def _others(self, organization: str, for_staff: bool) -> Iterator[tuple[str, Row]]:
        customer = self._registration.get(organization).stripe_customer
        return self._kept.rows(organization, customer, for_staff=for_staff)

    def _bills(self, organization: str) -> Iterator[tuple[str, Row]]:
        for cycle in names_here(self._books, organization):
            view = self._invoices.get(cycle)
            yield "invoice", _invoice(view)
            yield from (("outcome", _outcome(view, each)) for each in view.outcomes)
            for line in view.invoice.lines:
                yield (
                    "invoice_line",
                    {
                        "cycle": cycle,
                        "line": line.key,
                        "kind": line.kind,
                        "description": line.description,
                        "quantity": plain(line.quantity),
                        "unit": line.unit,
                        "amount": line.amount,
                        "unrounded_amount": plain(line.unrounded),
                        "currency": view.invoice.currency,
                        "starts": written_utc(line.period.start),
                        "ends": written_utc(line.period.end),
                        "price": line.price,
                        "attachment": line.attachment,
                        "corrects": line.corrects,
                    },
                )

    def _reports(self, organization: str, for_staff: bool) -> Iterator[tuple[str, Row]]:
        after: int | None = None
        while True:
            page = self._cases.list(CaseFilter(organization=organization), after, PAGE)
            for each in page.data:
                yield (
                    "case",
                    {
                        "case": each.case,
                        "status": each.status,
                        "cycle": each.cycle,
                        "line": each.line,
                        "amount": each.amount,
                        "currency": each.currency,
                        "reported_at": written_utc(each.reported_at),
                        "resolved_at": _instant(each.resolved_at),
                    },
                )
                for entry in self._cases.timeline(each.case, for_staff, organization):
                    yield (
                        "case_entry",
                        {
                            "case": each.case,
                            "at": written_utc(entry.at),
                            "actor": entry.who,
                            "what": entry.what,
                            "text": entry.text,
                        },
                    )
            if page.next_cursor is None:
                return
            after = page.next_cursor

    def _events(self, organization: str, for_staff: bool) -> Iterator[tuple[str, Row]]:
        for each in self._log.events(organization, for_staff=for_staff):
            recorded = each.recorded
            if isinstance(recorded.event, UsageRecorded):
                yield from _records(each, recorded.event)
            yield (
                "event",
                {
                    "position": recorded.position,
                    "stream": each.kind,
                    "stream_name": each.name,
                    "version": recorded.version,
                    "topic": each.topic,
                    "recorded_at": written_utc(recorded.recorded_at),
                    "occurred_at": written_utc(recorded.occurred_at),
                    "actor": recorded.actor,
                    "body": each.body,
                },
            )


def _records(stored: ExportedEvent, usage: UsageRecorded) -> Iterator[tuple[str, Row]]:
    for each in usage.records:
        yield (
            "usage_record",
            {
                "cycle": stored.name,
                "source": each.source,
                "id": each.id,
                "meter": each.meter,
                "attachment": each.attachment or None,
                "value": each.value,
                "occurred_at": written_utc(instant(each.at)),
                "properties": json.dumps(each.properties, sort_keys=True, ensure_ascii=False),
                "position": stored.recorded.position,
            },
        )


def _outcome(view: InvoiceView, event: Outcome) -> Row:
    """What became of an issued invoice, by the event's own name."""
    references = (getattr(event, name, None) for name in ("reference", "note", "refund", "dispute"))
    return {
        "cycle": view.invoice.cycle,
        "what": type(event).__name__,
        "at": written_utc(event.at),
        "amount": getattr(event, "amount", None),
        "currency": view.invoice.currency,
        "reference": next((each for each in references if each), None),
        "reason": getattr(event, "reason", None) or getattr(event, "outcome", None),
    }


def _invoice(view: InvoiceView) -> Row:
    return {
        "cycle": view.invoice.cycle,
        "status": view.status,
        "currency": view.invoice.currency,
        "starts": written_utc(view.invoice.period.start),
        "ends": written_utc(view.invoice.period.end),
        "subtotal": view.invoice.subtotal,
        "total": view.total,
        "tax": view.tax,
        "amount_due": view.amount_due,
        "amount_paid": view.amount_paid,
        "number": view.number,
        "issued_at": _instant(view.issued_at),
        "due_at": _instant(view.due_at),
        "digest": view.digest,
        "stripe_invoice": view.stripe.invoice,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else written_utc(at)
