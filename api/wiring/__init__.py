"""Wiring: the one package that chooses adapters and builds the use cases on them."""

from api.wiring.database import attached, migrated
from api.wiring.stripe import run_sandbox, stripe_gateway
from api.wiring.usable import unusable
from api.wiring.use_cases import clock, wire, wired_from
from api.wiring.wired import Changes, Wired

__all__ = [
    "Changes",
    "Wired",
    "attached",
    "clock",
    "migrated",
    "run_sandbox",
    "stripe_gateway",
    "unusable",
    "wire",
    "wired_from",
]
