"""The time slider: an invoice as of any instant of its story, line by line against now."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.pages.typed import instant
from application.views import HistoryEntry
from domain.invoice import Invoice, LineItem

KNOWN, HAPPENED = "known", "happened"
CLOCKS = (KNOWN, HAPPENED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where the slider stands. clock: which instants it goes through, of what was known or of
    what happened. step: up to ``last``, which is now. as_of, known_at: what is asked for.
    """

    clock: str
    step: int
    last: int
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Whether it is the invoice as it is."""
        return self.as_of is None and self.known_at is None

    @property
    def asked(self) -> dict[str, str]:
        """The same instants, for an address."""
        both = {"as_of": self.as_of, "known_at": self.known_at}
        return {name: at.isoformat() for name, at in both.items() if at}

    @property
    def at(self) -> datetime | None:
        """The instant on its clock."""
        return self.known_at if self.clock == KNOWN else self.as_of


def moment(asked: Mapping[str, str], story: Sequence[HistoryEntry], zone: str) -> Moment:
    """Where an address says that the slider stands.

    asked: ``as_of`` and ``known_at`` as people write instants, or ``clock`` and ``step``.

    Raises:
        InvalidInput: an instant cannot be read.
    """
    as_of, known_at = (_instant(asked.get(name, ""), zone) for name in ("as_of", "known_at"))
    clock = asked.get("clock", KNOWN)
    if as_of or known_at:
        clock = KNOWN if known_at else HAPPENED
    instants = instants_of(story, HAPPENED if clock == HAPPENED else KNOWN)
    last = len(instants)
    if at := known_at or as_of:
        step = max(bisect_right(instants, at) - 1, 0)
        return Moment(clock=clock, step=step, last=last, as_of=as_of, known_at=known_at)
    text = asked.get("step", "")
    step = min(int(text), last) if text.isascii() and text.isdigit() and len(text) < 9 else last
    if step == last:
        return Moment(clock=clock, step=step, last=last)
    if clock == HAPPENED:
        return Moment(clock=HAPPENED, step=step, last=last, as_of=instants[step])
    return Moment(clock=KNOWN, step=step, last=last, known_at=instants[step])


def told_at(story: Sequence[HistoryEntry], at: Moment) -> list[str]:
    """What became known, or happened, at the very instant where the slider stands."""
    if at.at is None:
        return []
    if at.clock == KNOWN:
        return [each.what for each in story if each.recorded_at == at.at]
    return [each.what for each in story if each.occurred_at == at.at]


def instants_of(story: Sequence[HistoryEntry], clock: str) -> list[datetime]:
    """When something became known, or happened, each instant once."""
    ats = {e.recorded_at if clock == KNOWN else e.occurred_at for e in story}
    return sorted(ats)


def _instant(text: str, zone: str) -> datetime | None:
    return instant(text.strip(), zone) if text.strip() else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineThen:
    """A line then and now, in minor units; ``None`` where there was, or is, no such line."""

    line: LineItem
    then: int | None
    now: int | None

    @property
    def since(self) -> str:
        """What became of it since: ``same``, ``changed``, ``added`` or ``gone``."""
        if self.then is None:
            return "added"
        if self.now is None:
            return "gone"
        return "same" if self.then == self.now else "changed"

    @property
    def difference(self) -> int:
        """Minor units since then."""
        return (self.now or 0) - (self.then or 0)


def compared(then: Invoice | None, now: Invoice) -> list[LineThen]:
    """Every line of either, by key."""
    before = {line.key: line for line in then.lines} if then else {}
    after = {line.key: line for line in now.lines}
    return [
        LineThen(
            line=before.get(key) or after[key],
            then=before[key].amount if key in before else None,
            now=after[key].amount if key in after else None,
        )
        for key in sorted(before.keys() | after.keys())
    ]
