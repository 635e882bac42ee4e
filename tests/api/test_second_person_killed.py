"""The process of a second person dies: what it did is found, never done twice nor turned down."""

import signal
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest

from adapters.sandbox.app import Sandbox
from tests.api.conftest import Caller
from tests.api.second_persons import (
    DISCOUNT,
    REQUESTS,
    WHY,
    ada,
    approve,
    bob,
    code,
    guarded,
    kept,
    person,
    reject,
    shown,
)
from tests.api.test_life import INVOICE, ORGANIZATION, USAGE, amounts, done, issued, used
from tests.api.test_usage import record
from tests.approving_process import AFTER, APPROVER, BEFORE, HALF

__all__ = ["ada", "bob", "guarded", "issued", "person", "used"]

TAKEN_BACK = {"mode": "forgive", **WHY}
WAIVER = {"line": USAGE, **WHY}
BOTH = [{"action": "retract", "source": "fra-7", "id": key, **WHY} for key in ("k1", "k2")]
CORRECTIONS = "/v1/usage/corrections"


@pytest.fixture
def killed(database_url: str) -> Callable[[str, str], None]:
    """Approves a request in a process that is killed before, half-way, or after it was done. That
    was seen a minute ago: until then what it has sent may still be stored."""

    def run(request: str, when: str) -> None:
        argv = [sys.executable, "-m", "tests.approving_process", database_url, request, when]
        assert subprocess.run(argv, check=False, timeout=120).returncode == -signal.SIGKILL
        with psycopg.connect(database_url, autocommit=True) as connection:
            past = "UPDATE change_request SET claimed_till = clock_timestamp() WHERE number = %s"
            connection.execute(past, [int(request)])

    return run


def test_what_was_done_is_approved_and_not_done_again(
    ada: Caller, bob: Caller, used: str, killed: Callable[[str, str], None]
) -> None:
    request = kept(ada("POST", f"{INVOICE}/waive", WAIVER))
    killed(request, AFTER)
    done(ada("POST", "/v1/usage", [record("k3", value="100")]))
    assert code(reject(bob, request), 409) == "change_request_decided"
    assert code(approve(bob, request), 409) == "change_request_decided"
    found = shown(bob, request)
    assert (found["state"], found["decided_by"], found["reason"]) == (
        "approved",
        APPROVER,
        "it was agreed",
    )
    assert sum(amounts(ada).values()) == 250  # the third record's, which nobody waived


def test_what_was_not_done_waits_as_before(
    ada: Caller, bob: Caller, used: str, killed: Callable[[str, str], None]
) -> None:
    first, second = (kept(ada("POST", f"{INVOICE}/waive", WAIVER)) for _ in range(2))
    for request in (first, second):
        killed(request, BEFORE)
    listed = done(bob("GET", f"{REQUESTS}?state=waiting"))["data"]
    assert [each["begun_by"] for each in listed] == [None, None]
    assert done(reject(bob, first))["state"] == "rejected"
    assert sum(amounts(ada).values()) == 500
    assert done(approve(bob, second))["state"] == "approved"
    assert sum(amounts(ada).values()) == 0


def test_what_was_done_in_part_can_only_be_finished(
    ada: Caller, bob: Caller, used: str, killed: Callable[[str, str], None]
) -> None:
    request = kept(ada("POST", CORRECTIONS, BOTH))
    killed(request, HALF)
    found = shown(bob, request)
    assert (found["state"], found["begun_by"], amounts(ada)[USAGE]) == ("waiting", APPROVER, 250)
    assert code(reject(bob, request), 409) == "change_request_begun"
    assert done(approve(bob, request))["state"] == "approved"
    assert USAGE not in amounts(ada)


def test_what_only_was_seen_when_it_was_refused_is_no_part_of_it(
    ada: Caller, person: Callable[..., Caller], issued: str, sandbox: Sandbox
) -> None:
    request = kept(ada("POST", f"{INVOICE}/void", TAKEN_BACK))
    (invoice,) = sandbox.world.ledger.every("invoice")
    sandbox.dashboard.act(invoice["id"], "pay")  # and no webhook has told us
    eve = person("admin")
    assert code(approve(eve, request), 409) == "not_voidable"
    assert (shown(eve, request)["state"], shown(eve, request)["begun_by"]) == ("waiting", None)
    assert done(reject(eve, request))["state"] == "rejected"


def test_what_stripe_refused_is_no_part_of_it(
    ada: Caller, person: Callable[..., Caller], issued: str, sandbox: Sandbox
) -> None:
    request = kept(ada("POST", f"{INVOICE}/void", TAKEN_BACK))
    sandbox.faults.add("forbidden", path="/void")
    eve = person("admin")
    assert code(approve(eve, request), 503) == "stripe_key_too_narrow"
    assert (shown(eve, request)["state"], shown(eve, request)["begun_by"]) == ("waiting", None)
    assert done(approve(eve, request))["state"] == "approved"


def test_what_stripe_may_have_done_can_only_be_finished(
    ada: Caller, person: Callable[..., Caller], issued: str, sandbox: Sandbox
) -> None:
    request = kept(ada("POST", f"{INVOICE}/void", TAKEN_BACK))
    sandbox.faults.add("lost_response", path="/void", times=None)
    eve = person("admin")
    assert approve(eve, request).status_code == 503
    assert shown(eve, request)["begun_by"] == f"key:{eve.key[:11]}"
    assert code(reject(eve, request), 409) == "change_request_begun"
    sandbox.faults.clear()
    assert done(approve(eve, request))["state"] == "approved"
    assert done(ada("GET", INVOICE))["status"] != "issued"


def test_an_approval_is_of_what_the_approver_has_seen(
    ada: Caller, bob: Caller, person: Callable[..., Caller], used: str
) -> None:
    eve = person("support")
    request = kept(ada("POST", f"{ORGANIZATION}/discounts", DISCOUNT))
    seen = shown(bob, request)["digest"]
    done(ada("POST", "/v1/usage", [record("k3", value="100")]))
    # Somebody else looks at it anew meanwhile: what it does now is what was shown last.
    refused = approve(eve, request)
    now = refused.get_json()["shown"]["digest"]
    assert code(refused, 409) == "changed_since" and now != seen
    assert code(approve(bob, request, digest=seen), 409) == "changed_since"
    assert done(approve(bob, request, digest=now))["state"] == "approved"
