"""A desk where members report and support answers, over books in memory."""

from itertools import count
from typing import Any

from application.case_screens import NewCase, Screens
from application.case_views import CaseReceipt
from application.cases import Cases
from domain.case import CUSTOMER, PUBLIC, SUPPORT, Resolution
from tests.january import day
from tests.memory_cases import MemoryCaseLists, MemoryCaseTexts
from tests.world import ACTOR, World, world

CYCLE = "acme.2026-01-01"
BASE = "fee/a1/base@1"
WORDS = "Ada Lovelace, 12 Main St: <script>alert('too much')</script>\n\"no\"; -- 100 %"


class Desk:
    """Cases over a world in memory."""

    def __init__(self) -> None:
        self.made: World = world()
        self.made.attach("a1", "machine", day(1))
        self.made.travel(day(5))
        self.texts = MemoryCaseTexts()
        self.tokens = count(1)
        self.cases = self.over(self.made.store)

    def over(self, log: Any) -> Cases:
        return Cases(
            log,
            self.made.books,
            Screens(self.made.books, self.made.invoices),
            self.texts,
            MemoryCaseLists(self.made.store),
            lambda: f"{next(self.tokens):04x}" * 8,
        )

    def report(self, text: str = WORDS, *, by: str = CUSTOMER, **more: Any) -> CaseReceipt:
        new = NewCase(text=text, **more)
        return self.cases.report("acme", new, by=by, actor="key:ck_ada", at=self.made.now)

    def comment(self, text: str, *, by: str = SUPPORT, to: str = PUBLIC) -> CaseReceipt:
        return self.cases.comment(
            "acme.c1", text, to, by=by, actor=f"key:ck_{by}", at=self.made.now
        )

    def resolve(self, text: str = "It is so.", **found: Any) -> CaseReceipt:
        resolution = Resolution(**{"kind": "explained", **found})
        return self.cases.resolve("acme.c1", resolution, text, actor=ACTOR, at=self.made.now)

    def told(self, *, for_staff: bool) -> list[tuple[str, str, str | None]]:
        entries = self.cases.timeline("acme.c1", for_staff)
        return [(each.who, each.what, each.text) for each in entries]

    def log_holds(self, words: str) -> bool:
        return any(words in repr(each.event) for each in self.made.store.events)
