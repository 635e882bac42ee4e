"""What ``cyclebook verify --chain`` does: the log against its hash chains and kept heads."""

from collections.abc import Sequence
from pathlib import Path

import click

from api.cli.detached_months import month_json, tell_not_looked_at
from api.cli.session import print_json, print_table, session
from application.published_heads import read_heads
from projections.chain import Damage, Head, named


def verify_chain(organization: str | None, from_head: Path | None, *, as_json: bool) -> int:
    """Compare an organization's chain, or all, with the log; the exit status."""
    kept = read_heads(from_head.read_text("utf-8")) if from_head else {}
    with session() as wired:
        chain = wired.audit_trail.chain
        while chain.step():
            pass
        names = chain.names() if organization is None else [organization]
        heads = [chain.head(name) for name in names]
        found = list(chain.verify(organization, kept))
        months = wired.audit_trail.archive.detached()
    if as_json:
        print_json(
            {
                "chains": [_head(each) for each in heads],
                "broken": [_broken(each) for each in found],
                "detached": [month_json(each) for each in months],
            }
        )
    else:
        _tell(heads, found, sum(len(each) for each in kept.values()))
        tell_not_looked_at(months)
    return 1 if found else 0


def _tell(heads: Sequence[Head], found: Sequence[Damage], kept: int) -> None:
    broken = {each.organization for each in found}
    rows: list[list[object]] = [
        [
            named(each.organization),
            "BROKEN" if each.organization in broken else "holds",
            each.events,
            each.position,
            each.head.hex(),
        ]
        for each in heads
    ]
    print_table(["chain", "", "events>", "position>", "head"], rows)
    click.echo(f"compared with the log and {kept} kept heads")
    if found:
        rows = [
            [
                named(each.organization),
                each.what,
                each.about,
                each.version,
                each.position,
                each.detail,
            ]
            for each in found
        ]
        columns = ["chain", "what", "stream", "version>", "position>", "detail"]
        print_table(columns, rows, f"{len(found)} findings:")


def _head(head: Head) -> dict[str, object]:
    return {
        "organization": head.organization or None,
        "position": head.position,
        "events": head.events,
        "head": head.head.hex(),
    }


def _broken(each: Damage) -> dict[str, object]:
    return {
        "organization": each.organization or None,
        "what": each.what,
        "stream": each.about,
        "version": each.version,
        "position": each.position,
        "detail": each.detail,
    }
