"""The story of a cycle: a sentence for every event, as support reads it."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

from domain import events
from domain.events.base import Recorded
from domain.events.case import CaseEvent
from domain.events.catalog import CatalogEvent
from domain.events.cycle import AttachmentEvent, CycleClosed, CycleEvent
from domain.events.late import LateFactsReopened, UsageRetracted
from domain.events.organization import (
    CreditExpired,
    CreditGranted,
    CurrencyChanged,
    OrganizationEvent,
    OrganizationRegistered,
)
from domain.events.outcome import InvoiceFinalized, InvoiceVoided
from domain.events.stripe_invoice import StripeInvoiceEvent
from domain.events.usage import HeaderTally, PackedRecord, UsageRecorded, micros
from domain.identity import catalog_stream, organization_stream
from domain.quantity import plain
from projections.history import describe, story
from tests.january import CLOSING, FEBRUARY, JANUARY, OPENED, attached, day
from tests.world import january, without_chance, world

BASES = (
    CycleEvent,
    AttachmentEvent,
    OrganizationEvent,
    CatalogEvent,
    StripeInvoiceEvent,
    CaseEvent,
)
EVENTS = [
    kind
    for module in pkgutil.iter_modules(events.__path__, "domain.events.")
    for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
    if kind.__module__ == module.name
    and (issubclass(kind, BASES) or kind is UsageRecorded)
    and kind not in BASES
]
"""Every event of any stream, in whatever module."""


def example(kind: Any, *, full: bool) -> Any:
    """An event of a class with something in every field, or only in those it must have."""
    hints = get_type_hints(kind)
    names = [
        field.name
        for field in dataclasses.fields(kind)
        if full or {field.default, field.default_factory} == {dataclasses.MISSING}
    ]
    return kind(**{name: _value(hints[name], name) for name in names})


def _value(kind: Any, name: str) -> Any:
    if name == "currency":
        return "usd"
    if isinstance(kind, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if kind is datetime:
        return JANUARY
    if get_origin(kind) is tuple:
        return (_value(get_args(kind)[0], name),)
    if get_origin(kind) is dict:
        return {_value(key, name): _value(value, name) for key, value in [get_args(kind)]}
    if hasattr(kind, "_fields"):
        return kind(**{each: _value(hint, each) for each, hint in get_type_hints(kind).items()})
    if dataclasses.is_dataclass(kind):
        return example(kind, full=True)
    return "3" if kind is object else kind(3)


@pytest.mark.parametrize("full", [True, False], ids=["everything said", "only what must be"])
@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_sentence(kind: type, full: bool) -> None:
    for currency in ("", "usd"):
        sentence = describe(example(kind, full=full), currency)
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert sentence[-1] not in ".:,; "
        assert not [bad for bad in ("\n", "  ", "None", "()", "Decimal", "{") if bad in sentence]


def test_nobody_writes_sentences_about_what_is_no_event() -> None:
    with pytest.raises(TypeError):
        describe(object())


def recorded(*events: Any) -> list[Recorded]:
    """A stream with these events."""
    return [
        Recorded(
            stream=UUID(int=1),
            version=version,
            position=version,
            recorded_at=event.at,
            occurred_at=event.at,
            actor="test",
            event=event,
        )
        for version, event in enumerate(events, start=1)
    ]


def sentences(*events: Any) -> list[str]:
    return [entry.what for entry in story(recorded(*events))]


RECORD = PackedRecord("fra-7", "r-17", "cpu", "a1", "12.5", micros(day(5)), {})


def usage() -> UsageRecorded:
    tally = HeaderTally("cpu", "a1", {}, 3, "12.5", RECORD.at, RECORD.at)
    return UsageRecorded(lo=RECORD.at, hi=RECORD.at, tallies=(tally,), records=(RECORD,) * 3)


def test_what_comes_after_the_usage_cut_off_is_told_as_late() -> None:
    retracted = UsageRetracted(
        at=day(5), source="fra-7", id="r-17", record=RECORD, reason="sent twice"
    )
    told = sentences(
        OPENED,
        usage(),
        CLOSING,
        usage(),
        CycleClosed(at=FEBRUARY, version=4),
        usage(),
        attached("a2", day(7)),
        retracted,
        LateFactsReopened(at=day(40), by="acme.2026-02-01"),
    )
    used = "3 usage records: 12.5 cpu (a1)"
    assert [told[1], told[3]] == [used, used], "in grace it is in time"
    assert told[5] == f"Late: {used}"
    assert told[6].startswith("Late: ") and told[6].endswith("(a2) attached at base@1")
    assert told[7].startswith("Late: Usage record r-17 of fra-7 retracted")
    assert not told[8].startswith("Late: "), "a decision is no fact of the period"


def test_a_reissued_invoice_is_told_by_its_revision() -> None:
    voided = InvoiceVoided(at=day(40), reason="wrong price", mode="reissue", version=3)
    issued = InvoiceFinalized(at=day(41), total=310, number="A-2", stripe_invoice="in_2")
    assert sentences(OPENED, voided, issued, voided)[1:] == [
        "Voided to be reissued as revision 2: wrong price",
        "Invoice A-2 (revision 2) issued over 3.10 USD",
        "Voided to be reissued as revision 3: wrong price",
    ]


def test_a_credit_expires_in_the_currency_it_was_granted_in() -> None:
    told = sentences(
        OrganizationRegistered(
            at=day(1), organization="acme", currency="usd", time_zone="UTC", anchor_day=1
        ),
        CreditGranted(at=day(2), credit="sorry", amount=1000, currency="usd", reason="outage"),
        CurrencyChanged(at=day(8), currency="eur"),
        CreditExpired(at=day(9), credit="sorry", amount=310),
    )
    assert told[3] == "Credit sorry expired: 3.10 USD of it were not used"


def test_january_reads_as_support_would_read_it(golden: Callable[[str, str], None]) -> None:
    made = world()
    january(made)
    told = [
        *_told("the catalog", made.store.read(catalog_stream())),
        *_told("acme", made.store.read(organization_stream("acme"))),
        *_told("acme.2026-01-01", made.store.history("acme.2026-01-01")),
        "the invoice",
        *(
            f"  {line.amount:>6}  {line.key:<20}  {line.description}"
            for line in made.invoice().invoice.lines
        ),
        f"  {made.invoice().total:>6}",
        "",
        *_told("acme.2026-02-01", made.store.history("acme.2026-02-01")),
        *_explained(made.invoices.explain("acme.2026-01-01", "usage/a1/cpu@1")),
    ]
    golden("january.txt", without_chance("\n".join(told) + "\n"))


def _told(title: str, history: Iterable[Recorded]) -> list[str]:
    entries = [
        f"{entry.version:>3}  {entry.occurred_at:%Y-%m-%d %H:%M}  {entry.actor:<9}  {entry.what}"
        for entry in story(history)
    ]
    return [title, *entries, ""]


def _explained(found: Any) -> list[str]:
    steps = []
    for step in found.steps:
        numbers = [
            f"{name} {plain(value)}"
            for name, value in (
                ("quantity", step.quantity),
                ("at", step.unit_amount),
                ("amount", step.amount),
            )
            if value is not None
        ]
        steps.append(f"  {step.kind:<10} {step.what}: {', '.join(numbers)}")
    records = [f"  {each.id}  {each.occurred_at:%m-%d %H:%M}  {each.value}" for each in found.usage]
    return [f"why {found.line.key} comes to {found.line.amount}", *steps, *records]
