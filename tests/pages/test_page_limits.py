"""How often one may ask: each session by itself, in words, and with when to come back."""

from collections.abc import Iterator

import pytest
from flask import Flask

from api.app import create_app
from api.context import RATE_LIMITS
from api.rate_limits import BURST_S, RateLimits
from tests.pages.stage import STARRING, Stage


@pytest.fixture
def stopped(stage: Stage) -> Iterator[Flask]:
    """Pages of a service whose clock stands still, so that no bucket fills."""
    app = create_app(stage.wired)
    app.extensions[RATE_LIMITS] = RateLimits(stage.wired.settings, lambda: 0.0)
    yield app


@pytest.mark.parametrize(
    ("organization", "path", "words"),
    [
        pytest.param(None, "/support/feedback", "too many pages at once", id="staff"),
        pytest.param(STARRING, f"/billing/{STARRING}/cases", "That was a lot at once", id="member"),
    ],
)
def test_a_session_that_asks_too_often_has_to_wait(
    stage: Stage, stopped: Flask, organization: str | None, path: str, words: str
) -> None:
    client, other = stopped.test_client(), stopped.test_client()
    for each in (client, other):
        each.post(stage.link(organization))
    first = client.get(path)
    asked = stage.wired.settings.rate_limit_per_s // stage.wired.settings.workers * BURST_S
    for _ in range(asked - 1):
        last = client.get(path, headers={"HX-Request": "true"})
    refused = client.get(path)

    assert (first.status_code, last.status_code) == (200, 200)
    assert first.headers["RateLimit"].startswith(f'"pages";r={asked - 1};')
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert words in refused.text
    assert other.get(path).status_code == 200, "somebody else is served"


def test_a_change_is_not_carried_out_beyond_the_limit(stage: Stage, stopped: Flask) -> None:
    client = stopped.test_client()
    client.post(stage.link())
    while client.get("/support/feedback").status_code == 200:
        pass
    refused = client.post("/support/quarantine", data={"step": "dismiss"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")


def test_files_and_the_door_are_open_to_everybody(stage: Stage, stopped: Flask) -> None:
    client = stopped.test_client()
    for path in ("/static/cyclebook.css", "/sign-in"):
        for _ in range(450):
            with client.get(path) as answer:
                assert answer.status_code == 200
