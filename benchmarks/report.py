"""What a benchmark found, against its goal: as a table for people, as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the table. goal: at least this much, or ``at_most``; ``None``: no goal."""

    what: str
    measured: float
    unit: str
    goal: float | None = None
    at_most: bool = False
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met."""
        if self.goal is None:
            return None
        if self.at_most:
            return self.measured <= self.goal
        return self.measured >= self.goal

    def wanted(self) -> str:
        """The goal, as people write it."""
        if self.goal is None:
            return ""
        return f"{'≤' if self.at_most else '≥'} {number(self.goal)}"


def number(value: float) -> str:
    """Three digits that matter.

    >>> number(52345.6), number(0.2718), number(7.25)
    ('52,346', '0.272', '7.25')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of ratios, each within one round: what slowed one slowed the other."""
    return median(this / that for this, that in zip(these, those, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_table(findings: Sequence[Finding]) -> None:
    """For people."""
    table = Table(box=None, pad_edge=False)
    for name in ("What", "Measured", "Goal", "Met", "In numbers"):
        table.add_column(name, justify="right" if name in ("Measured", "Goal") else "left")
    for each in findings:
        met = {True: "yes", False: "[bold red]no[/]", None: ""}[each.met]
        measured = f"{number(each.measured)} {each.unit}"
        table.add_row(each.what, measured, each.wanted(), met, each.detail)
    Console().print(table)


def print_json(findings: Sequence[Finding]) -> None:
    """For programs."""
    rows = [vars(each) | {"met": each.met} for each in findings]
    print(json.dumps(rows, indent=2, ensure_ascii=False))
