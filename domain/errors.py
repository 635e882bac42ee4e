"""Everything Cyclebook refuses, by what the caller can do about it.

CyclebookError
├── InvalidInput         can never succeed as sent; change it          422
├── NotFound             no such thing, or not yours                    404
├── Forbidden            this key may not do that                       403
├── RuleViolation        clashes with what has happened                 409
│   ├── ConcurrentChange somebody else was first: read again            409
│   ├── MonthArchived    its events are in an archive: restore it first  409
│   └── UnsafeChangeSet  a plan that refuses itself; a person decides   409
│       └── EditedAtStripe  others changed the draft; a person decides  409
├── Unavailable          try again: nothing was decided                 503
│   ├── Busy             somebody else is at it right now
│   ├── StoreUnavailable the database does not answer
│   │   └── StoreMisconfigured  it refuses our settings; mend them, nothing is lost
│   └── GatewayError     Stripe did not do its part
│       ├── GatewayBusy         Stripe asks us to slow down
│       ├── GatewayUnavailable  no definite answer; look again
│       └── GatewayMisconfigured  our key or settings do not fit; mend them, nothing is lost
└── GatewayRejected      Stripe understood, and refused                 502
"""

from typing import Any


class CyclebookError(Exception):
    """Base of every error raised on purpose.

    ``code`` is stable and part of the API; the message is a sentence for a person;
    ``context`` names what it is about (``field=...``, ``cycle=...``).
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **context: Any) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.context = context


class InvalidInput(CyclebookError):
    """It can never succeed as it was sent. ``context["field"]`` names what to change."""

    code = "invalid_input"


class NotFound(CyclebookError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class Forbidden(CyclebookError):
    """The caller is known and may not do this."""

    code = "forbidden"


class RuleViolation(CyclebookError):
    """A fair request that clashes with what has already happened."""

    code = "rule_violation"


class ConcurrentChange(RuleViolation):
    """Somebody else changed it first. Read again and decide again."""

    code = "concurrent_change"


class MonthArchived(RuleViolation):
    """The events of a month are in an archive, and not in the log. Restore it, then ask again."""

    code = "month_archived"


class UnsafeChangeSet(RuleViolation):
    """A change-set that would do too much at once. A person has to say yes."""

    code = "unsafe_change_set"


class EditedAtStripe(UnsafeChangeSet):
    """Somebody else changed the draft. A person, or the policy, has to say what becomes of it."""

    code = "edited_at_stripe"


class Unavailable(CyclebookError):
    """Nothing was decided; the same request may succeed in a moment."""

    code = "unavailable"


class Busy(Unavailable):
    """Somebody else is doing this right now."""

    code = "busy"


class StoreUnavailable(Unavailable):
    """The database does not answer."""

    code = "store_unavailable"


class StoreMisconfigured(StoreUnavailable):
    """The database refuses what our settings say of it. The message says what to change."""

    code = "store_misconfigured"


class GatewayError(Unavailable):
    """Stripe did not do its part."""

    code = "gateway_error"


class GatewayBusy(GatewayError):
    """Stripe asks us to slow down."""

    code = "gateway_busy"


class GatewayUnavailable(GatewayError):
    """No definite answer from Stripe: the call may or may not have been carried out."""

    code = "gateway_unavailable"


class GatewayMisconfigured(GatewayError):
    """Stripe does not take our key, or the key does not fit what it is used for.

    The message says what to change. No customer has done anything wrong, and nothing is lost.
    """

    code = "gateway_misconfigured"


class GatewayRejected(CyclebookError):
    """Stripe understood the request and refused it. The message says what can be done."""

    code = "gateway_rejected"
