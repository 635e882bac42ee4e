"""An action that a form offers: which operation it is, what it asks for, and what it would do."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.openapi import Op
from api.pages.typed import Choices, Field, Where
from application.kept_changes import Asked
from application.views import InvoiceDelta, InvoiceView


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a form is about. path: how the API's address names it. home: where one goes back to.

    choose: what can be chosen, by the name of a list. view: the invoice, where it is about one.
    state: what it is in, where that decides what can be done.
    """

    kind: str
    path: Mapping[str, str]
    home: str
    title: str
    where: Where = field(default_factory=Where)
    organization: str | None = None
    view: InvoiceView | None = None
    state: str = ""
    choose: Mapping[str, Callable[[], Choices]] = field(default_factory=dict)

    def choices(self, named: Choices | str) -> Choices:
        """A list as it is, or the one of this name here."""
        return self.choose[named]() if isinstance(named, str) else named


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """An action as somebody asks for it. given: what the operation's view would be called with."""

    op: Op
    place: Place
    asked: Asked
    given: Mapping[str, Any]
    actor: str

    @property
    def body(self) -> Any:
        """What was typed, read."""
        return self.given.get("body", {})

    @property
    def view(self) -> InvoiceView:
        """The invoice it is about."""
        assert self.place.view is not None  # of an action on an invoice
        return self.place.view


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What an action would do. invoices: those that would be another. of: what they are.

    moved: it was shown before, and is another now.
    """

    words: tuple[str, ...] = ()
    invoices: tuple[InvoiceDelta, ...] = ()
    of: str = "Invoice"
    moved: bool = False

    @property
    def mark(self) -> str:
        """The same for effects that move the same amounts."""
        moved = [
            (invoice.cycle, line.key, line.becomes - line.was)
            for invoice in self.invoices
            for line in invoice.lines
        ]
        return hashlib.sha256(repr(moved).encode()).hexdigest()


Tell = Callable[[Deed], Effect]
Values = Mapping[str, object]
When = Callable[[Place], bool]


def always(_: Place) -> bool:
    """Wherever it is."""
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Something that people do by hand, by one operation of the API.

    op: its name. tell: what it would do; or the words for it, where these are always the same.
    identity: the field of the body that names what is made; where nobody typed a name it is made
    from the form's token, so that the same form makes it once. shape: the body, from what was
    typed; by default just that. statuses: of an invoice that it can be for; empty for any.
    when: what else makes it worth offering. help: what it is for, in a sentence or two. begins:
    what a new form holds. steady: it is carried out only while it does what was shown.
    """

    name: str
    op: str
    title: str
    tell: Tell | str
    help: str = ""
    fields: tuple[Field, ...] = ()
    identity: str | None = None
    shape: Callable[[Values], Any] = dict
    statuses: frozenset[str] = frozenset()
    when: When = always
    begins: Callable[[Place], Mapping[str, str]] = lambda _: {}
    steady: bool = False

    def effect(self, deed: Deed) -> Effect:
        """What it would do.

        Raises:
            CyclebookError: it would be refused.
        """
        return Effect(words=(self.tell,)) if isinstance(self.tell, str) else self.tell(deed)

    @property
    def plain(self) -> str | None:
        """What it would do, where that needs no looking at."""
        return self.tell if isinstance(self.tell, str) else None

    def fits(self, place: Place) -> bool:
        """Whether it makes sense there now; the books decide, this only keeps lists short."""
        fitting = place.view is None or not self.statuses or place.view.status in self.statuses
        return fitting and self.when(place)
