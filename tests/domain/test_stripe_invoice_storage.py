"""Every event of a StripeInvoice can be stored as JSON and read back as it was."""

import msgspec
import pytest

from domain.events import stripe_invoice
from domain.events.stripe_invoice import StripeInvoiceEvent
from tests.stripe_memory import CYCLE, Billed


def history() -> list[object]:
    billed = Billed({"a": 5, "größe/b": 6}, linked=False)
    billed.reconciler.sync(CYCLE, "worker")
    billed.sandbox.dashboard.add_line(billed.invoice["id"], 1, "by hand")
    billed.reconciler.audit(CYCLE)
    billed.sandbox.dashboard.remove_line(billed.lines[-1]["id"])
    billed.reconciler.finalize(CYCLE, "scheduler")
    billed.reconciler.void(CYCLE, "support")
    return billed.stream.events[CYCLE]


@pytest.mark.parametrize("event", history(), ids=lambda event: type(event).__name__)
def test_an_event_survives_the_store(event: object) -> None:
    assert isinstance(event, StripeInvoiceEvent)
    stored = msgspec.json.encode(event)
    assert msgspec.json.decode(stored, type=type(event)) == event


def test_every_event_class_has_a_decoder() -> None:
    kinds = [kind for kind in vars(stripe_invoice).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, StripeInvoiceEvent):
            msgspec.json.Decoder(kind)
