"""What the service answers, as its JSON is. Amounts in minor units; exact numbers as texts.

Only the members that most callers need have a name here; all others are there, too.
"""

from typing import Any, Required, TypedDict


class Period(TypedDict):
    """From ``start`` up to but not including ``end``."""

    start: str
    end: str


class Line(TypedDict, total=False):
    """A line of an invoice. amount: rounded once. unrounded_amount: exact."""

    key: Required[str]
    kind: Required[str]
    description: Required[str]
    quantity: Required[str]
    unit: Required[str | None]
    amount: Required[int]
    unrounded_amount: Required[str]
    period: Required[Period]
    price: Required[str | None]
    attachment: Required[str | None]


class Invoice(TypedDict, total=False):
    """An invoice. accrued: earned by now. total: what it comes to if nothing more happens."""

    cycle: Required[str]
    organization: Required[str]
    status: Required[str]
    currency: Required[str]
    period: Required[Period]
    lines: Required[list[Line]]
    accrued: Required[int]
    subtotal: Required[int]
    tax: Required[int | None]
    total: Required[int]
    number: Required[str | None]
    amount_due: Required[int]
    amount_remaining: Required[int]
    position: Required[int]
    as_of: Required[str]
    stripe: Required[dict[str, Any]]


class CurrentInvoice(Invoice, total=False):
    """The invoice of the accruing cycle. awaiting: those of cycles not yet issued."""

    awaiting: Required[list[Invoice]]


class Step(TypedDict):
    """One step of a line's arithmetic."""

    kind: str
    what: str
    line: str | None
    quantity: str | None
    unit: str | None
    unit_amount: str | None
    amount: str | None


class Explanation(TypedDict):
    """From usage records to cents. usage: a page of the ``records`` behind the line."""

    cycle: str
    line: Line
    steps: list[Step]
    records: int
    usage: list[dict[str, Any]]
    next_cursor: str | None


class OrganizationDetails(TypedDict, total=False):
    """How an organization is to be. members, policies: replace what there was, where given."""

    name: Required[str]
    currency: Required[str]
    time_zone: str
    anchor_day: int
    members: list[dict[str, str]]
    policies: dict[str, Any]
    starts_at: str


class Organization(TypedDict):
    """An organization as it is. position: read with ``at_least`` this to see a change."""

    organization: str
    name: str
    currency: str
    time_zone: str
    anchor_day: int
    members: list[dict[str, str]]
    policies: dict[str, Any]
    stripe_customer: str | None
    version: int
    position: int


class Receipt(TypedDict):
    """What became of a change. effect: ``recorded``, or ``nothing`` where it had been before."""

    cycle: str | None
    position: int
    effect: str
