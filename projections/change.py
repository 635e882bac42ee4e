"""One change at Stripe: what a change-set is made of, each printed as a line of a plan."""

from dataclasses import dataclass

from domain.invoice import LineItem, Sold
from projections.remote_invoice import Collection, RemoteLine


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateCustomer:
    """Make the organization known to Stripe, which a first draft needs."""

    def __str__(self) -> str:
        return "+ customer"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateDraft:
    """Open a draft for the cycle."""

    def __str__(self) -> str:
        return "+ draft"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateProduct:
    """Have in Stripe's catalogue what lines sell, which computes their tax by it."""

    sold: Sold

    def __str__(self) -> str:
        return f"+ product {self.sold.product}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateDraft:
    """Change how the draft is collected, as the policies changed.

    undiscounted: a discount that somebody gave at Stripe comes off with it.
    """

    was: Collection
    becomes: Collection
    undiscounted: bool = False

    @property
    def retaxed(self) -> bool:
        """Whether its lines take another form: with what they sell, or without."""
        return self.was.automatic_tax != self.becomes.automatic_tax

    @property
    def after_lines(self) -> bool:
        """Stripe computes tax only once every line says what it sells and none is negative."""
        return self.becomes.automatic_tax and self.retaxed

    @property
    def told(self) -> str:
        """What changes, in words."""
        told = [] if self.was == self.becomes else [f"{self.was} → {self.becomes}"]
        return ", ".join(told + ["without discount"] * self.undiscounted)

    def __str__(self) -> str:
        return f"~ draft  {self.told}"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddLine:
    """Put a missing line on the draft."""

    line: LineItem

    def __str__(self) -> str:
        return f"+ {self.line.key}  {self.line.amount}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateLine:
    """Bring a line's amount, period and description up to date."""

    remote: RemoteLine
    line: LineItem

    @property
    def differs(self) -> tuple[str, ...]:
        """What is not as it should be: ``amount``, ``period``, ``description``."""
        return differing(self.line, self.remote)

    def __str__(self) -> str:
        parts = [f"{self.remote.amount} → {self.line.amount}"]
        if self.remote.amount == self.line.amount:
            parts = [str(self.line.amount)]
        parts += [f"({each})" for each in self.differs if each != "amount"]
        return f"~ {self.line.key}  {' '.join(parts)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveLine:
    """Take a line we no longer owe, a second one with the same key, or another's off the draft."""

    remote: RemoteLine
    duplicate: bool = False

    def __str__(self) -> str:
        return f"- {self.remote.key}  {self.remote.amount}{' (duplicate)' * self.duplicate}"


Change = (
    CreateCustomer | CreateDraft | CreateProduct | UpdateDraft | AddLine | UpdateLine | RemoveLine
)


def differing(line: LineItem, remote: RemoteLine) -> tuple[str, ...]:
    """What of a line is not as it should be at Stripe."""
    names = ("amount", "period", "description")
    return tuple(each for each in names if getattr(line, each) != getattr(remote, each))
