"""A month of the log in a file: written, read back, and told by a manifest beside it."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain as joined
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from application.archiving import Copy, Month, Restored, month_of, require_issued
from application.detached import DetachedMonth
from application.invoice_bundle import line_of, read_line
from domain.errors import InvalidInput, RuleViolation, StoreUnavailable
from projections.chain import BEGINNING, Link, Row, following

if TYPE_CHECKING:
    from api.wiring import Wired

FORMAT = "cyclebook-archive/1"
UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError)


def write(wired: "Wired", month: Month, folder: Path) -> dict[str, Any]:
    """Copy a month, read the copy back, and answer its manifest.

    Raises:
        InvalidInput: a cycle of the month is not issued, or the month holds nothing, or it left
            the log meanwhile.
        StoreUnavailable: what was read back is not what was written.
        RuleViolation: an earlier copy in the folder holds what this one does not.
    """
    archive, chain = wired.audit_trail.archive, wired.audit_trail.chain
    require_issued(archive, month)
    rows = archive.rows(month)
    first = next(rows, None)
    # An earlier copy may be all that is left of the month, so nothing is opened before.
    if first is None:
        where = [each.file for each in archive.detached() if each.month == str(month)]
        more = f"; it is detached, and its events are in {where[0]}" if where else ""
        raise InvalidInput(f"the log holds nothing of {month}{more}", field="month")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"events-{month}.ndjson.gz"
    # Beside it until it is whole: an earlier copy may be all there is of the month by then.
    beside = file.with_name(f"{file.name}.part")
    events, seal = _copy(joined([first], rows), beside)
    if _sealed(rows_of(beside)) != (events, seal):
        raise StoreUnavailable(f"{beside} does not hold what was written; try another disk")
    if any(each.month == str(month) for each in archive.detached()):
        beside.unlink()
        raise InvalidInput(f"{month} was detached while it was copied", field="month")
    _require_all_of(file, beside)
    while chain.step():
        pass
    heads = [chain.head(name) for name in chain.names()]
    manifest = {
        "format": FORMAT,
        "month": str(month),
        "file": file.name,
        "events": events,
        "seal": seal,
        "sha256": _sha256(beside),
        "heads": [
            {
                "organization": each.organization,
                "position": each.position,
                "events": each.events,
                "head": each.head.hex(),
            }
            for each in heads
        ],
    }
    beside.replace(file)
    text = json.dumps(manifest, indent=2)
    _manifest_of(file).write_text(f"{text}\n", "utf-8")
    return manifest


def _require_all_of(file: Path, beside: Path) -> None:
    """An earlier copy gives way to one that begins with all of it: months only grow in a log."""
    if not _manifest_of(file).exists():
        return
    earlier = whole_copy(file)
    if _sealed(islice(rows_of(beside), earlier.events)) != (earlier.events, earlier.seal):
        beside.unlink()
        raise RuleViolation(
            f"{file} holds events that the log does not have, or not as they are there; it stays: "
            "copy to another folder, and see cyclebook verify --chain",
            code="archive_differs",
        )


def detach(wired: "Wired", file: Path, by: str, now: datetime) -> DetachedMonth:
    """Take the month of a copy out of the log, if the copy is whole and the log is equal to it.

    Raises:
        InvalidInput: the copy or its manifest cannot be read, do not fit, or are not on disk.
        NotFound: the log does not hold the month.
        RuleViolation: something of the month is still to come, or a row differs.
        Busy: somebody holds what has to be locked; nothing was changed.
    """
    copy = whole_copy(file)
    for each in (file, _manifest_of(file), file.parent):
        _to_disk(each)
    while wired.audit_trail.chain.step():
        pass
    return wired.audit_trail.archive.detach(copy, _whole(file, copy), by=by, now=now)


def restore(wired: "Wired", file: Path) -> Restored:
    """Put back what is gone, from a copy that is whole; a detached month comes back.

    Raises:
        InvalidInput: the copy or its manifest cannot be read, or they do not fit.
        RuleViolation: the log holds something else in the place of a row, or never held it; or
            the month was detached with another copy.
        Busy: projections are being made anew, or another copy is being put back.
    """
    copy = whole_copy(file)
    return wired.audit_trail.archive.restore(copy, _whole(file, copy))


def whole_copy(file: Path) -> Copy:
    """What the manifest beside a file says of it, if the file is just that.

    Raises:
        InvalidInput: one of the two cannot be read, or they do not fit.
    """
    try:
        manifest = json.loads(_manifest_of(file).read_text("utf-8"))
        copy = Copy(
            month=month_of(manifest["month"]),
            file=file.name,
            events=manifest["events"],
            seal=manifest["seal"],
            sha256=manifest["sha256"],
        )
        whole = _sha256(file) == copy.sha256
    except UNREADABLE as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="file") from error
    if manifest.get("format") != FORMAT or not whole:
        raise _another(file)
    return copy


def _whole(file: Path, copy: Copy) -> Iterator[Row]:
    """The rows of a copy, and at their end whether they were all of them.

    Raises:
        InvalidInput: they cannot be read, or are not what the manifest says.
    """
    link, events = BEGINNING, 0
    try:
        for row in rows_of(file):
            link, events = following(link, row.digest), events + 1
            yield row
    except UNREADABLE as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="file") from error
    if (events, link.hex()) != (copy.events, copy.seal):
        raise _another(file)


def _another(file: Path) -> InvalidInput:
    return InvalidInput(f"{file} is not what its manifest says; use another copy", field="file")


def _to_disk(path: Path) -> None:
    """Have a file, or what stands in a folder, on its disk and not only on the way there.

    Raises:
        InvalidInput: that disk cannot promise it.
    """
    try:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        raise InvalidInput(f"{path} is not safely stored: {error}", field="file") from error


def _copy(rows: Iterable[Row], file: Path) -> tuple[int, str]:
    """Write rows; how many, and a hash over their digests."""
    link, number = BEGINNING, 0
    with file.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        for number, row in enumerate(rows, start=1):
            place = Link(
                number=number,
                position=row.position,
                stream=row.stream,
                version=row.version,
                digest=row.digest,
            )
            line = json.dumps(line_of("", place, row), ensure_ascii=False, separators=(",", ":"))
            packed.write(f"{line}\n".encode())
            link = following(link, place.digest)
    return number, link.hex()


def rows_of(file: Path) -> Iterator[Row]:
    """The rows that a file holds, in the log's order."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            _, _, row = read_line(json.loads(line))
            if row is None:
                raise ValueError("an event without its content")
            yield row


def _sealed(rows: Iterator[Row]) -> tuple[int, str]:
    link, events = BEGINNING, 0
    for row in rows:
        link = following(link, row.digest)
        events += 1
    return events, link.hex()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _manifest_of(file: Path) -> Path:
    return file.with_name(file.name.removesuffix(".ndjson.gz") + ".json")
