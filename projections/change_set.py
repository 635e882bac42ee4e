"""The difference between the invoice we owe Stripe and the draft Stripe has."""

from collections import abc
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from domain.errors import UnsafeChangeSet
from domain.events.stripe_invoice import ForeignLine
from domain.invoice import LINES_PER_INVOICE_MAX, Invoice, Sold
from domain.line_key import strange_key
from projections.change import (
    AddLine,
    Change,
    CreateCustomer,
    CreateDraft,
    CreateProduct,
    RemoveLine,
    UpdateDraft,
    UpdateLine,
    differing,
)
from projections.remote_invoice import Collection, RemoteInvoice, RemoteLine, RemoteStatus

__all__ = [
    "AddLine",
    "Change",
    "ChangeSet",
    "CreateCustomer",
    "CreateDraft",
    "CreateProduct",
    "RemoteInvoice",
    "RemoteLine",
    "RemoteStatus",
    "RemoveLine",
    "UpdateDraft",
    "UpdateLine",
    "diff",
]

LINES_PER_CALL_MAX = 250
"""How many lines one bulk call carries."""

REMOVALS_SAFE_MAX = 10
"""A plan that removes more lines than this, and more than half, needs a person's yes."""

TOTAL_FACTOR_MAX = 20
TOTAL_MOVE_SAFE_MAX = 500_000
"""So does one that moves the total more than this factor and more than these minor units."""


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSet:
    """What to do at Stripe, in the order to do it. Empty when both sides agree.

    unchanged: how many lines already are as they should be. foreign: lines put there by others,
    which no sync touches. impossible: why not even a person's yes could carry it out. risky:
    why it needs one.
    """

    invoice: Invoice
    remote: RemoteInvoice | None
    changes: tuple[Change, ...]
    unchanged: int = 0
    foreign: tuple[ForeignLine, ...] = ()
    impossible: str | None = None
    risky: str | None = None

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        told = [str(change) for change in self.changes] or ["no changes"]
        told += [f"? {other.line}  {other.amount}  {other.description}" for other in self.foreign]
        return "\n".join([*told, f"! {self.unsafe}"] if self.unsafe else told)

    @property
    def in_step(self) -> bool:
        """Whether Stripe holds our invoice and nothing else."""
        return not (self.changes or self.foreign)

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """The changes of one kind, in order."""
        return tuple(change for change in self.changes if isinstance(change, kind))

    @property
    def calls(self) -> int:
        """How many write calls it costs: one for each thing made or kind of line change."""
        kinds = (len(self.of(RemoveLine)), len(self.of(UpdateLine)), len(self.of(AddLine)))
        bulk = sum(-(-count // LINES_PER_CALL_MAX) for count in kinds)
        others = (CreateCustomer, CreateDraft, CreateProduct, UpdateDraft)
        return sum(len(self.of(kind)) for kind in others) + bulk

    @property
    def sold(self) -> tuple[Sold, ...]:
        """What the lines sell that are to be written, each once."""
        written: list[UpdateLine | AddLine] = [*self.of(UpdateLine), *self.of(AddLine)]
        return tuple(dict.fromkeys(each.line.sold for each in written if each.line.sold))

    def making(self, products: abc.Iterable[Sold]) -> Self:
        """The same with what its lines sell made first."""
        made = tuple(CreateProduct(sold=each) for each in products)
        return replace(self, changes=(*made, *self.changes))

    @property
    def unsafe(self) -> str | None:
        """Why it refuses itself, or ``None``."""
        return self.impossible or self.risky

    def raise_if_unsafe(self, *, force: bool = False) -> None:
        """Refuse to do damage by accident.

        Raises:
            UnsafeChangeSet: it is risky and no person said yes (``force``), or it is impossible.
        """
        reason = self.impossible if force else self.unsafe
        if self.changes and reason:
            raise UnsafeChangeSet(
                reason, cycle=self.invoice.cycle, forceable=self.impossible is None
            )


def diff(
    desired: Invoice,
    actual: RemoteInvoice | None,
    *,
    customer: str | None = None,
    unwanted: abc.Collection[str] = (),
    collection: Collection | None = None,
    undiscounted: bool = False,
) -> ChangeSet:
    """Say what must change at Stripe for its draft to equal our invoice.

    Pure and convergent: once the changes are applied, the next diff is empty. Lines match
    by key, so a retry can never add a line twice. Lines of others are left alone, unless a
    person does not want them. There is no draft for an invoice that comes to nothing.

    Args:
        desired: what the events say.
        actual: what Stripe says now, or ``None`` when it has no invoice for the cycle.
        customer: Stripe's id of the customer it must be for, where that is known. A draft for
            one that is not known yet needs a customer first.
        unwanted: Stripe's ids of lines of others to be taken off.
        collection: how it is to be collected.
        undiscounted: whether discounts that others gave at Stripe are to be taken off.

    Returns:
        Removals first, then updates, then additions, each ordered by key.
    """
    actual = actual.claiming({line.key for line in desired.lines}) if actual else None
    terms = _terms(actual, collection, undiscounted) if actual else ()
    changes = _changes(desired, actual, customer, unwanted, terms)
    foreign = actual.foreign if actual else ()
    updated = sum(isinstance(change, AddLine | UpdateLine) for change in changes)
    return ChangeSet(
        invoice=desired,
        remote=actual,
        changes=changes,
        unchanged=len(desired.lines) - updated if actual else 0,
        foreign=tuple(each for each in foreign if each.line not in unwanted),
        impossible=_impossible(desired, actual, customer, changes),
        risky=_risky(desired, actual, changes) if actual else None,
    )


def _changes(
    desired: Invoice,
    actual: RemoteInvoice | None,
    customer: str | None,
    unwanted: abc.Collection[str],
    terms: tuple[UpdateDraft, ...],
) -> tuple[Change, ...]:
    wanted = {line.key: line for line in desired.lines}
    if actual is None:
        if not desired.subtotal:
            return ()
        first = (CreateDraft(),) if customer else (CreateCustomer(), CreateDraft())
        return (*first, *(AddLine(line=wanted[key]) for key in sorted(wanted)))
    present = actual.lines
    removals = [RemoveLine(remote=present[key]) for key in present.keys() - wanted.keys()]
    removals += [RemoveLine(remote=line, duplicate=True) for line in actual.duplicates]
    strangers = actual.claiming({strange_key(each) for each in unwanted}).lines
    removals += [RemoveLine(remote=strangers[key]) for key in strangers.keys() - present.keys()]
    retaxed = any(change.retaxed for change in terms)
    return (
        *(change for change in terms if not change.after_lines),
        *sorted(removals, key=lambda change: (change.remote.key, change.remote.id)),
        *(
            UpdateLine(remote=present[key], line=wanted[key])
            for key in sorted(present.keys() & wanted.keys())
            if differing(wanted[key], present[key]) or (retaxed and wanted[key].kind != "stripe")
        ),
        *(AddLine(line=wanted[key]) for key in sorted(wanted.keys() - present.keys())),
        *(change for change in terms if change.after_lines),
    )


def _terms(
    actual: RemoteInvoice, collection: Collection | None, undiscounted: bool
) -> tuple[UpdateDraft, ...]:
    """What changes of how a draft is collected; an issued one stays as it was issued."""
    was = actual.collection
    if was is None or collection is None or not actual.is_draft:
        return ()
    if actual.subscription and was.automatic_tax:  # a customer's tax is not ours to turn off
        collection = replace(collection, automatic_tax=True)
    takes_off = undiscounted and actual.untaxed not in (None, actual.subtotal)
    if collection == was and not takes_off:
        return ()
    return (UpdateDraft(was=was, becomes=collection, undiscounted=takes_off),)


def _impossible(
    desired: Invoice,
    actual: RemoteInvoice | None,
    customer: str | None,
    changes: tuple[Change, ...],
) -> str | None:
    foreign = len(actual.foreign) if actual else 0
    if len(desired.lines) + foreign > LINES_PER_INVOICE_MAX:
        count = len(desired.lines) + foreign
        return f"{count} lines, but Stripe takes {LINES_PER_INVOICE_MAX} on an invoice"
    if actual is None:
        return None
    if actual.currency != desired.currency:
        return f"the invoice at Stripe is in {actual.currency}, ours in {desired.currency}"
    if customer is not None and actual.customer != customer:
        return f"the invoice at Stripe is for {actual.customer}, not for {customer}"
    if changes and not actual.is_draft:
        return f"the invoice at Stripe is {actual.status.value}, no longer a draft"
    return None


def _risky(desired: Invoice, actual: RemoteInvoice, changes: tuple[Change, ...]) -> str | None:
    removed = sum(isinstance(change, RemoveLine) for change in changes)
    if any(line.kind == "other" for line in desired.lines):
        removed = 0  # what went was summed up, and its amount is on the line of the others
    present = len(actual.lines) + len(actual.duplicates)
    if removed > REMOVALS_SAFE_MAX and removed * 2 > present:
        return f"would remove {removed} of {present} lines"
    small, large = sorted((abs(actual.ours), abs(desired.subtotal)))
    moved = abs(desired.subtotal - actual.ours)
    if moved > TOTAL_MOVE_SAFE_MAX and large > small * TOTAL_FACTOR_MAX:
        return f"would move the total from {actual.ours} to {desired.subtotal}"
    return None
