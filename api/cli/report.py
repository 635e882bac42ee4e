"""The report of a what-if over every organization: a JSON document, one organization a line."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from api.errors import Malformed
from api.request_body import parse_json
from application.rerating import Candidate, Rerated, Unrated
from domain.errors import InvalidInput
from domain.price import terms_of


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Writer:
    """Writes a report as it is found, and takes its digest. file: ``None`` for the digest alone.

    Only organizations with a cycle that would be another are in it.
    """

    def __init__(self, file: Path | None, candidate: Candidate) -> None:
        self._file: IO[str] | None = file.open("w", encoding="utf-8") if file else None
        self._hash = hashlib.sha256()
        self._first = True
        self._head = {
            "price": terms_of(candidate.price),
            "currency": candidate.price.currency,
            "replaces": list(candidate.replaces),
        }

    def __enter__(self) -> Self:
        head = _text(self._head)
        self._hash.update(head.encode())
        self._write(head[:-1] + ',"organizations":[')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def digest(self) -> str:
        """Of the price and of every difference; what an approval names."""
        return f"sha256:{self._hash.hexdigest()}"

    def add(self, found: Rerated) -> None:
        """One organization, if anything of it would be another."""
        cycles = {each.cycle: each.difference for each in found.cycles if each.difference}
        if not cycles:
            return
        entry = _entry(found.organization, found.now, found.then, cycles)
        self._hash.update(b"\n" + entry.encode())
        self._write(("\n" if self._first else ",\n") + entry)
        self._first = False

    def end(self, totals: dict[str, int], failed: Iterable[Unrated]) -> None:
        """The totals, and who could not be rated."""
        rest = {
            "failed": [
                {"organization": each.organization, "code": each.code, "detail": each.detail}
                for each in failed
            ],
            "totals": totals,
            "digest": self.digest,
        }
        self._write("\n]," + _text(rest)[1:] + "\n")

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text)


def _entry(organization: str, now: int, then: int, cycles: dict[str, int]) -> str:
    return _text(
        {
            "organization": organization,
            "now": now,
            "then": then,
            "difference": then - now,
            "cycles": cycles,
        }
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """One organization of a report. cycles: minor units that each would differ by."""

    organization: str
    difference: int
    cycles: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A report read back. digest: taken from what it says, whatever it claims."""

    price: dict[str, Any]
    currency: str
    replaces: tuple[str, ...]
    organizations: Sequence[Reported]
    digest: str


def read_report(file: Path) -> Report:
    """A report as ``Writer`` wrote it.

    Raises:
        InvalidInput: it is none.
    """
    try:
        content = parse_json(file.read_bytes())
        head = {name: content[name] for name in ("currency", "price", "replaces")}
        taken = hashlib.sha256(_text(head).encode())
        found = []
        for each in content["organizations"]:
            cycles = {str(name): int(amount) for name, amount in each["cycles"].items()}
            entry = _entry(each["organization"], each["now"], each["then"], cycles)
            taken.update(b"\n" + entry.encode())
            found.append(
                Reported(
                    organization=each["organization"],
                    difference=sum(cycles.values()),
                    cycles=cycles,
                )
            )
        return Report(
            price=head["price"],
            currency=head["currency"],
            replaces=tuple(head["replaces"]),
            organizations=found,
            digest=f"sha256:{taken.hexdigest()}",
        )
    except (Malformed, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidInput(
            f"{file.name} is no report of cyclebook rate --history --all --out", field="report"
        ) from None
