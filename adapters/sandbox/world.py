"""The sandbox's world: its ledger, its clock, and the events that happen in it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from adapters.sandbox.chaos import Chaos
from adapters.sandbox.ledger import Ledger, Thing
from adapters.sandbox.refusals import missing

API_VERSION = "2026-10-28.endive"

KEY_KEPT_S = 86_400
"""Stripe promises to know an idempotency key for a day; here it is forgotten right after."""

STEP_S = 3600
STEPS_MAX = 1000
"""Time set forward passes in steps, so that what is due in between happens about when due."""

Clock = Callable[[], float]

BEHAVIOUR = ("tax_percent", "automatic_tax", "minimum_charge", "takes_invoice_metadata")
"""The fields of a world that can be switched while it turns."""


@dataclass(kw_only=True)
class World:
    """What every behaviour of the sandbox works on.

    takes_invoice_metadata: whether the bulk calls honour ``invoice_metadata``; Stripe does not
    say what they do with it, so both can be tried. tax_percent: what finalizing adds as tax,
    and automatic_tax where an invoice asks for that. minimum_charge: whether less than Stripe's
    least amount is left uncharged.
    cause: the request that is being carried out. chaos: what befalls events on their way.
    at_each_moment: each is called when time has moved, in a transaction, and does what is due.
    at_delivery: each is told an event that its endpoint has taken, in a transaction.
    """

    ledger: Ledger
    clock: Clock = time.time
    takes_invoice_metadata: bool = True
    delivers: bool = False
    tax_percent: int = 0
    automatic_tax: int = 0
    minimum_charge: bool = False
    cause: dict[str, str | None] = field(default_factory=dict)
    chaos: Chaos = field(default_factory=Chaos)
    at_each_moment: list[Callable[[], None]] = field(default_factory=list)
    at_delivery: list[Callable[[Thing], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ahead_s = float(self.ledger.setting("ahead_s", 0))
        self.chaos = Chaos(**self.ledger.setting("chaos", {}))
        self._passed: int | None = None
        for name, value in self.ledger.setting("behaviour", {}).items():
            setattr(self, name, value)

    # Switches

    def behaviour(self) -> dict[str, int]:
        """How it behaves where Stripe can be set to, or does not say."""
        return {name: getattr(self, name) for name in BEHAVIOUR}

    def behave(self, switched: dict[str, Any]) -> None:
        """Behave otherwise from now on, also after a restart.

        Raises:
            ValueError: there is no such switch, or it does not take this.
        """
        for name, value in switched.items():
            if name not in BEHAVIOUR or type(value) is not type(getattr(self, name)):
                listed = ", ".join(BEHAVIOUR)
                raise ValueError(f"{name}={value!r} is no behaviour; there are {listed}")
        for name, value in switched.items():
            setattr(self, name, value)
        with self.ledger.transaction():
            self.ledger.keep_setting("behaviour", self.behaviour())

    def make_chaos(self, chaos: Chaos) -> None:
        """Let other things befall the events from now on, also after a restart."""
        self.chaos = chaos
        with self.ledger.transaction():
            self.ledger.keep_setting("chaos", chaos.settings())

    # Time

    def now(self) -> int:
        """The sandbox's time, in seconds since 1970."""
        return int(self.instant())

    def instant(self) -> float:
        """The same with its fractions."""
        return self.clock() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Set the clock forward, and do what becomes due on the way. Time never goes back.

        Raises:
            ValueError: it would.
        """
        if not 0 <= seconds <= timedelta(days=3660).total_seconds():
            raise ValueError("the clock goes forward only, by ten years at most")
        step = max(STEP_S, seconds / STEPS_MAX)
        while seconds > 0:
            self._ahead_s += min(step, seconds)
            seconds -= step
            with self.ledger.transaction():
                self.ledger.keep_setting("ahead_s", self._ahead_s)
            self.pass_time()

    def pass_time(self) -> None:
        """Do what is due by now. Costs nothing within a second of the last time."""
        now = self.now()
        if now == self._passed:
            return
        with self.ledger.transaction():
            self.ledger.forget_answers(now - KEY_KEPT_S)
            for do_what_is_due in self.at_each_moment:
                do_what_is_due()
        self._passed = now

    # Objects and events

    def need(self, kind: str, id_: str, param: str, status: int = 404) -> Thing:
        """An object.

        Raises:
            Refused: there is none.
        """
        thing = self.ledger.get(kind, id_)
        if thing is None:
            raise missing(kind, id_, param, status)
        return thing

    @contextmanager
    def caused_by(self, request: str, key: str | None) -> Iterator[None]:
        """What happens inside is the work of a request. To be used in a transaction."""
        self.cause = {"id": request, "idempotency_key": key}
        try:
            yield
        finally:
            self.cause = {}

    def happened(self, type_: str, thing: Thing) -> None:
        """Record an event of Stripe's, with the object as it is now, and owe its delivery."""
        fate = self.chaos.fate()
        if not fate.made:
            return
        about = str(thing.get("id"))
        before = self.ledger.latest("event", about) if fate.stale else None
        event: Thing = {
            "id": self.ledger.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": before["data"] if before else {"object": thing},
            "livemode": False,
            "pending_webhooks": int(self.delivers),
            "request": {"id": None, "idempotency_key": None, **self.cause},
            "type": type_,
        }
        self.ledger.put("event", event, parent=about)
        for delay_s in fate.delays_s if self.delivers else ():
            self.ledger.owe_delivery(event["id"], self.instant(), delay_s)
