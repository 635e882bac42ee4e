"""What became of an issued invoice: its payments, credit notes, refunds and disputes at Stripe."""

from collections.abc import Callable
from typing import Any

import stripe

from adapters.stripe.errors import errors_in_our_words, missing
from adapters.stripe.reading import id_of, plain
from adapters.stripe.reading_money import OVER, read_dispute, read_note, read_payment, read_refund
from application.gateway import (
    StripeDispute,
    StripeNote,
    StripePayment,
    StripeRefund,
    StripeRequest,
)

PAGE_MAX = 100
"""What one page of a Stripe list holds at most."""

Json = dict[str, Any]

SPLIT = ("refund_amount", "credit_amount", "out_of_band_amount")


class StripeMoney:
    """Reads what is paid and given back. An event about a charge leads to its invoice through
    the invoice payment of its intent: a charge itself does not name its invoice.

    Source: https://docs.stripe.com/api/invoice-payment
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = client

    def invoice_of(self, kind: str, thing: str) -> str | None:
        """The invoice that an event of a ``kind`` is about, which names a ``thing``, if any is."""
        v1 = self._client.v1
        match kind.split("."):
            case ["invoice", *_]:
                return thing
            case ["invoice_payment", *_]:
                return _named(_found(lambda: v1.invoice_payments.retrieve(thing)), "invoice")
            case ["credit_note", *_]:
                return _named(_found(lambda: v1.credit_notes.retrieve(thing)), "invoice")
            case ["refund", *_] | ["charge", "refund", *_]:
                return self._paid_by(_found(lambda: v1.refunds.retrieve(thing)))
            case ["charge", "dispute", *_]:
                return self._paid_by(_found(lambda: v1.disputes.retrieve(thing)))
            case ["charge", "refunded"]:
                return self._paid_by(_found(lambda: v1.charges.retrieve(thing)))
            case _:
                return None

    def note(self, note: str) -> StripeNote | None:
        """A credit note by Stripe's id; ``None`` if there is none."""
        found = _found(lambda: self._client.v1.credit_notes.retrieve(note))
        return self._read_note(found) if found else None

    def notes(self, invoice: str) -> tuple[StripeNote, ...]:
        """The credit notes of an invoice, oldest first; those taken back, too."""
        with errors_in_our_words():
            listed = self._client.v1.credit_notes.list({"invoice": invoice, "limit": PAGE_MAX})
            every = [plain(note) for note in listed.auto_paging_iter()]
        return tuple(self._read_note(note) for note in reversed(every))

    def size(self, request: StripeRequest) -> StripeNote:
        """What Stripe would make of a credit note: its tax and total. Changes nothing.

        Source: https://docs.stripe.com/api/credit_notes/preview
        """
        form = {name: text for name, text in request.parameters.items() if name not in SPLIT}
        with errors_in_our_words():
            answer: Any = self._client.raw_request("get", "/v1/credit_notes/preview", **form)
        return read_note(answer.data, ())

    def payments(self, invoice: str) -> tuple[StripePayment, ...]:
        """The payments of a finalized invoice, oldest first."""
        with errors_in_our_words():
            query: Any = {"invoice": invoice, "limit": PAGE_MAX}
            listed = self._client.v1.invoice_payments.list(query)
            every = [plain(payment) for payment in listed.auto_paging_iter()]
            return tuple(read_payment(each, self._intent(each)) for each in reversed(every))

    def refunds(self, payment: str) -> tuple[StripeRefund, ...]:
        """What of a payment went back, oldest first; what did not arrive, too."""
        if not _collected(payment):
            return ()
        with errors_in_our_words():
            query: Any = {"payment_intent": payment, "limit": PAGE_MAX}
            listed = self._client.v1.refunds.list(query)
            every = [plain(refund) for refund in listed.auto_paging_iter()]
        return tuple(read_refund(each) for each in reversed(every) if each["status"] in OVER)

    def disputes(self, payment: str) -> tuple[StripeDispute, ...]:
        """The disputes about a payment, oldest first."""
        if not _collected(payment):
            return ()
        with errors_in_our_words():
            query: Any = {"payment_intent": payment, "limit": PAGE_MAX}
            listed = self._client.v1.disputes.list(query)
            every = [plain(dispute) for dispute in listed.auto_paging_iter()]
        return tuple(read_dispute(each) for each in reversed(every))

    def _read_note(self, note: Json) -> StripeNote:
        lines = note["lines"]
        if not lines.get("has_more"):
            return read_note(note, lines["data"])
        with errors_in_our_words():
            listed = self._client.v1.credit_notes.line_items.list(note["id"], {"limit": PAGE_MAX})
            return read_note(note, [plain(line) for line in listed.auto_paging_iter()])

    def _intent(self, payment: Json) -> Json | None:
        """What is tried for an open payment; a closed one says everything itself."""
        intent = payment["payment"].get("payment_intent")
        if payment["status"] != "open" or not intent:
            return None
        return plain(self._client.v1.payment_intents.retrieve(id_of(intent)))

    def _paid_by(self, thing: Json | None) -> str | None:
        """The invoice that the intent behind a charge, refund or dispute pays, if it pays one."""
        intent = _named(thing, "payment_intent")
        if intent is None:
            return None
        query: Any = {"payment": {"type": "payment_intent", "payment_intent": intent}}
        with errors_in_our_words():
            listed = self._client.v1.invoice_payments.list(query)
        return next((_named(plain(each), "invoice") for each in listed.data), None)


def _found(read: Callable[[], stripe.StripeObject]) -> Json | None:
    """What was read, or ``None`` where there is no such thing."""
    with errors_in_our_words():
        try:
            return plain(read())
        except stripe.InvalidRequestError as error:
            if missing(error):
                return None
            raise


def _collected(payment: str) -> bool:
    """Whether Stripe took the money itself; what came another way goes back another way."""
    return payment.startswith("pi_")


def _named(thing: Json | None, field: str) -> str | None:
    reference = thing.get(field) if thing else None
    return id_of(reference) if reference else None
