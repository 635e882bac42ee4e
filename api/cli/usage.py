"""``cyclebook import-usage``: usage records from a file."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from api.cli.session import ACTOR, as_json, print_json, print_table, session
from api.cli.usage_file import Numbered, Unreadable, read_csv, read_ndjson
from api.usage_decoder import Decoded, decode_items
from domain.usage import Outcome

if TYPE_CHECKING:
    from api.wiring import Wired

BATCH = 1_000
REFUSALS_SHOWN_MAX = 20

Refusal = tuple[int, str | None, str, str]
"""Line, the record's id where it can be read, code and detail."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def import_usage(file: Path, as_json: bool) -> None:
    """Record usage from FILE.csv or FILE.ndjson. Safe to run again: each record counts once.

    A CSV's first line names the fields; properties are columns such as properties.region.
    """
    counts: Counter[str] = Counter()
    refused: list[Refusal] = []
    with session() as wired, file.open("rb") as lines:
        size = file.stat().st_size
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=size, file=sys.stderr, hidden=hidden) as bar:
            for batch in _batches(_items(file, lines)):
                refused += _record(wired, batch, counts)
                bar.update(lines.tell() - bar.pos)
    _report(counts, refused, as_json)
    sys.exit(1 if refused else 0)


def _items(file: Path, lines: IO[bytes]) -> Iterator[Numbered]:
    if file.suffix == ".csv":
        return read_csv(lines)
    if file.suffix in (".ndjson", ".jsonl"):
        return read_ndjson(lines)
    raise click.UsageError(f"{file.name} is neither .csv nor .ndjson")


def _batches(items: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _record(wired: "Wired", batch: list[Numbered], counts: Counter[str]) -> list[Refusal]:
    """Record a batch; its refusals, in the order of the lines."""
    refused: list[Refusal] = [
        (number, None, "invalid_record", item.detail)
        for number, item in batch
        if isinstance(item, Unreadable)
    ]
    readable = [each for each in batch if not isinstance(each[1], Unreadable)]
    decoded = decode_items(item for _, item in readable)
    refused += [(readable[bad.index][0], bad.id, bad.code, bad.detail) for bad in decoded.rejected]
    counts["rejected"] += len(refused)
    if decoded.records:
        refused += _append(wired, decoded, [number for number, _ in readable], counts)
    return sorted(refused, key=lambda refusal: refusal[0])


def _append(
    wired: "Wired", decoded: Decoded, numbers: list[int], counts: Counter[str]
) -> Iterator[Refusal]:
    appended = wired.recording.record(decoded.records, actor=ACTOR, now=datetime.now(UTC))
    counts["accepted"] += len(decoded.records) - len(appended.refusals)
    for place, refusal in appended.refusals.items():
        counts[refusal.outcome.value] += 1
        if refusal.outcome is not Outcome.DUPLICATE:
            number, record = numbers[decoded.places[place]], decoded.records[place]
            yield number, record.id, refusal.code, refusal.detail


def _report(counts: Counter[str], refused: list[Refusal], as_json: bool) -> None:
    if as_json:
        names = ("line", "id", "code", "detail")
        items = [dict(zip(names, row, strict=True)) for row in refused]
        print_json({**{each.value: counts[each] for each in Outcome}, "items": items})
        return
    found = ", ".join(f"{counts[each]} {each}" for each in Outcome if counts[each])
    click.echo(found or "the file holds no usage records")
    shown = refused[:REFUSALS_SHOWN_MAX]
    if shown:
        print_table(["line>", "id", "code", "detail"], shown)
    if len(refused) > len(shown):
        click.echo(f"... and {len(refused) - len(shown)} more")
