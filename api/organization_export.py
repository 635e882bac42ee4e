"""Everything about an organization as NDJSON: in one stream, or a file for each kind of row."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.chains import chain_json
from application.detached import month_named
from application.export_rows import COLUMNS, PERSONAL

if TYPE_CHECKING:
    from api.wiring import Wired

FORMAT = "cyclebook-organization/1"
MANIFEST = "manifest.json"


def stream(wired: "Wired", organization: str, *, for_staff: bool) -> Iterator[str]:
    """A first line about the export, a line for each row, and a last one with their numbers.

    Without the last line it was cut off.

    Raises:
        NotFound: there is no such organization.
    """
    rows = wired.audit_trail.whole.rows(organization, for_staff=for_staff)
    first = _about(wired, organization)

    def lines() -> Iterator[str]:
        counts: Counter[str] = Counter()
        yield _line({"row": "export", **first})
        for kind, row in rows:
            counts[kind] += 1
            yield _line({"row": kind, **row})
        yield _line({"row": "end", "rows": {kind: counts[kind] for kind in COLUMNS}})

    return lines()


def write_files(wired: "Wired", organization: str, folder: Path) -> dict[str, Any]:
    """A file for each kind of row, and one that says what they hold; that is answered.

    Raises:
        NotFound: there is no such organization.
    """
    rows = wired.audit_trail.whole.rows(organization, for_staff=True)
    about = _about(wired, organization)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # only what is whole has one
    counts, digests = Counter[str](), {kind: hashlib.sha256() for kind in COLUMNS}
    with ExitStack() as opened:
        names = {kind: folder / f"{kind}.ndjson" for kind in COLUMNS}
        files = {kind: opened.enter_context(name.open("wb")) for kind, name in names.items()}
        for kind, row in rows:
            line = _line(row).encode()
            files[kind].write(line)
            digests[kind].update(line)
            counts[kind] += 1
    about["files"] = [
        {
            "file": f"{kind}.ndjson",
            "rows": counts[kind],
            "sha256": digests[kind].hexdigest(),
            "personal": kind in PERSONAL,
            "columns": list(columns),
        }
        for kind, columns in COLUMNS.items()
    ]
    text = json.dumps(about, ensure_ascii=False, indent=2)
    (folder / MANIFEST).write_text(f"{text}\n", "utf-8")
    return about


def _about(wired: "Wired", organization: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "organization": organization,
        "personal": sorted(PERSONAL),
        "chain": chain_json(wired, organization),
        "detached": sorted(map(month_named, wired.books.detached(organization).cycles)),
    }


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
