"""Notices in tests: what was told, and telling one by hand."""

from datetime import UTC, datetime

from api.wiring import Wired
from application.notices import Notice, Told
from tests.api.conftest import CYCLE
from tests.api.test_life import ORGANIZATION

NOTICES = f"{ORGANIZATION}/notices"


def follow(wired: Wired) -> None:
    while wired.projector.step():
        pass


def told(wired: Wired, *kinds: str) -> list[Told]:
    """Oldest first."""
    follow(wired)
    return list(reversed(wired.notices.everything(kinds=kinds or None, limit=100)))


def tell(wired: Wired, number: int, kind: str = "invoice.paid") -> None:
    at = datetime.now(UTC)
    occurrence = f"{kind}/{number}"
    wired.notices.announce(
        [Notice(kind=kind, organization="acme", occurrence=occurrence, at=at, cycle=CYCLE)]
    )
