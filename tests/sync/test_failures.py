"""Every write call, met by every kind of failure, at its first, second and third attempt."""

import os
from typing import Any

import pytest

from domain.errors import CyclebookError, GatewayRejected
from tests.sync.account import Account, once_only, publish, strangers
from tests.sync.scene import Scene
from tests.sync.scenes import SCENES
from tests.world import World

DEEP = bool(int(os.environ.get("DEEP_EXAMPLES", "0")))

WRITES = {
    "customer": "a first draft and its customer",
    "product": "products to be taxed",
    "create": "a first draft",
    "claim": "a renewal claimed",
    "add_lines": "lines added",
    "update_lines": "lines updated",
    "remove_lines": "lines removed",
    "header": "other terms",
    "finalize": "finalized",
    "delete": "nothing left to bill",
    "void": "voided and issued anew",
    "mark_uncollectible": "given up",
    "credit_note": "credited",
}

KINDS: dict[str, dict[str, Any]] = {
    "429": {"fault": "rate_limit"},
    "429 lock_timeout": {"fault": "lock_timeout"},
    "409 while it runs": {"fault": "key_in_use"},
    "401": {"fault": "unauthorized"},
    "500 before": {"fault": "error_before"},
    "500 before, and kept": {"fault": "error_kept"},
    "500 after": {"fault": "error_after"},
    "500 after half of it": {"fault": "partial"},
    "the connection dropped": {"fault": "dropped"},
    "the answer lost": {"fault": "lost_response"},
    "the answer cut in its body": {"fault": "cut"},
    "no answer for long": {"fault": "hang"},
    "an answer that is no JSON": {"fault": "bad_json"},
    "an answer about something else": {"fault": "wrong_object"},
}
"""Failures that differ in what is done, and in what is known of it."""

ALIKE: dict[str, dict[str, Any]] = {
    "429 global-rate": {"fault": "rate_limit", "reason": "global-rate"},
    "429 global-concurrency": {"fault": "rate_limit", "reason": "global-concurrency"},
    "429 endpoint-concurrency": {"fault": "rate_limit", "reason": "endpoint-concurrency"},
    "429 resource-specific": {"fault": "rate_limit", "reason": "resource-specific"},
    "429 with Retry-After": {"fault": "rate_limit", "retry_after": 2},
    "403": {"fault": "forbidden"},
    "503 before": {"fault": "error_before", "status": 503},
    "503 before, and kept": {"fault": "error_kept", "status": 503},
    "503 after": {"fault": "error_after", "status": 503},
    "503 after half of it": {"fault": "partial", "status": 503},
    "500 that is no use to retry": {"fault": "error_after", "should_retry": False},
    "500 that should be retried": {"fault": "error_after", "should_retry": True},
}
"""The same in other words."""


def prepared(write: str, *, alone: bool = False) -> tuple[Scene, Account, str]:
    """alone: nothing of others is at Stripe, which an answer could be about."""
    world, scene = World(), SCENES[WRITES[write]]
    publish(world)
    if not alone:
        strangers(world)
    account = Account(world, "acme", seed=7)
    about = scene.begin(account)
    world.sandbox.transport.calls.clear()
    return scene, account, about


def must_end_well(write: str, *faults: dict[str, Any], alone: bool = False) -> list[CyclebookError]:
    """The work is done in the end, once; the answer is what it met before."""
    scene, account, about = prepared(write, alone=alone)
    method, path = scene.write
    for fault in faults:
        account.world.sandbox.faults.add(**fault, method=method, path=path and f"{path}$")
    met = account.patiently(lambda: scene.work(account, about))
    # What was kept as a failure may have been done: then it is not tried so often.
    again = len({str(fault) for fault in faults}) == 1 < len(faults)
    assert again or not account.world.sandbox.faults.coming(), "the call was not made so often"
    account.world.sandbox.faults.clear()
    once_only(account.invoices())
    scene.must_hold(account, about)
    return met


@pytest.mark.parametrize("failure", KINDS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_ends_well_whichever_attempt_fails(write: str, failure: str) -> None:
    for attempt in range(3):
        met = must_end_well(write, *[{"fault": "dropped"}] * attempt, KINDS[failure])
        assert len(met) >= attempt and all(str(each) for each in met)


@pytest.mark.parametrize("failure", ALIKE)
@pytest.mark.parametrize("write", WRITES)
def test_a_failure_in_other_words_is_the_same(write: str, failure: str) -> None:
    for attempt in range(3 if DEEP else 1):
        assert must_end_well(write, *[{"fault": "dropped"}] * attempt, ALIKE[failure])


@pytest.mark.parametrize(("place", "write"), list(enumerate(WRITES)))
def test_a_write_ends_well_if_it_fails_again_and_again(place: int, write: str) -> None:
    every = list((KINDS | ALIKE).values())
    for failure in every if DEEP else every[place % 5 :: 5]:
        must_end_well(write, *[failure] * 3)


@pytest.mark.parametrize("write", [each for each in WRITES if each != "customer"])
def test_an_id_that_stripe_does_not_know_itself_is_not_believed_for_long(write: str) -> None:
    """The answer is about the right thing, and names it wrong."""
    for attempt in range(3):
        faults = [{"fault": "dropped"}] * attempt
        must_end_well(write, *faults, {"fault": "wrong_object"}, alone=True)


def test_a_customer_that_stripe_does_not_know_itself_is_refused_until_a_person_links_one() -> None:
    scene, account, about = prepared("customer", alone=True)
    account.world.sandbox.faults.add("wrong_object", path="/v1/customers$")
    for _ in range(3):
        with pytest.raises(GatewayRejected, match="link the organization to another one"):
            account.sync()
    (made,) = account.customers()
    assert account.invoices() == []
    account.link(made)
    account.sync()
    scene.must_hold(account, about)
