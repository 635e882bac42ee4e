"""Which organization a customer becomes: as somebody says, else by its name, the same each time."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.importing.ports import FoundCustomer
from domain.errors import InvalidInput
from domain.pricing.fields import identifier

NAME_MAX = 50
"""Characters of a name; what tells two of one name apart comes behind it."""

TAIL = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person says a customer becomes; ``None`` leaves it to Stripe and to defaults."""

    organization: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    anchor_day: int | None = None


def slug(name: str) -> str:
    """A name as an id; empty where nothing of it can stand in one.

    >>> slug("Ünal & Söhne GmbH"), slug("株式会社")
    ('unal-sohne-gmbh', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:NAME_MAX].rstrip("-")


def named(
    customers: Sequence[FoundCustomer], wishes: Mapping[str, Wish], claims: Mapping[str, str]
) -> dict[str, str | InvalidInput]:
    """The organization of each customer, or why there can be none. The oldest is named first.

    What is settled stays; then a person's word counts, the customer's metadata, its name. A name
    that is taken gets the end of the customer's id behind it.
    """
    found: dict[str, str | InvalidInput] = {}
    taken = set(claims.values())
    for each in sorted(customers, key=lambda one: (one.created, one.id)):
        if settled := claims.get(each.id):
            found[each.id] = settled
            continue
        wish = wishes.get(each.id, Wish()).organization or each.organization
        try:
            name = identifier(wish, "organization") if wish else _by_name(each, taken)
        except InvalidInput as refusal:
            found[each.id] = refusal
            continue
        if name in taken:
            found[each.id] = InvalidInput(f"organization {name} is another customer's already")
        else:
            taken.add(name)
            found[each.id] = name
    return found


def _by_name(customer: FoundCustomer, taken: set[str]) -> str:
    name = slug(customer.name)
    if name and name not in taken:
        return name
    tail = re.sub(r"[^a-z0-9]", "", customer.id.lower())[-TAIL:]
    return f"{name or 'customer'}-{tail}"
