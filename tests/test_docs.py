"""The documents: links lead somewhere, and the reference names all there is."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from adapters.postgres.mapper import EVENTS
from adapters.postgres.usage_plan import CLOSED
from api.app import BOOKS
from api.cli.main import COMMANDS
from api.settings import Settings
from application.refusals import (
    CUSTOMER_GONE,
    KEY_TOO_NARROW,
    MODES_MIXED,
    TAX_LOCATION_MISSING,
)
from domain.catalog import AGGREGATIONS
from domain.events.base import Recorded
from domain.policies import checked
from domain.pricing import MODELS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_BASES = {
    "CycleEvent",
    "AttachmentEvent",
    "OrganizationEvent",
    "CatalogEvent",
    "StripeInvoiceEvent",
    "CaseEvent",
}
_PARTS = {"HeldLine", "ForeignLine", "Discrepancy", "PackedRecord", "HeaderTally", "UsageHeader"}
_PARTS |= {"Ahead", "Coming", "Level", "LateLine", "StrangeLine", "UnusualLine"}


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))
    assert [each for each in links if not (page.parent / each).exists()] == []


def test_the_index_names_every_guide_reference_and_explanation() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = [
        str(page.relative_to(ROOT / "docs"))
        for folder in ("how-to", "reference", "explanation", "tutorial")
        for page in sorted((ROOT / "docs" / folder).glob("*.md"))
    ]
    assert [each for each in pages if f"]({each})" not in index] == []


def test_the_reference_lists_every_operation_and_no_other() -> None:
    """With its roles, whether it may be repeated under a key (†), and previews (‡)."""
    listed = {
        row[0]: (f"{row[1]} ", set(row[2].split(", "))) for row in _rows(_section("Operations"))
    }
    ops = {f"`{op.method} {_path(op.rule)}`": op for book in BOOKS for op in book.ops}
    assert listed.keys() == ops.keys()
    for name, op in ops.items():
        said, roles = listed[name]
        assert roles == (set(op.roles) or {"none needed"}), name
        assert ("† " in said, "‡ " in said) == (op.keyed, op.previews is not None), name


def _section(title: str) -> str:
    return reference("api.md").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _rows(text: str) -> list[list[str]]:
    """The cells of all tables, without their heads."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert rows
    return rows


def test_the_reference_lists_every_code_of_a_problem_and_no_other() -> None:
    codes = {code for file in _sources() for code in _codes(ast.parse(file.read_text("utf-8")))}
    text = reference("problems.md")
    listed = {code for row in _rows(text) for code in re.findall(r"`(\w+)`", row[0])}
    listed |= set(re.findall(r"`([a-z_]+)`", text.rpartition("At the start")[2]))
    assert codes - listed == set()
    assert listed - codes == OF_HTTP | OF_LATE_FACTS | OF_REFUSALS


OF_HTTP = {"method_not_allowed", "internal_error"}
OF_LATE_FACTS = {"late_rejected", "written_off"}
"""Chosen by a variable, in ``application/cycles.py``."""
OF_REFUSALS = {KEY_TOO_NARROW, MODES_MIXED, CUSTOMER_GONE, TAX_LOCATION_MISSING}
"""Chosen by a variable, in ``application/refusals.py``."""


def _sources() -> Iterator[Path]:
    for layer in (
        "domain",
        "application",
        "api",
        "adapters/postgres",
        "adapters/stripe",
        "adapters/journal",
    ):
        yield from (ROOT / layer).rglob("*.py")


def _codes(tree: ast.AST) -> Iterator[str]:
    """What is given as ``code="..."``, to an error or as an error's own."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str() as code)):
                yield code
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str() as code)):
                yield code


def test_the_reference_lists_every_reason_of_the_quarantine() -> None:
    refusals = [
        node
        for name in ("usage_plan.py", "late_usage.py")
        for node in ast.walk(ast.parse((ROOT / "adapters" / "postgres" / name).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Refusal", "_Refused")
    ]
    codes = {
        argument.value
        for call in refusals
        for argument in call.args
        if isinstance(argument, ast.Constant) and re.fullmatch("[a-z_]+", str(argument.value))
        if "REJECTED" not in ast.unparse(call)
    }
    listed = set(re.findall(r"`(\w+)`", _section("Why a usage record is quarantined")))
    assert {"unknown_meter", "late_rejected"} <= codes
    assert {*codes, CLOSED} - listed == set()


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
