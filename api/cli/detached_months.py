"""Detached months as commands tell of them: what they did not look at."""

from collections.abc import Sequence
from typing import Any

import click

from application.detached import DetachedMonth


def month_json(each: DetachedMonth) -> dict[str, Any]:
    """One month, for programs."""
    return {
        "month": each.month,
        "cycles": each.cycles,
        "events": each.events,
        "first_position": each.first_position,
        "last_position": each.last_position,
        "seal": each.seal,
        "sha256": each.sha256,
        "file": each.file,
        "detached_at": each.detached_at.isoformat(),
        "detached_by": each.detached_by,
    }


def tell_not_looked_at(months: Sequence[DetachedMonth]) -> None:
    """Say to people what was left out, if anything was."""
    if not months:
        return
    named = ", ".join(each.month for each in months)
    cycles, events = sum(each.cycles for each in months), sum(each.events for each in months)
    click.echo(f"not looked at: {named}, detached with {events} events of {cycles} cycles")
