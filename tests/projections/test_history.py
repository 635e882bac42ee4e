"""The story of a cycle: a sentence for every event, as support reads it."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Union, get_args, get_origin

import pytest

from domain.events import catalog, cycle, organization, usage
from domain.events.base import Recorded
from domain.identity import catalog_stream, organization_stream
from domain.quantity import plain
from projections.history import describe, story
from tests.january import JANUARY
from tests.world import january, without_chance, world

EVENTS = [
    each
    for module in (cycle, organization, catalog)
    for _, each in inspect.getmembers(module, inspect.isclass)
    if each.__module__ == module.__name__ and not each.__name__.endswith("Event")
] + [usage.UsageRecorded]


def example(kind: Any) -> Any:
    """An event of a class with something in every field."""
    fields = {field.name: _value(field.type, field.name) for field in dataclasses.fields(kind)}
    return kind(**fields)


def _value(kind: Any, name: str) -> Any:
    if name == "currency":
        return "usd"
    if kind is datetime or get_origin(kind) in (Union, type(datetime | None)):
        return JANUARY if datetime in (kind, *get_args(kind)) else get_args(kind)[0](3)
    if get_origin(kind) in (tuple, dict):
        return get_origin(kind)()
    return kind(3)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_sentence(kind: type) -> None:
    for currency in ("", "usd"):
        sentence = describe(example(kind), currency)
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert not sentence.endswith(".")
        assert "\n" not in sentence


def test_nobody_writes_sentences_about_what_is_no_event() -> None:
    with pytest.raises(TypeError):
        describe(object())


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
