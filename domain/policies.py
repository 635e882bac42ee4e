"""Policies: what an organization can have otherwise than the default, by name."""

from collections.abc import Callable, Mapping

from domain.errors import InvalidInput

DAY_S = 86_400
LATE_LIMIT_MAX = 36
"""For how many cycles back late facts may be taken."""


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and (low <= value <= high)
    )


def _one_of(*choices: object) -> Callable[[object], bool]:
    return lambda value: value in choices


_POLICIES: dict[str, tuple[object, Callable[[object], bool], str]] = {
    "sync_interval_s": (900, _whole(1, 30 * DAY_S), "seconds from 1 to 2592000"),
    "priority": ("normal", _one_of("normal", "high"), "normal or high"),
    "priority_amount": (
        None,
        lambda value: value is None or _whole(1, 10**12)(value),
        "minor units from 1 to 1000000000000 above which an invoice is synced as with priority "
        "high, or null",
    ),
    "grace_s": (43_200, _whole(0, 28 * DAY_S), "seconds from 0 to 2419200"),
    "collection": (
        "charge_automatically",
        _one_of("charge_automatically", "send_invoice"),
        "charge_automatically or send_invoice",
    ),
    "days_until_due": (30, _whole(1, 365), "days from 1 to 365"),
    "automatic_tax": (False, lambda value: isinstance(value, bool), "true or false"),
    "stripe_edits": (
        "hold",
        _one_of("hold", "overwrite", "adopt"),
        "hold, overwrite or adopt",
    ),
    "cycle_driver": (
        "clock",
        _one_of("clock", "stripe_subscription"),
        "clock or stripe_subscription",
    ),
    "late_facts": (
        "next_cycle",
        _one_of("next_cycle", "credit_note_or_charge", "reject"),
        "next_cycle, credit_note_or_charge or reject",
    ),
    "late_limit_cycles": (
        3,
        _whole(0, LATE_LIMIT_MAX),
        f"cycles from 0 to {LATE_LIMIT_MAX}",
    ),
    "minimum_invoice": (
        None,
        lambda value: value is None or _whole(0, 100_000_000)(value),
        "minor units from 0 to 100000000, or null for what Stripe collects at least",
    ),
    "approval": ("none", _one_of("none", "above", "always"), "none, above or always"),
    "anomaly": ("flag", _one_of("off", "flag", "hold"), "off, flag or hold"),
    "anomaly_factor": (5, _whole(2, 100), "from 2 to 100"),
    "approval_amount": (0, _whole(0, 10**12), "minor units from 0 to 1000000000000"),
}
"""Name -> default, check, and what a valid value looks like."""


def checked(policies: Mapping[str, object]) -> dict[str, object]:
    """All policies, defaults filled in.

    Raises:
        InvalidInput: a policy is unknown or cannot have this value; ``field`` names it.

    >>> checked({"grace_s": 60})["grace_s"], checked({})["grace_s"]
    (60, 43200)
    """
    for name, value in policies.items():
        field = f"policies.{name}"
        if name not in _POLICIES:
            raise InvalidInput(f"unknown policy {name}", field=field)
        _, valid, shape = _POLICIES[name]
        if not valid(value):
            raise InvalidInput(f"{field} must be {shape}", field=field)
    return {name: policies.get(name, default) for name, (default, _, _) in _POLICIES.items()}
