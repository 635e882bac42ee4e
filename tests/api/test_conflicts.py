"""Edits of a draft over HTTP: told on the proof, decided by a person, taken over or undone."""

import pytest

from adapters.sandbox.app import Sandbox
from api.wiring import Wired, clock
from application.worker import SyncWorker
from tests.api.conftest import CYCLE, Caller
from tests.api.test_life import INVOICE, USAGE, amounts, done
from tests.api.test_usage import record

EDITS = f"{INVOICE}/stripe-edits"


@pytest.fixture
def edited(admin: Caller, acme: str, sandbox: Sandbox) -> None:
    """A draft of 500 on which somebody set the usage to 400."""
    done(admin("POST", "/v1/usage", [record("k1", value="200")]))
    done(admin("POST", f"{INVOICE}/sync", {"force": False}))
    (line,) = sandbox.world.ledger.every("line")
    sandbox.dashboard.edit_line(line["id"], amount=400)
    refused = admin("POST", f"{INVOICE}/sync", {"force": False})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "edited_at_stripe")


def decided(decision: str) -> dict[str, str]:
    return {"decision": decision, "reason": "agreed with the customer"}


def test_the_proof_says_what_was_changed_and_the_cycle_is_held(admin: Caller, edited: None) -> None:
    (found,) = done(admin("GET", f"{INVOICE}/proof"))["discrepancies"]
    assert (found["kind"], found["ours"], found["theirs"]) == ("amount", "500", "400")
    assert "somebody changed the draft" in done(admin("GET", INVOICE))["held"]


@pytest.mark.parametrize(
    ("decision", "lines"),
    [
        pytest.param("overwrite", {USAGE: 500}, id="the books are right"),
        pytest.param("adopt", {USAGE: 500, f"edited/{USAGE}": -100}, id="the person is right"),
    ],
)
def test_a_person_decides_and_stripe_is_proved_again(
    admin: Caller, edited: None, sandbox: Sandbox, decision: str, lines: dict[str, int]
) -> None:
    assert done(admin("POST", EDITS, decided(decision)))["proved_at"]
    assert amounts(admin) == lines
    held = sandbox.world.ledger.every("line")
    assert {line["metadata"]["line_key"]: line["amount"] for line in held} == lines
    assert done(admin("GET", INVOICE))["held"] is None


def test_what_is_decided_is_not_parked_any_more(
    wired: Wired, admin: Caller, edited: None, sandbox: Sandbox
) -> None:
    """Given a draft that the worker gave up, then decided on, when usage comes, it is synced."""
    worker = SyncWorker(wired.sync_queue, wired.conflicts.sync)
    wired.sync_queue.mark(CYCLE, 1, clock())
    assert worker.step()
    assert wired.sync_queue.counts().parked == 1
    done(admin("POST", EDITS, decided("overwrite")))
    assert wired.sync_queue.counts().parked == 0
    done(admin("POST", "/v1/usage", [record("k2", value="100")]))
    assert worker.step()
    (line,) = sandbox.world.ledger.every("line")
    assert line["amount"] == 750


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"decision": "ignore", "reason": "x"}, "decision", id="no such decision"),
        pytest.param({"decision": "adopt"}, "reason", id="no reason"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(
    admin: Caller, edited: None, body: dict[str, str], field: str
) -> None:
    refused = admin("POST", EDITS, body)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.get_json()["errors"]] == [field]


def test_without_edits_there_is_nothing_to_decide_or_dismiss(admin: Caller, acme: str) -> None:
    refused = admin("POST", EDITS, decided("adopt"))
    assert refused.status_code == 409
    dismissal = {"discrepancy": "status", "reason": "fine"}
    refused = admin("POST", f"{INVOICE}/discrepancies/dismiss", dismissal)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_discrepancy")


def test_what_differs_on_a_draft_is_decided_and_not_dismissed(admin: Caller, edited: None) -> None:
    (found,) = done(admin("GET", f"{INVOICE}/proof"))["discrepancies"]
    dismissal = {"discrepancy": found["id"], "reason": "fine"}
    refused = admin("POST", f"{INVOICE}/discrepancies/dismiss", dismissal)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "draft_differs")
