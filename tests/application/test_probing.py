"""Stripe left alone: its return is seen soon, though nothing is to be sent to it."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from application.pacing import LONGEST_PROBE_PAUSE, SECOND
from application.probing import Probing
from domain.errors import GatewayError
from tests.paced import Paced


def no_key(response: Any) -> Any:
    return '{"error": {"message": "Invalid API Key"}}', 401, response[2]


def broken(response: Any) -> Any:
    return "{}", 503, response[2]


def silent(response: Any) -> Any:
    raise stripe.APIConnectionError("no answer")


@pytest.mark.parametrize("trouble", [no_key, broken, silent])
def test_it_is_asked_now_and_then_until_it_answers(trouble: Any) -> None:
    paced = Paced(retries=0)
    probing = Probing(
        paced.pacer, paced.gateway.events, lambda: datetime.fromtimestamp(paced.now // SECOND, UTC)
    )
    paced.spoil = trouble
    for key in range(10):
        with pytest.raises(GatewayError):
            paced.gateway.customer(f"cus_{key}")
    asked = len(paced.answers)
    for _ in range(300):
        probing.step()
        paced.now += 2 * SECOND
    assert 15 <= len(paced.answers) - asked <= 25, "half a minute apart, after a while"
    assert paced.pacer.budget().away is not None

    paced.spoil = lambda response: response
    back = paced.now
    while paced.pacer.budget().away is not None:
        probing.step()
        paced.now += 2 * SECOND
    assert paced.now - back <= LONGEST_PROBE_PAUSE + 2 * SECOND
    asked = len(paced.answers)
    probing.step()
    assert len(paced.answers) == asked, "while it answers it is left in peace"
