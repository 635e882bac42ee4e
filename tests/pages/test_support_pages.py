"""What support sees of organizations and invoices: each page, and what it says.

Mutates organizations of its own, all called ``see-...``.
"""

import re
from urllib.parse import quote

import pytest

from api.pages.billing.breakdown import described
from tests.pages.staff import call, current, issued, registered, shown
from tests.pages.stage import STARRING, Stage

FIRST_LOAD_MAX = 250_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acme", "Acme Robotics"),
        ("robot", "Acme Robotics"),
        ("ada@acme.example", "Acme Robotics"),
        ("no such thing", "Nothing is called so."),
    ],
)
def test_the_desk_finds(stage: Stage, text: str, words: str) -> None:
    page = stage.client().get("/support", query_string={"q": text})

    assert words in shown(page.text).text


def test_the_desk_finds_an_invoice_by_its_number_and_stripes_id(stage: Stage) -> None:
    first = stage.wired.books.cycle_names(STARRING)[0]
    view = stage.wired.invoices.get(first)

    for text in (view.number, view.stripe.invoice, first):
        page = stage.client().get("/support", query_string={"q": text})
        assert f'href="/support/invoices/{first}"' in page.text


def test_the_desk_refuses_what_is_too_long(stage: Stage) -> None:
    page = stage.client().get("/support", query_string={"q": "x" * 201})

    assert page.status_code == 422
    assert 'id="q-wrong"' in page.text


def test_an_organization_at_a_glance(stage: Stage) -> None:
    page = shown(stage.client().get(f"/support/organizations/{STARRING}").text)

    known = stage.wired.registration.get(STARRING)
    for text in ("Acme Robotics", "ada@acme.example", "Europe/Berlin", known.stripe_customer or ""):
        assert text in page.text
    assert "outage in Frankfurt" in page.text, "its credit"
    assert "sync_interval_s" in page.text, "its policies"
    assert not any("stripe.com" in each.get("href", "") for each in page.attributes("a")), (
        "in the sandbox there is no Dashboard"
    )


def test_a_closed_organization(stage: Stage) -> None:
    organization = registered(stage, "see-closed", "Gone Ltd")
    call(stage, "POST", f"/v1/organizations/{organization}/close", {"reason": "they left"})
    for _ in range(2):
        issued(stage, organization)

    page = stage.client().get(f"/support/organizations/{organization}")

    assert page.status_code == 200
    assert "Gone Ltd" in page.text


def test_a_new_organization_with_nothing(stage: Stage) -> None:
    registered(stage, "see-empty", starts_at=None)

    page = shown(stage.client().get("/support/organizations/see-empty").text)

    for text in ("Nothing is attached.", "Never reported a problem.", "no customer yet"):
        assert text in page.text


def test_what_a_customer_was_told(stage: Stage) -> None:
    first = stage.wired.books.cycle_names(STARRING)[0]

    page = shown(stage.client().get(f"/support/organizations/{STARRING}/notices").text)

    assert f"An invoice was issued. invoice.issued {first} the customer" in page.text


def test_an_invoice_through_time_adds_up(stage: Stage) -> None:
    client, cycle = stage.client(), current(stage, STARRING)
    path = f"/support/invoices/{cycle}"
    story = stage.wired.invoices.history(cycle)
    now = stage.wired.invoices.get(cycle)

    for entry in story[:: max(len(story) // 5, 1)]:
        at = entry.recorded_at.isoformat()
        page = client.get(path, query_string={"known_at": at})
        then = stage.wired.invoices.get(cycle, known_at=entry.recorded_at)
        assert page.status_code == 200
        assert _totals(page.text) == [then.invoice.subtotal, now.invoice.subtotal]
        diff = client.get(f"{path}/diff", query_string={"from": at})
        causes = stage.wired.diffing.diff(cycle, entry.recorded_at).causes
        assert sum(each.amount for each in causes) == _totals(page.text)[1] - _totals(page.text)[0]
        assert all(shown(diff.text).text.count(" ".join(each.what.split())) for each in causes)


def _totals(html: str) -> list[int]:
    foot = html.split("<tfoot>")[1].split("</tfoot>")[0]
    return [int(text.replace(",", "").replace(".", "")) for text in
            re.findall(r'number">([\d,.]+) USD', foot)]  # fmt: skip


def test_the_slider_answers_a_fragment(stage: Stage) -> None:
    path = f"/support/invoices/{current(stage, STARRING)}"

    whole = stage.client().get(f"{path}?step=0")
    part = stage.client().get(f"{path}?step=0", headers={"HX-Request": "true"})

    assert "<html" not in part.text
    assert part.text.strip() in whole.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("known_at=noon", "write it as"),
        ("known_at=2999-01-01T00:00:00Z", "lies in the future"),
        ("known_at=1999-01-01T00:00:00Z", "not known yet"),
        ("as_of=1999-01-01T00:00:00Z", "had not begun by then"),
        ("clock=odd&step=1", ""),
    ],
)
def test_an_instant_without_an_invoice_is_told(stage: Stage, query: str, words: str) -> None:
    page = stage.client().get(f"/support/invoices/{current(stage, STARRING)}?{query}")

    assert page.status_code == 200
    assert words in page.text


def test_the_story_is_told_to_its_end(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]
    client, path, told = stage.client(), f"/support/invoices/{cycle}/story", ""
    while path:
        page = client.get(path).text
        told += shown(page).text
        link = re.search(r'rel="next" href="([^"]+)"', page)
        path = link[1] if link else ""

    story = stage.wired.invoices.history(cycle)
    assert all(" ".join(each.what.split()) in told for each in story)
    assert all(each.actor in told for each in story)


def test_every_line_is_explained_to_its_records(stage: Stage) -> None:
    cycle = stage.wired.books.cycle_names(STARRING)[0]

    for line in stage.wired.invoices.get(cycle).invoice.lines:
        page = stage.client().get(f"/support/invoices/{cycle}/lines/{quote(line.key, safe='')}")
        explained = stage.wired.invoices.explain(cycle, line.key, limit=50)
        assert page.status_code == 200
        text = shown(page.text).text
        assert all(" ".join(step.what.split()) in text for step in explained.steps)
        assert page.text.count("/do/retract?") == len(explained.usage)
        assert ("Next page" in text) == (explained.next_cursor is not None)


def test_two_instants_that_are_not_in_order_are_refused(stage: Stage) -> None:
    path = f"/support/invoices/{current(stage, STARRING)}/diff"

    page = stage.client().get(f"{path}?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z")

    assert page.status_code == 422
    assert "must not lie before" in page.text


def test_pages_say_how_long_they_took_and_are_not_kept(stage: Stage) -> None:
    page = stage.client().get("/support")

    assert page.headers["Server-Timing"].startswith("app;dur=")
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["", "/organizations/acme", "/invoices/CYCLE", "/quarantine"])
def test_a_first_load_is_small(stage: Stage, path: str) -> None:
    client = stage.client()
    page = client.get(f"/support{path.replace('CYCLE', current(stage, STARRING))}")
    found = shown(page.text)
    assets = [each["src"] for each in found.attributes("script")]
    assets += [each["href"] for each in found.attributes("link")]

    size = len(page.data)
    for asset in assets:
        with client.get(asset) as answer:
            size += len(answer.data)

    assert len(assets) >= 4
    assert size < FIRST_LOAD_MAX


def test_links_of_a_line_say_which_line(stage: Stage) -> None:
    view = stage.wired.invoices.current(STARRING).invoice
    text = stage.client().get(f"/support/invoices/{view.invoice.cycle}").text

    for line in view.invoice.lines:
        for what in ("Waive", "Override"):
            assert f'aria-label="{what} {described(line)}"' in text
