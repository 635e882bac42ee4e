"""``cyclebook plan``, ``sync`` and ``close``: keeping Stripe in step."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from api.cli.session import ACTOR, as_json, print_json, session
from api.schemas.changes import change_set_json, sync_json
from api.schemas.stories import SyncResultSchema
from application.shadowing.books_alone import billed_by_others
from application.worker import SyncWorker
from domain.errors import CyclebookError

if TYPE_CHECKING:
    from api.wiring import Wired

OF_OTHERS = "nothing is written to Stripe: another program bills this cycle (SHADOW, BILL_FROM)"


@click.command()
@click.argument("cycle")
@as_json
def plan(cycle: str, as_json: bool) -> None:
    """Show what a sync of CYCLE would change at Stripe. Nothing happens."""
    with session() as wired:
        changes = wired.reconciler.plan(cycle)
    if as_json:
        print_json(change_set_json(cycle, changes))
    else:
        click.echo(str(changes))
        click.echo(f"{changes.calls} write calls", err=True)
    sys.exit(0 if changes.in_step else 1)


@click.command()
@click.argument("cycle", required=False)
@click.option("--due", is_flag=True, help="Every cycle whose time has come.")
@click.option("--force", is_flag=True, help="Carry out a plan that refuses itself.")
@click.option("--edits", type=click.Choice(["overwrite", "adopt"]), help="What others changed.")
@click.option("--reason", help="Why; --edits has to have one.")
@as_json
def sync(
    cycle: str | None,
    due: bool,
    force: bool,
    edits: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Make Stripe's draft of CYCLE equal our invoice, and prove it."""
    if (cycle is None) != due:
        raise click.UsageError("name a cycle, or say --due")
    if due and (edits or reason):
        raise click.UsageError("--edits and --reason are for one cycle, and not for --due")
    if edits and not reason:
        raise click.UsageError("--edits goes with --reason")
    with session() as wired:
        if cycle and edits and reason:
            wired.conflicts.decide(cycle, edits, reason, actor=ACTOR)
        one = "" if edits else reason or ""
        results = _sync_due(wired) if cycle is None else [_sync(wired, cycle, force, one)]
        is_theirs = billed_by_others(
            shadow=wired.settings.shadow, bill_from=wired.settings.bill_from
        )
    if as_json:
        print_json({"data": results} if due else results[0])
    else:
        for result in results:
            alone = "error" not in result and is_theirs(result["cycle"])
            click.echo(f"{result['cycle']}  {OF_OTHERS}" if alone else _told(result))
        if not results:
            click.echo("nothing is due")
    sys.exit(1 if any(each.get("error") or each.get("discrepancies") for each in results) else 0)


def _sync(wired: "Wired", cycle: str, force: bool, reason: str = "") -> dict[str, Any]:
    result = wired.conflicts.sync(cycle, ACTOR, force, reason)
    dumped: dict[str, Any] = SyncResultSchema().dump(sync_json(cycle, result))
    return dumped


def _sync_due(wired: "Wired") -> list[dict[str, Any]]:
    """Work the queue off; what fails stays in it, with its error."""
    results: list[dict[str, Any]] = []

    def carry_out(cycle: str, _actor: str) -> object:
        try:
            results.append(_sync(wired, cycle, force=False))
        except CyclebookError as error:
            results.append({"cycle": cycle, "error": f"{error.code}: {error}"})
            raise
        return None

    while wired.projector.step():
        pass
    worker = SyncWorker(wired.sync_queue, carry_out)
    while worker.step():
        pass
    return results


def _told(result: dict[str, Any]) -> str:
    if "error" in result:
        return f"{result['cycle']}  {result['error']}"
    proved = f"proved {result['proved_at']}" if result["proved_at"] else "not proved"
    lines = [f"{result['cycle']}  {result['writes']} write calls, {proved}"]
    lines += [f"  draft  {result['terms']}"] if result["terms"] else []
    lines += [f"  {each['op']} {each['key']}  {_changed(each)}" for each in result["changes"]]
    for each in result["discrepancies"]:
        lines.append(f"  differs: {each['kind']} {each['key']}  {each['theirs']}".rstrip())
    return "\n".join(lines)


def _changed(change: dict[str, Any]) -> str:
    if change["op"] != "update":
        return str(change["becomes"] if change["op"] == "create" else change["was"])
    if change["was"] == change["becomes"]:
        # With and without automatic tax a line has another form, although it says the same.
        return f"{change['becomes']} ({', '.join(change['differs']) or 'form'})"
    return f"{change['was']} → {change['becomes']}"


@click.command()
@click.option("--due", is_flag=True, required=True, help="Every cycle whose time has come.")
@as_json
def close(due: bool, as_json: bool) -> None:
    """End periods that are over, cut usage off after grace, settle and issue."""
    failed: list[tuple[str, str]] = []
    with session() as wired:
        done = wired.closing.advance_due(
            datetime.now(UTC), ACTOR, lambda name, error: failed.append((name, str(error)))
        )
    steps = ("closing", "closed", "settled", "issued", "past_due", "credited")
    rows = [
        (step, cycle) for each in done.values() for step in steps for cycle in getattr(each, step)
    ]
    waiting = [(w.cycle, f"{w.code}: {w.reason}") for each in done.values() for w in each.waiting]
    if as_json:
        print_json(
            {
                "done": [{"step": step, "cycle": cycle} for step, cycle in rows],
                "waiting": [{"cycle": cycle, "reason": why} for cycle, why in waiting],
                "failed": [{"organization": name, "error": why} for name, why in failed],
            }
        )
    else:
        told = [*rows, *(("waiting", f"{cycle}  {why}") for cycle, why in waiting)]
        told += [("failed", f"{name}  {why}") for name, why in failed]
        for what, about in told:
            click.echo(f"{what:8} {about}")
        if not told:
            click.echo("nothing is due")
    sys.exit(1 if waiting or failed else 0)
