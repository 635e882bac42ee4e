"""Support's search for usage records: by meter, time, source and id, page by page.

Makes the organization ``see-unpriced``.
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.pages.staff import call, current, registered, shown
from tests.pages.stage import STARRING, Stage


def _usage_path(**asked: str) -> str:
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    return f"/support/organizations/{STARRING}/usage?{query}"


def test_usage_is_found_by_meter_time_and_id(stage: Stage) -> None:
    client = stage.client()
    begun = stage.wired.invoices.get(current(stage, STARRING)).invoice.period.start

    found = client.get(_usage_path(meter="egress_gb", **{"from": begun.isoformat()}))
    rows = re.findall(r"correct\?source=([^&]+)&amp;id=([^\"]+)", found.text)
    assert rows
    assert "Bandwidth egress_gb" in shown(found.text).text
    assert "cpu_seconds" not in found.text
    source, id_ = rows[0]
    one = client.get(_usage_path(source=source, id=id_))
    assert len(re.findall(r"retract\?", one.text)) == 1
    assert shown(client.get(_usage_path(id="none")).text).text.count("No usage record is so") == 1


def test_usage_that_nothing_prices_is_told_by_its_meters_name(stage: Stage) -> None:
    organization = registered(stage, "see-unpriced")
    call(stage, "PUT", "/v1/meters/see_scans", {"aggregation": "sum", "unit": "scan"})
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    sent = {"source": "s", "id": "see-1", "organization": organization, "value": "2"}
    call(stage, "POST", "/v1/usage", [{**sent, "meter": "see_scans", "occurred_at": at}])

    page = stage.client().get(f"/support/invoices/{current(stage, organization)}")

    assert "not priced by anything: See scans see_scans" in shown(page.text).text


def test_usage_is_paged(stage: Stage) -> None:
    first = shown(stage.client().get(_usage_path(meter="cpu_seconds")).text)
    link = next(each["href"] for each in first.attributes("a") if each.get("rel") == "next")

    second = stage.client().get(f"/support/organizations/{STARRING}/usage{link}")

    ids = [re.findall(r"id=([^\"]+)", page) for page in (second.text,)]
    assert second.status_code == 200
    assert "cpu_seconds" in second.text
    assert ids


@pytest.mark.parametrize(("name", "text"), [("from", "noon"), ("to", "2026-02-30 10:00")])
def test_an_odd_time_is_refused_beside_its_field(stage: Stage, name: str, text: str) -> None:
    page = stage.client().get(_usage_path(**{name: text}))

    assert page.status_code == 422
    assert f'id="{name}-wrong"' in page.text
