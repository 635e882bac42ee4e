"""Notices: what somebody should be told, once for each occurrence; told, listed and read."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from projections.notices import Notice

__all__ = ["CUSTOMERS", "KINDS", "SUBJECTS", "Kind", "Notice", "NoticeBoard", "Notices", "Told"]

BILLING, ALERTS, CASES, TROUBLE = "billing", "alerts", "cases", "trouble"
TEST = "endpoint.test"
SUBJECTS = (BILLING, ALERTS, CASES, TROUBLE)
"""What members can choose to be told of by e-mail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of notice. meaning: one sentence. customers: whether the organization sees it.

    mailed: the subject under which members get it as an e-mail, ``None`` where they never do.
    """

    meaning: str
    customers: bool = False
    mailed: str | None = None


def _shown(meaning: str, mailed: str | None = None) -> Kind:
    return Kind(meaning=meaning, customers=True, mailed=mailed)


KINDS: Mapping[str, Kind] = {
    "invoice.updated": Kind(meaning="An invoice that is not issued yet comes to something else."),
    "invoice.upcoming": _shown("A period ends within days.", BILLING),
    "invoice.issued": _shown("An invoice was issued.", BILLING),
    "invoice.paid": _shown("An invoice was paid."),
    "invoice.past_due": _shown("An invoice was not paid by its due date.", BILLING),
    "invoice.payment_failed": _shown("An attempt to collect an invoice failed.", BILLING),
    "invoice.action_required": _shown("The customer has to confirm a payment.", BILLING),
    "invoice.credited": _shown("An issued invoice was corrected by a credit note."),
    "invoice.refunded": _shown("Money was paid back."),
    "invoice.refund_failed": _shown("Money that was paid back did not arrive."),
    "invoice.disputed": _shown("A payment is disputed with the bank, or the bank decided."),
    "invoice.voided": _shown("An issued invoice was taken back."),
    "invoice.uncollectible": Kind(meaning="Nobody expects this invoice to be paid."),
    "alert.reached": _shown("A spend alert was reached.", ALERTS),
    "usage.unusual": Kind(meaning="A line differs much from the months before."),
    "case.reported": _shown("A problem with a bill was reported."),
    "case.acknowledged": _shown("Somebody looks into a reported problem.", CASES),
    "case.commented": _shown("Somebody wrote about a reported problem.", CASES),
    "case.resolved": _shown("A reported problem was resolved.", CASES),
    "case.reopened": _shown("A resolved problem was reported again."),
    "trouble.noticed": _shown(
        "Something of ours keeps an invoice from its payment pages.", TROUBLE
    ),
    "trouble.over": _shown("That is mended.", TROUBLE),
    "sync.failed": Kind(meaning="A cycle cannot be synced: parked, or failing for long."),
    "sync.recovered": Kind(meaning="A cycle that could not be synced is in step again."),
    "syncs.failed": Kind(meaning="Many cycles cannot be synced."),
    "syncs.recovered": Kind(meaning="Many cycles that could not be synced are in step again."),
    "stripe.away": Kind(meaning="Stripe does not answer, or refuses our key: it is left alone."),
    "stripe.back": Kind(meaning="Stripe answers again."),
    "discrepancy.found": Kind(meaning="Stripe differs from the books."),
    "quarantine.growing": Kind(meaning="Many usage records could not be placed within an hour."),
    "endpoint.disabled": Kind(meaning="A webhook endpoint failed for days and was disabled."),
    TEST: Kind(meaning="Somebody asked for a test of a webhook endpoint."),
}
"""Every kind of notice. The names are stable."""

CUSTOMERS = tuple(name for name, kind in KINDS.items() if kind.customers)
"""The kinds that an organization sees; the others are for whoever runs this service."""


def mailed_as(notice: Notice) -> str | None:
    """The subject under which members get a notice as an e-mail; ``None`` where they do not.

    Nobody is told by e-mail what the customer wrote, or that nothing is to be paid.
    """
    nothing = notice.kind in ("invoice.issued", "invoice.upcoming") and not notice.data.get("total")
    own = notice.kind == "case.commented" and notice.data.get("by") == "customer"
    return None if nothing or own else KINDS[notice.kind].mailed


def notice_id(occurrence: str) -> str:
    """The name of a notice outside; it follows from the occurrence, and so never changes.

    >>> notice_id("invoice.paid/acme.2026-01-01/17")
    'ntc_acc0f9347dd3ec9442c1'
    """
    return f"ntc_{hashlib.sha256(occurrence.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A notice that was announced. number: its place among all; later ones are higher.

    unread: by whoever asks; ``None`` where nobody in particular does.
    """

    number: int
    kind: str
    organization: str
    occurrence: str
    at: datetime
    cycle: str | None
    data: Mapping[str, object]
    unread: bool | None = None

    @property
    def id(self) -> str:
        """Its name outside, the same for ever."""
        return notice_id(self.occurrence)


class Notices(Protocol):
    """Where notices are told."""

    def announce(self, notices: Sequence[Notice]) -> int:
        """Tell these, each occurrence once; how many are new."""
        ...


class NoticeStore(Notices, Protocol):
    """Keeps what was told."""

    def list(
        self,
        *,
        organization: str | None,
        kinds: Sequence[str] | None,
        reader: str | None,
        unread: bool,
        before: int | None,
        limit: int,
    ) -> Sequence[Told]:
        """Notices, newest first, older than ``before``; of one organization, or of all.

        kinds: only these. unread: only those that ``reader`` has not read.
        """
        ...

    def unread(self, organization: str, kinds: Sequence[str], reader: str) -> int:
        """How many of an organization's notices somebody has not read."""
        ...

    def read(self, organization: str, reader: str, up_to: int) -> None:
        """Somebody has read an organization's notices up to a number. It never goes back."""
        ...


class NoticeBoard:
    """What one can do with notices."""

    def __init__(self, store: NoticeStore) -> None:
        self._store = store

    def announce(self, notices: Sequence[Notice]) -> int:
        """Tell these, each occurrence once; how many are new."""
        return self._store.announce(notices)

    def list(
        self,
        *,
        organization: str,
        kinds: Sequence[str] | None = None,
        reader: str | None = None,
        unread: bool = False,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Told]:
        """What an organization sees, newest first, older than the number ``before``.

        reader: who asks, such as ``key:ck_12345678``; each reader has a mark of their own.
        unread: only what they have not read.
        """
        return self._store.list(
            organization=organization,
            kinds=[each for each in CUSTOMERS if kinds is None or each in kinds],
            reader=reader,
            unread=unread,
            before=before,
            limit=limit,
        )

    def everything(
        self,
        *,
        organization: str | None = None,
        kinds: Sequence[str] | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Told]:
        """All there was to tell, newest first; for whoever runs this service."""
        return self._store.list(
            organization=organization,
            kinds=kinds,
            reader=None,
            unread=False,
            before=before,
            limit=limit,
        )

    def unread(self, organization: str, reader: str) -> int:
        """How many of an organization's notices a reader has not read."""
        return self._store.unread(organization, CUSTOMERS, reader)

    def read(self, organization: str, reader: str, up_to: int) -> int:
        """Note that somebody has read up to a number; how many are unread now."""
        self._store.read(organization, reader, up_to)
        return self.unread(organization, reader)
