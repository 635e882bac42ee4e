"""Addresses that are nobody's: people are answered with a page, programs with a problem."""

import pytest

from tests.pages.stage import STARRING, Stage

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "We cannot find this."),
        ("GET", f"/billing/{STARRING}/nothing", 404, "We cannot find this."),
        ("PUT", "/sign-in", 405, "This page cannot do that."),
    ],
)
def test_a_browser_is_answered_with_a_page(
    stage: Stage, method: str, path: str, status: int, words: str
) -> None:
    answer = stage.client(STARRING).open(path, method=method, headers=BROWSER)

    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert words in answer.text
    assert "Sign out" in answer.text, "whoever is signed in stays so"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("Allow" in answer.headers) is (status == 405)


def test_a_stranger_is_shown_where_to_sign_in(stage: Stage) -> None:
    answer = stage.app.test_client().get("/nothing", headers=BROWSER)

    assert answer.status_code == 404
    assert 'href="/sign-in"' in answer.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/nothing", BROWSER),
        ("/webhooks/nothing", BROWSER),
        ("/nothing", {}),
        ("/nothing", {"Accept": "*/*"}),
        ("/nothing", {"Accept": "application/json"}),
    ],
)
def test_a_program_is_answered_with_a_problem(
    stage: Stage, path: str, headers: dict[str, str]
) -> None:
    answer = stage.app.test_client().get(path, headers=headers)

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["detail"] == "there is no such address"
