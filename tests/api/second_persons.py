"""People above whose limit a change by hand waits: who asks, who approves, and what they say."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.wiring import Wired
from tests.api.conftest import Caller
from tests.api.test_life import ORGANIZATION, done

ABOVE = 99
WHY = {"reason": "as agreed"}
ITEM = {"item": "i1", "description": "Setup", "amount": 2500, "currency": "usd", **WHY}
ITEMS = f"{ORGANIZATION}/items"
DISCOUNT = {"discount": "d1", "percent": "50", "cycles": 1, **WHY}
REQUESTS = "/v1/change-requests"


@pytest.fixture
def guarded(wired: Wired) -> Iterator[Flask]:
    """The API with a limit below one dollar; what happened before it had none."""
    settings = replace(wired.settings, second_person_above=ABOVE)
    yield create_app(replace(wired, settings=settings))


@pytest.fixture
def person(guarded: Flask, wired: Wired) -> Callable[..., Caller]:
    """Makes somebody with a key of their own."""

    def make(role: str = "support") -> Caller:
        return Caller(guarded.test_client(), wired.keys.create(role, actor="test"))

    return make


@pytest.fixture
def ada(person: Callable[..., Caller]) -> Caller:
    return person("admin")


@pytest.fixture
def bob(person: Callable[..., Caller]) -> Caller:
    return person("support")


def kept(answer: Any) -> str:
    """The id of a change that was kept."""
    return str(done(answer, 202)["change_request"])


def approve(who: Caller, request: str, **body: Any) -> Any:
    return who("POST", f"{REQUESTS}/{request}/approve", body)


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)
    return str(answer.get_json()["code"])


def shown(who: Caller, request: str) -> dict[str, Any]:
    """A request as somebody sees it."""
    return dict(done(who("GET", f"{REQUESTS}/{request}")))


def reject(who: Caller, request: str) -> Any:
    return who("POST", f"{REQUESTS}/{request}/reject", WHY)
