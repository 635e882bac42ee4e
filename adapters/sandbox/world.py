"""The sandbox's world: its ledger, its clock, and the events that happen in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.sandbox.ledger import Ledger, Thing
from adapters.sandbox.refusals import missing

API_VERSION = "2026-10-28.endive"

Clock = Callable[[], float]


@dataclass(kw_only=True)
class World:
    """What every behaviour of the sandbox works on.

    takes_invoice_metadata: whether the bulk calls honour ``invoice_metadata``; Stripe does not
    say what they do with it, so both can be tried. tax_percent: what finalizing adds as tax.
    cause: the request that is being carried out.
    """

    ledger: Ledger
    clock: Clock = time.time
    takes_invoice_metadata: bool = True
    delivers: bool = False
    tax_percent: int = 0
    cause: dict[str, str | None] = field(default_factory=dict)

    def now(self) -> int:
        """The sandbox's time, in seconds since 1970."""
        return int(self.clock())

    def need(self, kind: str, id_: str, param: str, status: int = 404) -> Thing:
        """An object.

        Raises:
            Refused: there is none.
        """
        thing = self.ledger.get(kind, id_)
        if thing is None:
            raise missing(kind, id_, param, status)
        return thing

    def happened(self, type_: str, thing: Thing) -> None:
        """Record an event of Stripe's, with the object as it is now, and owe its delivery."""
        event: Thing = {
            "id": self.ledger.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": thing},
            "livemode": False,
            "pending_webhooks": int(self.delivers),
            "request": {"id": None, "idempotency_key": None, **self.cause},
            "type": type_,
        }
        self.ledger.put("event", event)
        if self.delivers:
            self.ledger.owe_delivery(event["id"], 0, 0)
