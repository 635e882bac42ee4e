"""What people wrote for cases: kept outside the log, sealed in it, and erasable."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.case import Written
from domain.errors import Busy, InvalidInput, RuleViolation
from domain.identity import case_owner

KEPT, ERASED, ALTERED = "kept", "erased", "altered"
TEXT_STATES = (KEPT, ERASED, ALTERED)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseText:
    """A text as it is kept. salt, body: ``None`` once it is erased."""

    id: str
    case: str
    organization: str
    salt: str | None
    body: str | None

    @property
    def seal(self) -> str | None:
        """What the log keeps of it: SHA-256 over the salt and the text, in hex.

        The salt is erased with the text, and then nobody can try out what the text was.
        """
        if self.salt is None or self.body is None:
            return None
        return hashlib.sha256(f"{self.salt}\n{self.body}".encode()).hexdigest()


class CaseTexts(Protocol):
    """Where texts are kept."""

    def put(self, text: CaseText) -> None:
        """Keep a new text."""
        ...

    def of(self, case: str) -> Mapping[str, CaseText]:
        """A case's texts by their ids, the erased ones without their words."""
        ...

    def discard(self, text: str) -> None:
        """Forget a text whose event was never stored."""
        ...

    def erase(self, case: str, text: str, *, actor: str, at: datetime) -> bool:
        """Erase the words for good; whether the case has such a text. Twice does nothing."""
        ...


def read(known: CaseText | None, seal: str) -> tuple[str | None, str]:
    """A text by the seal in the log: its words, and what became of it.

    One that does not fit its seal was changed behind our back and is not shown.
    """
    if known is None or known.body is None:
        return None, ERASED
    return (known.body, KEPT) if known.seal == seal else (None, ALTERED)


@contextmanager
def kept(
    texts: CaseTexts, case: str, by: str, body: str, new_token: Callable[[], str]
) -> Iterator[Written]:
    """Keep a text before the event that names it; where that is refused, it goes again.

    Where nobody knows whether the event was stored, the text stays.
    """
    text = CaseText(
        id=new_token(), case=case, organization=case_owner(case), salt=new_token(), body=body
    )
    texts.put(text)
    try:
        yield Written(by=by, text=text.id, seal=str(text.seal))
    except (RuleViolation, InvalidInput, Busy):
        texts.discard(text.id)
        raise
