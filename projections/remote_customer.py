"""A customer as Stripe has it, in our words."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteCustomer:
    """A customer as Stripe has it. organization: ours, by its metadata. currency: the one it has
    been billed in."""

    id: str
    deleted: bool = False
    organization: str | None = None
    currency: str | None = None
