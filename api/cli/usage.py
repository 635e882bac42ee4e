"""``cyclebook import-usage``: usage records from a file."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.usage_decoder import decode_items

if TYPE_CHECKING:
    from api.wiring import Wired

BATCH = 1_000
REFUSALS_SHOWN_MAX = 20
_PROPERTY = "properties."

Numbered = tuple[int, Any]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def import_usage(file: Path, as_json: bool) -> None:
    """Record usage from FILE.csv or FILE.ndjson. Safe to run again: each record counts once.

    A CSV's first line names the fields; properties are columns such as properties.region.
    """
    counts: Counter[str] = Counter()
    refused: list[tuple[int, str | None, str, str]] = []
    with session() as wired, file.open("rb") as lines:
        size = file.stat().st_size
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=size, file=sys.stderr, hidden=hidden) as bar:
            for batch in _batches(_items(file, lines)):
                _record(wired, batch, counts, refused)
                bar.update(lines.tell() - bar.pos)
    _report(counts, refused, as_json)
    sys.exit(1 if any(outcome not in ("accepted", "duplicate") for outcome in counts) else 0)


def _items(file: Path, lines: IO[bytes]) -> Iterator[Numbered]:
    """The records of a file with their line numbers; what cannot be read stays a text."""
    if file.suffix == ".csv":
        texts = (line.decode("utf-8-sig" if not lines.tell() else "utf-8") for line in lines)
        reader = csv.DictReader(texts)
        for row in reader:
            yield reader.line_num, _from_row(row)
    elif file.suffix in (".ndjson", ".jsonl"):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _from_json(line)
    else:
        raise click.UsageError(f"{file.name} is neither .csv nor .ndjson")


def _from_row(row: dict[str, Any]) -> dict[str, Any]:
    item = {
        name: text
        for name, text in row.items()
        if name and not name.startswith(_PROPERTY) and text not in ("", None)
    }
    properties = {
        name.removeprefix(_PROPERTY): text
        for name, text in row.items()
        if name and name.startswith(_PROPERTY) and text
    }
    return {**item, "properties": properties}


def _from_json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line.decode(errors="replace")


def _batches(items: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _record(
    wired: "Wired",
    batch: list[Numbered],
    counts: Counter[str],
    refused: list[tuple[int, str | None, str, str]],
) -> None:
    decoded = decode_items(item for _, item in batch)
    for bad in decoded.rejected:
        counts["rejected"] += 1
        refused.append((batch[bad.index][0], bad.id, bad.code, bad.detail))
    if not decoded.records:
        return
    appended = wired.recording.record(decoded.records, actor=ACTOR, now=datetime.now(UTC))
    counts["accepted"] += len(decoded.records) - len(appended.refusals)
    for place, refusal in appended.refusals.items():
        counts[refusal.outcome.value] += 1
        if refusal.outcome.value != "duplicate":
            number, record = batch[decoded.places[place]][0], decoded.records[place]
            refused.append((number, record.id, refusal.code, refusal.detail))


def _report(
    counts: Counter[str], refused: list[tuple[int, str | None, str, str]], as_json: bool
) -> None:
    names = ("line", "id", "code", "detail")
    shown = refused[:REFUSALS_SHOWN_MAX]
    found = {outcome: count for outcome, count in counts.items() if count}
    if as_json:
        print_json({**found, "items": [dict(zip(names, row, strict=True)) for row in refused]})
        return
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in found.items()) or "nothing")
    if shown:
        print_table(["line>", "id", "code", "detail"], shown)
    if len(refused) > len(shown):
        click.echo(f"... and {len(refused) - len(shown)} more")
