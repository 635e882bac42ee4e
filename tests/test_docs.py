"""The documents: links lead somewhere, and the reference names all there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from adapters.postgres.mapper import EVENTS
from api.app import BOOKS
from api.cli.main import COMMANDS
from api.settings import Settings
from domain.catalog import AGGREGATIONS
from domain.events.base import Recorded
from domain.policies import checked
from domain.pricing import MODELS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_BASES = {"CycleEvent", "OrganizationEvent", "CatalogEvent", "StripeInvoiceEvent"}
_PARTS = {"HeldLine", "ForeignLine", "Discrepancy", "PackedRecord", "HeaderTally", "UsageHeader"}
_PARTS |= {"Ahead", "Coming", "Level", "LateLine"}


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert [each for each in links if not (page.parent / each).exists()] == []


def test_the_reference_lists_every_operation() -> None:
    rules = {f"`{op.method} {_path(op.rule)}`" for book in BOOKS for op in book.ops}
    assert {each for each in rules if each not in reference("api.md")} == set()


def _path(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


def test_the_reference_lists_every_command() -> None:
    text = reference("cli.md")
    assert [name for name in COMMANDS if not re.search(rf"`{name}\b", text)] == []


def test_the_reference_lists_every_setting() -> None:
    names = [each.name.upper() for each in fields(Settings)]
    assert [name for name in names if f"`{name}`" not in reference("settings.md")] == []


def test_the_reference_lists_every_event() -> None:
    names = EVENTS.keys() - _BASES - _PARTS - {Recorded.__name__}
    assert {name for name in names if f"`{name}`" not in reference("events.md")} == set()


def test_the_reference_lists_every_model_aggregation_and_policy() -> None:
    text = reference("pricing.md")
    missing = [name for name in (*MODELS, *AGGREGATIONS) if f"`{name}`" not in text]
    policies = (ROOT / "docs" / "how-to" / "register-and-attach.md").read_text("utf-8")
    missing += [name for name in checked({}) if f"`{name}`" not in policies]
    assert missing == []
