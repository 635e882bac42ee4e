"""What to look at and what to try once the demo has been played, with keys that work."""

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
from api.settings import Settings
from domain.money import shown


def hints(settings: Settings, now: datetime) -> str:
    """The hints for what is in the store now; empty where there are no notes of a demo."""
    story = notes.read(settings)
    if story is None:
        return ""
    ask = Client(base_url(settings), story.keys["admin"])
    rows = ask("GET", f"/v1/organizations?text={STARRING}")["data"]
    if STARRING not in [row["organization"] for row in rows]:
        return "\n".join(_keys(settings, story))
    lines = (*_keys(settings, story), *_tour(settings, ask, story, now))
    return "\n".join(lines)


def _keys(settings: Settings, story: Notes) -> Iterator[str]:
    base = base_url(settings)
    yield f"API and its documents   {base}/docs/"
    if settings.sandbox:
        yield f"Calls that Stripe got   {settings.stripe_api_base}/_sandbox/calls"
    yield ""
    yield f"export KEY={story.keys['admin']}      # may do everything"
    yield f"export INGEST={story.keys['ingest']}   # may only send usage"
    yield ""


def _tour(settings: Settings, ask: Client, story: Notes, now: datetime) -> Iterator[str]:
    url = f"{base_url(settings)}/v1"
    current = ask("GET", f"/v1/organizations/{STARRING}/invoices/current")
    previous = starring(parse_instant(story.played_at)).previous_name
    issued = ask("GET", f"/v1/invoices/{previous}")
    owed, currency = shown(current["total"], current["currency"]), current["currency"].upper()
    name = current["cycle"]

    yield f"# {current['cycle']} comes to {owed} {currency} if nothing more happens"
    yield _get(f"{url}/organizations/{STARRING}/invoices/current")
    yield "# ... and as things stood in the middle of what has passed of it"
    yield _get(f"{url}/organizations/{STARRING}/invoices/current?as_of={_middle(current, now)}")
    yield f"# the previous invoice, {issued['status']}: {shown(issued['total'], currency.lower())}"
    yield _get(f"{url}/invoices/{previous}")
    yield "# its story, one sentence for each event"
    yield _get(f"{url}/invoices/{previous}/history")
    line = _line(issued)
    key = quote(line["key"], safe="")
    yield f"# why {line['key']} comes to {shown(line['amount'], currency.lower())}"
    yield _get(f"{url}/invoices/{previous}/lines/{key}/explain?limit=5")
    yield "# the proof that Stripe's invoice equals ours"
    yield _get(f"{url}/invoices/{previous}/proof")
    yield "# what the next sync will change; then sync, and ask again"
    yield _get(f"{url}/invoices/{name}/change-set")
    yield _post(f"{url}/invoices/{name}/sync", "KEY", "{}")
    yield "# one usage record: accepted; the same again: a duplicate"
    yield _post(f"{url}/usage", "INGEST", _record(now))
    yield f"# four records wait in the quarantine, two because nobody defined {UNKNOWN_METER}"
    yield _get(f"{url}/quarantine")
    yield ""
    yield "# the same from the command line"
    for command in (
        f"invoice {STARRING}",
        f"history {previous}",
        f"explain {previous} '{line['key']}'",
        f"plan {name}",
        "audit",
    ):
        yield f".venv/bin/cyclebook {command}"


def _get(url: str) -> str:
    return f'curl -s -H "Authorization: Bearer $KEY" "{url}"'


def _post(url: str, key: str, body: str) -> str:
    sent = f"-H 'Content-Type: application/json' -d '{body}'"
    return f'curl -s -H "Authorization: Bearer ${key}" {sent} "{url}"'


def _middle(current: dict[str, Any], now: datetime) -> str:
    start = parse_instant(current["period"]["start"])
    return format_instant((start + (now - start) / 2).replace(microsecond=0))


def _line(invoice: dict[str, Any]) -> dict[str, Any]:
    """The dearest line that comes from usage."""
    used: list[dict[str, Any]] = [each for each in invoice["lines"] if each["kind"] == "usage"]
    return max(used, key=lambda line: int(line["amount"]))


def _record(now: datetime) -> str:
    id_, at = uuid7(now, Random()), format_instant(now.replace(microsecond=0))
    return (
        f'{{"source": "me", "id": "{id_}", "organization": "{STARRING}", "meter": "cpu_seconds", '
        f'"attachment": "web", "value": "3600", "occurred_at": "{at}", '
        '"properties": {"region": "fra"}}'
    )
