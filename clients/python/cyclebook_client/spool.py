"""A file of records that could not be sent. Many processes may share one.

It is only added to, or left without the records that were settled; both under a lock, so that a
process that dies in between loses nothing. What two processes send from it counts once.
"""

import fcntl
import json
import logging
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cyclebook_client.records import Record

log = logging.getLogger(__name__)

_MODE = 0o600


class Spool:
    """One record a line, in JSON. Beside it lie ``.lock`` and, for moments, ``.new``."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def add(self, records: Sequence[Record]) -> None:
        """Put records at the end, durably once it returns.

        Raises:
            OSError: the file cannot be written.
        """
        lines = [json.dumps(each.to_json()).encode() for each in records]
        with self._locked():
            whole = not self.path.exists() or self.path.read_bytes()[-1:] in (b"", b"\n")
            start = b"" if whole else b"\n"
            self._write(self.path, start + b"\n".join(lines) + b"\n", os.O_APPEND)

    def records(self) -> list[Record]:
        """What waits. A line that is no record stays where it is, and is told in the log."""
        if not self.path.exists():
            return []
        with self._locked():
            return [record for _, record in self._lines() if record is not None]

    def remove(self, records: Collection[Record]) -> None:
        """Take out what is settled."""
        settled = {(each.source, each.id) for each in records}
        with self._locked():
            kept = [
                line
                for line, record in self._lines()
                if record is None or (record.source, record.id) not in settled
            ]
            new = self.path.with_name(self.path.name + ".new")
            if kept:
                self._write(new, b"\n".join(kept) + b"\n", os.O_TRUNC)
                new.replace(self.path)
            else:
                self.path.unlink(missing_ok=True)

    def _lines(self) -> Iterator[tuple[bytes, Record | None]]:
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_bytes().split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                yield line, Record.from_json(json.loads(line))
            except (ValueError, TypeError) as error:
                log.error("%s, line %d is no usage record: %s", self.path, number, error)
                yield line, None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @staticmethod
    def _write(path: Path, content: bytes, how: int) -> None:
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | how, _MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
