"""What to look at and what to try once the demo has been played, with keys that work."""

import json
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import quote

from api.demo import notes
from api.demo.cast import STARRING
from api.demo.client import Client, base_url
from api.demo.notes import Notes
from api.demo.play import starring
from api.demo.troubles import UNKNOWN_METER
from api.demo.usage import uuid7
from api.instants import format_instant, parse_instant
from api.links import LINK_LASTS_MAX
from api.settings import Settings
from domain.money import shown

Invoice = dict[str, Any]


def hints(settings: Settings, now: datetime) -> str:
    """The hints for what is in the store now; empty where there are no notes of a demo.

    Raises:
        Refused: the API does not answer as it should.
    """
    story = notes.read(settings)
    if story is None:
        return ""
    lines = list(_keys(settings, story))
    with Client(base_url(settings), story.keys["admin"]) as ask:
        rows = ask("GET", f"/v1/organizations?text={STARRING}")["data"]
        if STARRING in [row["organization"] for row in rows]:
            current = ask("GET", f"/v1/organizations/{STARRING}/invoices/current")
            previous = starring(parse_instant(story.played_at)).previous_name
            issued = ask("GET", f"/v1/invoices/{previous}")
            lines += _pages(ask)
            lines += _tour(f"{base_url(settings)}/v1", current, issued, now)
    return "\n".join(lines)


def _keys(settings: Settings, story: Notes) -> Iterator[str]:
    if settings.sandbox:
        yield f"The calls that Stripe got: {settings.stripe_api_base}/_sandbox/calls"
        yield ""
    yield f"export KEY={story.keys['admin']}     # may do everything"
    yield f"export INGEST={story.keys['ingest']}  # may only send usage"
    yield ""


def _pages(ask: Client) -> Iterator[str]:
    """Links to the pages. Each works once; ``cyclebook sign-in`` makes others."""
    lasts = {"lasts_s": int(LINK_LASTS_MAX.total_seconds())}
    customer = ask("POST", f"/v1/organizations/{STARRING}/sign-in-links", lasts)
    staff = ask("POST", "/v1/sign-in-links", {"name": "sam", "role": "admin", **lasts})
    yield "# the pages, in a browser: each link works once, cyclebook sign-in makes others"
    yield f"customer    {customer['url']}"
    yield f"support     {staff['url']}"
    yield ""


def _tour(url: str, current: Invoice, issued: Invoice, now: datetime) -> Iterator[str]:
    yield from _now(url, current, now)
    yield from _issued(f"{url}/invoices/{issued['cycle']}", issued)
    yield from _changes(url, current["cycle"], now)
    yield ""
    yield "# the same from the command line"
    for command in (
        f"invoice {STARRING}",
        f"history {issued['cycle']}",
        f"explain {issued['cycle']} '{_dearest(issued)['key']}'",
        f"plan {current['cycle']}",
        "audit",
    ):
        yield f".venv/bin/cyclebook {command}"


def _now(url: str, current: Invoice, now: datetime) -> Iterator[str]:
    invoice = f"{url}/organizations/{STARRING}/invoices/current"
    owed = f"{shown(current['total'], current['currency'])} {current['currency'].upper()}"
    yield f"# {current['cycle']} comes to {owed} if nothing more happens"
    yield _get(invoice)
    yield "# ... and as it stood half-way between its start and now"
    yield _get(f"{invoice}?as_of={_middle(current, now)}")


def _issued(url: str, issued: Invoice) -> Iterator[str]:
    line, currency = _dearest(issued), issued["currency"]
    yield f"# the invoice before it came to {shown(issued['total'], currency)}"
    yield _get(url)
    yield "# its story, one sentence for each event"
    yield _get(f"{url}/history")
    yield f"# why {line['key']} comes to {shown(line['amount'], currency)}"
    yield _get(f"{url}/lines/{quote(line['key'], safe='')}/explain?limit=5")
    yield "# the proof that Stripe's invoice equals ours"
    yield _get(f"{url}/proof")


def _changes(url: str, cycle: str, now: datetime) -> Iterator[str]:
    yield "# a usage record: accepted; send it again: a duplicate"
    yield _post(f"{url}/usage", "INGEST", _record(now))
    yield "# what the next sync will change at Stripe, and that sync"
    yield _get(f"{url}/invoices/{cycle}/change-set")
    yield _post(f"{url}/invoices/{cycle}/sync", "KEY", "{}")
    yield "# what a swap would change on invoices; nothing is stored"
    attachment = f"{url}/organizations/{STARRING}/attachments/web"
    yield _post(f"{attachment}/swap?preview=true", "KEY", '{"service": "machine-xl"}')
    yield f"# records that could not be placed; two, as nobody has defined {UNKNOWN_METER}"
    yield _get(f"{url}/quarantine")


def _get(url: str) -> str:
    return f'curl -s -H "Authorization: Bearer $KEY" "{url}"'


def _post(url: str, key: str, body: str) -> str:
    sent = f"-H 'Content-Type: application/json' -d '{body}'"
    return f'curl -s -H "Authorization: Bearer ${key}" {sent} "{url}"'


def _middle(current: Invoice, now: datetime) -> str:
    start = parse_instant(current["period"]["start"])
    return format_instant((start + (now - start) / 2).replace(microsecond=0))


def _dearest(invoice: Invoice) -> dict[str, Any]:
    """The dearest line that comes from usage."""
    used: list[dict[str, Any]] = [each for each in invoice["lines"] if each["kind"] == "usage"]
    return max(used, key=lambda line: int(line["amount"]))


def _record(now: datetime) -> str:
    return json.dumps(
        {
            "source": "me",
            "id": uuid7(now, Random()),
            "organization": STARRING,
            "meter": "cpu_seconds",
            "attachment": "web",
            "value": "3600",
            "occurred_at": format_instant(now.replace(microsecond=0)),
            "properties": {"region": "fra"},
        }
    )
