"""The guides' requests, sent to the demo that they speak of. Each page is gone through in order."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.demo.calendar import two_cycles
from api.demo.cast import CAST
from api.demo.play import play
from api.wiring import Wired
from tests.api.test_demo import running, settings, small
from tests.snippets import PAGES, Snippet, snippets

__all__ = ["running", "settings", "small"]

WRITTEN = date(2026, 11, 21)
"""The day on which the guides speak; the demo's months are those around today."""

LAST = ("end-a-cycle.md", "second-person.md")
"""What ends acme's cycles comes after all that speaks of them."""

_CYCLE = re.compile(r"\b([a-z][a-z0-9-]*)\.(\d{4})-(\d\d)-01\b")
_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)(?=T)")


def in_order() -> list[Snippet]:
    pages = sorted(PAGES, key=lambda page: (page.name in LAST, PAGES.index(page)))
    return [each for page in pages for each in snippets(page)]


def months_on(year: int, month: int) -> int:
    """How many months after the one the guides were written in."""
    return 12 * (year - WRITTEN.year) + month - WRITTEN.month


def in_todays_words(text: str, now: datetime) -> str:
    """A request as one would write it today: the same cycles, and days not ahead of today."""
    cycles = {customer.id: two_cycles(customer, now) for customer in CAST}

    def cycle(found: re.Match[str]) -> str:
        of = cycles.get(found[1])
        if of is None:
            return f"{found[1]}.{now:%Y-%m}-01"
        ago = months_on(int(found[2]), int(found[3]))
        return of.current_name if ago >= 0 else of.previous_name

    def day(found: re.Match[str]) -> str:
        month = now.year * 12 + now.month - 1 + months_on(int(found[1]), int(found[2]))
        last = 28 if month > now.year * 12 + now.month - 1 else min(28, now.day)
        return f"{month // 12}-{month % 12 + 1:02d}-{min(int(found[3]), last):02d}"

    text = text.replace("$MONTH", f"{now:%Y-%m}")
    return _DAY.sub(day, _CYCLE.sub(cycle, text))


@pytest.fixture
def send(small: None, running: Wired) -> Callable[[Snippet], tuple[int, str]]:
    """Sends a request to the demo with an admin's key; the answer's status and text."""
    play(running, lambda said: None)
    client: FlaskClient = create_app(running).test_client()
    key = running.keys.create("admin", actor="test")

    def request(snippet: Snippet) -> tuple[int, str]:
        now = datetime.now(UTC)
        path = in_todays_words(snippet.path, now)
        body = None if snippet.body is None else in_todays_words(snippet.body, now)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": snippet.media}
        answer = client.open(path, method=snippet.method, data=body, headers=headers)
        return answer.status_code, f"{path} {body}: {answer.get_data(as_text=True)}"

    return request


def test_every_request_of_the_guides_does_what_they_say(
    send: Callable[[Snippet], tuple[int, str]],
) -> None:
    refused: list[str] = []
    for each in in_order():
        if each.marked is None:
            status, said = send(each)
            if status >= 400:
                refused.append(f"{each.page}: {each.method} {status} {said}")
    assert refused == [], "\n".join(refused)


def test_few_requests_are_only_looked_at() -> None:
    """Each for a reason that stands on its page, above the block."""
    marked = [each.marked for each in in_order() if each.marked]
    assert 2 * len(marked) < len(in_order())
    assert all(len(why) > 10 for why in marked)
