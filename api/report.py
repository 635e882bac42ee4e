"""The report of a what-if over every organization: a JSON document, one organization a line."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.errors import Malformed
from api.request_body import parse_json
from application.rerating import Candidate, Rerated, Unrated
from domain.errors import InvalidInput
from domain.price import terms_of

WIDEST_MAX = 10
"""Organizations with the widest differences that are kept, of each kind."""

SILENT_MAX = 100
"""After so many organizations without a difference an empty line is written, so that nobody who
reads the report while it is made takes silence for an end."""


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(kw_only=True, slots=True)
class Totals:
    """What a report comes to, in minor units; the widest differences are kept by sign."""

    organizations: int = 0
    winners: int = 0
    losers: int = 0
    now: int = 0
    then: int = 0
    failed: list[Unrated] = field(default_factory=list)
    widest: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: {1: [], -1: []})

    def add(self, found: Rerated) -> None:
        """Count an organization. Who would pay less wins."""
        self.organizations += 1
        self.now += found.now
        self.then += found.then
        if not found.difference:
            return
        sign = 1 if found.difference > 0 else -1
        self.losers += sign > 0
        self.winners += sign < 0
        kept = self.widest[sign]
        heapq.heappush(kept, (abs(found.difference), found.organization))
        if len(kept) > WIDEST_MAX:
            heapq.heappop(kept)

    def as_json(self) -> dict[str, int]:
        """The counts."""
        names = ("organizations", "winners", "losers", "now", "then")
        counts = {name: getattr(self, name) for name in names}
        return counts | {"difference": self.then - self.now, "failed": len(self.failed)}


class Writing:
    """A report while it is written. totals, digest: of what was written so far.

    Only organizations with a cycle that would be another are in it. The digest is of the price
    and of every difference; it is what an approval names.
    """

    def __init__(self, candidate: Candidate) -> None:
        self._head = _text(
            {
                "price": terms_of(candidate.price),
                "currency": candidate.price.currency,
                "replaces": list(candidate.replaces),
            }
        )
        self._hash = hashlib.sha256(self._head.encode())
        self.totals = Totals()

    @property
    def digest(self) -> str:
        """Of the price and of every difference."""
        return f"sha256:{self._hash.hexdigest()}"

    def text(self, found: Iterable[Rerated | Unrated]) -> Iterator[str]:
        """The report, piece by piece, while organizations are rated. Cut off, it is no JSON."""
        yield self._head[:-1] + ',"organizations":['
        between, silent = "\n", 0
        for each in found:
            entry = self._counted(each)
            silent = 0 if entry else silent + 1
            if entry:
                yield between + entry
                between = ",\n"
            elif silent % SILENT_MAX == 0:
                yield "\n"
        yield "\n]," + _text(self._rest())[1:] + "\n"

    def _counted(self, found: Rerated | Unrated) -> str | None:
        """Its line, if anything of it would be another."""
        if isinstance(found, Unrated):
            self.totals.failed.append(found)
            return None
        self.totals.add(found)
        cycles = {each.cycle: each.difference for each in found.cycles if each.difference}
        if not cycles:
            return None
        entry = _entry(found.organization, found.now, found.then, cycles)
        self._hash.update(b"\n" + entry.encode())
        return entry

    def _rest(self) -> dict[str, Any]:
        failed = [
            {"organization": each.organization, "code": each.code, "detail": each.detail}
            for each in self.totals.failed
        ]
        return {"failed": failed, "totals": self.totals.as_json(), "digest": self.digest}


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


def read_report(text: bytes, name: str) -> Report:
    """A report as ``Writing`` wrote it. name: of the file, for a refusal.

    Raises:
        InvalidInput: it is none.
    """
    try:
        content = parse_json(text)
        head = {key: content[key] for key in ("currency", "price", "replaces")}
        taken = hashlib.sha256(_text(head).encode())
        found = []
        for each in content["organizations"]:
            cycles = {str(cycle): int(amount) for cycle, amount in each["cycles"].items()}
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
            f"{name} is no whole report of a what-if over every organization", field="report"
        ) from None
