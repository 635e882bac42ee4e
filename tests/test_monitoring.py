"""Alert rules, their runbooks, the dashboard, and the words of the operations page agree."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.cli.main import COMMANDS
from application import concerns
from application.vitals import WAITING

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = (PROMETHEUS / "alerts.yml").read_text("utf-8")
RUNBOOKS = ROOT / "docs" / "runbooks"
METRICS = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
SUFFIXES = ("_bucket", "_count", "_sum")
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool here: apt-get install prometheus"
)


def alerts() -> dict[str, str]:
    """Each alert's rule, as text, by its runbook's name."""
    rules = re.split(r"^ {6}- alert: Cyclebook", RULES, flags=re.MULTILINE)[1:]
    return {
        re.sub(r"(?<!^)([A-Z])", r"-\1", each.split("\n", 1)[0]).lower(): each for each in rules
    }


def dashboard() -> list[str]:
    """Every expression of the dashboard."""
    board = json.loads((ROOT / "deploy" / "grafana" / "cyclebook.json").read_text("utf-8"))
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert found
    return found


def named(text: str) -> set[str]:
    """The metrics that an expression names, as the reference calls them."""
    names = set(re.findall(r"\bcyclebook_\w+", text))
    return {name.removesuffix(next(filter(name.endswith, SUFFIXES), "")) for name in names}


def test_every_alert_has_its_runbook_and_names_it() -> None:
    assert alerts().keys() == {each.stem for each in RUNBOOKS.glob("*.md")}
    for name, rule in alerts().items():
        assert f"runbook_url: docs/runbooks/{name}.md" in rule
        assert re.search(r"severity: (page|ticket)", rule), name


def test_a_runbook_says_what_it_means_and_what_to_do() -> None:
    for page in RUNBOOKS.glob("*.md"):
        text = page.read_text("utf-8")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["What it means", "Look", "Do"]
        alert = "".join(part.capitalize() for part in page.stem.split("-"))
        assert f"`Cyclebook{alert}`" in text, page.name
        commands = set(re.findall(r"`cyclebook ([a-z-]+)", text))
        assert commands <= COMMANDS.keys(), page.name


def test_the_operations_page_names_runbooks_that_are_there() -> None:
    names = {runbook for runbook, _, _ in concerns.LOOKS}
    assert names <= {each.stem for each in RUNBOOKS.glob("*.md")}


@pytest.mark.parametrize("text", [RULES, "\n".join(dashboard())], ids=["alerts", "dashboard"])
def test_only_metrics_that_exist_are_asked_for(text: str) -> None:
    listed = set(re.findall(r"^\| `(cyclebook_\w+)", METRICS, re.MULTILINE))
    assert named(text) - listed == set()
    kinds = re.findall(r'what="(\w+)"', text)
    assert set(kinds) <= WAITING.keys()


@needs_promtool
def test_prometheus_takes_the_rules_and_they_fire_on_what_they_are_for() -> None:
    _promtool("check", "config", "prometheus.yml")
    _promtool("test", "rules", "alerts_test.yml")


@needs_promtool
def test_prometheus_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        f"  - record: 'dashboard:{number}'\n    expr: {json.dumps(expr)}"
        for number, expr in enumerate(dashboard())
    ]
    file = tmp_path / "rules.yml"
    file.write_text("groups:\n- name: dashboard\n  rules:\n" + "\n".join(rules) + "\n")
    _promtool("check", "rules", str(file))


def test_every_alert_is_tried() -> None:
    tried = (PROMETHEUS / "alerts_test.yml").read_text("utf-8")
    names = re.findall(r"- alert: (\w+)", RULES)
    assert [each for each in names if tried.count(f"alertname: {each}\n") != 1] == []
    assert [each for each in names if f"alertname: {each}, exp_alerts: []" not in tried] == []


def _promtool(*arguments: str) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
