"""Lines of the past at the support console: explained as they were where the slider stands."""

import re
from html import unescape
from urllib.parse import unquote

from tests.pages.staff import shown
from tests.pages.stage import STARRING, Stage


def links(text: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'href="([^"]*/lines/[^"]*)"', text)]


def test_a_link_of_the_past_leads_to_the_line_as_it_was(stage: Stage) -> None:
    client = stage.client()
    view = stage.wired.invoices.current(STARRING).invoice
    home = f"/support/invoices/{view.invoice.cycle}"
    story = stage.wired.invoices.history(view.invoice.cycle)
    then = story[len(story) // 2].recorded_at
    page = client.get(f"{home}?known_at={then.isoformat().replace('+', '%2B')}")

    usage = [each for each in links(page.text) if "/lines/usage" in each and "known_at" in each]
    was = stage.wired.invoices.get(view.invoice.cycle, known_at=then).invoice
    keys = [line.key for line in was.lines if line.kind == "usage"]
    assert keys != []
    assert [unquote(each.partition("/lines/")[2].partition("?")[0]) for each in usage] == keys
    for address, key in zip(usage, keys, strict=True):
        line = shown(client.get(address).text).text
        why = stage.wired.invoices.explain(view.invoice.cycle, key, known_at=then)
        assert "what we knew by then" in line
        assert f"Usage records {why.records} " in line
        assert "As it is now" in line


def test_an_instant_that_cannot_be_read_is_refused(stage: Stage) -> None:
    view = stage.wired.invoices.current(STARRING).invoice
    line = view.invoice.lines[0].key
    refused = stage.client().get(
        f"/support/invoices/{view.invoice.cycle}/lines/{line}?known_at=noon"
    )
    assert refused.status_code == 422
