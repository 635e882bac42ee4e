"""Changes above a limit: support asks for them by the same forms, and somebody else decides.

Mutates organizations of its own, ``act-two`` and ``act-three``.
"""

from dataclasses import replace

import pytest

from api.app import create_app
from tests.pages.staff import csrf, form, registered, shown
from tests.pages.stage import Stage

ORGANIZATIONS = "/support/organizations"


@pytest.fixture(scope="module")
def strict(stage: Stage) -> Stage:
    """The same where changes above 50.00 need a second person."""
    settings = replace(stage.wired.settings, second_person_above=5_000)
    return replace(stage, app=create_app(replace(stage.wired, settings=settings)))


def test_a_second_person_is_asked_above_the_limit(stage: Stage, strict: Stage) -> None:
    organization = registered(stage, "act-two")
    jane, rita = strict.client(name="jane"), strict.client(name="rita")
    credit = form(jane, f"{ORGANIZATIONS}/{organization}/do/credit")
    typed = {"amount": "60.00", "reason": "a long outage"}

    effect = credit.send("preview", **typed)
    assert "somebody else has to approve it" in effect.text
    assert "Ask for it" in effect.text
    asked, again = credit.send("do", **typed), credit.send("do", **typed)
    where = asked.headers["Location"]
    assert again.headers["Location"] == where, "the same form asks once"
    assert stage.wired.holdings.credits(organization) == []

    page = jane.get(where)
    assert "It moves 60.00 USD, above the limit of 50.00 USD" in shown(page.text).text
    assert "somebody else has to approve it" in page.text
    decision = {"csrf": csrf(jane, where), "step": "approve"}
    assert jane.post(where, data=decision).status_code == 403
    assert rita.get("/support").text.count(where) == 1
    odd = rita.post(where, data={**decision, "csrf": csrf(rita, where), "up_to": "1,5"})
    assert odd.status_code == 422
    assert 'id="up_to-wrong"' in odd.text
    accepted = {**decision, "csrf": csrf(rita, where), "up_to": "60.00", "reason": "yes"}
    approved = rita.post(where, data=accepted)
    assert approved.status_code == 303
    assert [each.amount for each in stage.wired.holdings.credits(organization)] == [6_000]


def test_a_change_is_turned_down_with_a_reason(stage: Stage, strict: Stage) -> None:
    organization = registered(stage, "act-three")
    jane, rita = strict.client(name="jane"), strict.client(name="rita")
    credit = form(jane, f"{ORGANIZATIONS}/{organization}/do/credit")
    where = credit.send("do", amount="60.00", reason="<img src=x>").headers["Location"]
    data = {"csrf": csrf(rita, where), "step": "reject"}

    page = shown(rita.get(where).text)
    assert "<img src=x>" in page.text
    assert not list(page.attributes("img"))
    mute = rita.post(where, data=data)
    assert mute.status_code == 422
    assert 'id="reason-wrong"' in mute.text
    assert rita.post(where, data={**data, "reason": "no outage"}).status_code == 303

    assert "no outage" in rita.get(where).text
    assert stage.wired.holdings.credits(organization) == []
