"""What alerts and the dashboard ask for is there from the first look on: none waits for ever."""

import json
import re
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import wire
from api.wiring.monitoring import prometheus

DEPLOY = Path(__file__).parents[2] / "deploy"
SELECTOR = re.compile(r"\b(cyclebook_\w+)(?:\{(\w+)=(~?)\"([^\"]*)\"\})?")
OF_THE_PROCESS = (
    "cyclebook_usage_records_total",
    "cyclebook_stripe_calls_total",
    "cyclebook_sync_duration_seconds",
    "cyclebook_request_duration_seconds",
)
"""Counted as it happens: where nothing did, there is nothing."""

ONLY_WHERE_ANY = ("cyclebook_discrepancies", "cyclebook_quarantined")
"""By kinds that nobody knows before. A rule on one fires as soon as there is any."""


def selectors() -> set[tuple[str, str, str]]:
    """Metric, label and pattern of all that is asked for."""
    board = json.loads((DEPLOY / "grafana" / "cyclebook.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8")
    found = SELECTOR.findall("\n".join([rules, *asked]))
    return {
        (name, label, pattern if tilde else re.escape(pattern))
        for name, label, tilde, pattern in found
        if not name.startswith((*OF_THE_PROCESS, *ONLY_WHERE_ANY))
    }


@pytest.fixture
def shown(database_url: str) -> list[tuple[str, str, str]]:
    """What a service shows in which nothing happened yet: metric, label and its value."""
    settings = Settings.from_environment({"DATABASE_URL": database_url})
    with wire(settings, database_url, metrics=prometheus()) as wired:
        text = create_app(wired).test_client().get("/metrics").text
    found = re.findall(r"^(\w+)(?:\{(\w+)=\"([^\"]*)\"\})? ", text, re.MULTILINE)
    return [(name, label, value) for name, label, value in found]


def test_every_selector_selects_something(shown: list[tuple[str, str, str]]) -> None:
    assert [each for each in sorted(selectors()) if not selects(shown, *each)] == []


def selects(shown: list[tuple[str, str, str]], name: str, label: str, pattern: str) -> bool:
    """Whether each alternative of a selector's pattern is shown."""
    values = [value for metric, known, value in shown if (metric, label or known) == (name, known)]
    alternatives = pattern.split("|") if label else []
    return bool(values) and all(
        any(re.fullmatch(each, value) for value in values) for each in alternatives
    )
