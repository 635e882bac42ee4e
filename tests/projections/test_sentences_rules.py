"""What support reads of organizations and of the catalog."""

from typing import Any

import pytest

from domain.events.catalog import MeterDefined, PriceOverridden, PriceOverrideEnded, PriceRetired
from domain.events.organization import (
    CreditExpired,
    CurrencyChanged,
    OrganizationClosed,
    OrganizationReopened,
)
from projections.history import describe
from tests.january import day

AT = day(10)


def case(title: str, event: object, sentence: str) -> Any:
    return pytest.param(event, sentence, id=title)


OTHERS = [
    case(
        "a credit expired",
        CreditExpired(at=AT, credit="sorry", amount=310),
        "Credit sorry expired: 3.10 USD of it were not used",
    ),
    case(
        "another currency",
        CurrencyChanged(at=AT, currency="eur"),
        "Billed in EUR once the open cycle ends",
    ),
    case(
        "an organization closed",
        OrganizationClosed(at=AT, reason="contract ended"),
        "Organization closed: contract ended; a final invoice follows",
    ),
    case(
        "an organization reopened",
        OrganizationReopened(at=AT, reason="back again"),
        "Organization reopened: back again; a new cycle begins",
    ),
    case(
        "a meter of some records",
        MeterDefined(
            at=AT,
            meter="disk",
            version=2,
            aggregation="time_weighted",
            unit="gb",
            dimensions=("region",),
            filter={"kind": ("ssd", "nvme")},
            carry_over=True,
        ),
        "Meter disk version 2 defined: time_weighted in gb, kept apart by region, only where kind "
        "is ssd or nvme, the last value holds on into the next cycle",
    ),
    case(
        "a price retired",
        PriceRetired(at=AT, price="cpu"),
        "Price cpu retired: what is attached keeps it, nothing new gets it",
    ),
    case(
        "a price for one organization",
        PriceOverridden(at=AT, price="cpu", organization="acme", version=1, terms={}),
        "Organization acme gets price cpu at its own terms, cpu@1.acme",
    ),
    case(
        "a price as everybody gets it",
        PriceOverrideEnded(at=AT, price="cpu", organization="acme"),
        "Organization acme gets price cpu as everybody does again",
    ),
]


@pytest.mark.parametrize(("event", "sentence"), [*OTHERS])
def test_support_reads(event: object, sentence: str) -> None:
    assert describe(event, "usd") == sentence
