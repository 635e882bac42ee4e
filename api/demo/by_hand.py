"""What people do by hand in the demo: items, credits, a discount, a hold, a credit note."""

from typing import Any

from api.demo.cast import STARRING, When

HELD = ("quito-pay", {"reason": "the customer disputes the set-up fee", "owner": "ada"})
"""Whose previous cycle waits for a person, why, and who looks into it."""

DISCOUNT: tuple[str, When, dict[str, Any]] = (
    "mistral",
    (0, 1),
    {
        "discount": "launch",
        "percent": "15",
        "prices": ["machine-eur"],
        "cycles": 6,
        "reason": "launch offer",
    },
)

CORRECTED = "northwind"
"""Whose usage turns out to be wrong after the invoice is issued."""

NOTE: tuple[str, dict[str, Any]] = (
    "fjord",
    {
        "note": "slow-disk",
        "lines": {"fee/meta/database-eur@1": 1_500},
        "reason": "the database was slow for a week",
        "memo": "With our apologies",
        "reduce_due": 1_500,
    },
)
"""Whose previous invoice is corrected by a credit note."""

ITEMS: tuple[tuple[str, When, dict[str, Any]], ...] = (
    (
        STARRING,
        (0, 10),
        {
            "item": "migration",
            "description": "Migration of the old database",
            "amount": 15_000,
            "currency": "usd",
            "reason": "agreed in the order form",
        },
    ),
    (
        "kite-labs",
        (1, 20),
        {
            "item": "support-plus",
            "description": "Support outside office hours",
            "amount": 9_900,
            "currency": "eur",
            "reason": "asked for by e-mail",
        },
    ),
    (
        "quito-pay",
        (0, 5),
        {
            "item": "set-up",
            "description": "Set-up",
            "amount": 5_000,
            "currency": "usd",
            "reason": "agreed by phone",
        },
    ),
)

CREDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        STARRING,
        {
            "credit": "outage",
            "amount": 2_500,
            "currency": "usd",
            "reason": "outage in Frankfurt",
        },
    ),
    (
        "tiny",
        {"credit": "welcome", "amount": 5_000, "currency": "usd", "reason": "welcome"},
    ),
    (
        "sakura",
        {"credit": "pilot", "amount": 20_000, "currency": "jpy", "reason": "pilot project"},
    ),
)

UNPAID = ("fjord", "blue-bottle")
"""Who has not paid the previous invoice yet."""
