"""An exported invoice as NDJSON: the invoice first, then each event of its chains."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from api.chains import shown
from api.schemas.audit_trail import ChainSchema
from api.schemas.invoices import InvoiceSchema
from application.offline import FORMAT
from application.views import InvoiceView

if TYPE_CHECKING:
    from api.wiring import Wired


def bundle(wired: "Wired", cycle: str) -> Iterator[str]:
    """Everything by which an invoice can be checked without us, a JSON object on each line.

    Raises:
        NotFound: there is no such cycle.
    """
    view, (own, catalog), lines = wired.audit_trail.bundles.open(cycle)
    first = {
        "format": FORMAT,
        "invoice": invoice_shown(view),
        "chain": ChainSchema().dump(shown(own, catalog)),
    }

    def written() -> Iterator[str]:
        yield _line(first)
        yield from map(_line, lines)

    return written()


def invoice_shown(view: InvoiceView) -> dict[str, Any]:
    """The invoice as a bundle has it: without how it stands at Stripe, which is not proved."""
    shown: dict[str, Any] = json.loads(json.dumps(InvoiceSchema(exclude=["stripe"]).dump(view)))
    return shown


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
