"""Who did it: every command leaves the key that sent it, in its events or beside its change."""

from collections.abc import Callable, Sequence

import psycopg
import pytest
from flask import Flask

from adapters.sandbox.app import Sandbox
from adapters.sandbox.client import InProcess
from adapters.stripe.gateway import stripe_client
from api.wiring import Wired
from tests.api.commands import ACCRUING, DETAILS, ENDING, ISSUED, WHY, Command
from tests.api.conftest import CYCLE, START, Caller, day
from tests.api.test_access import OPS
from tests.api.test_conflicts import edited
from tests.api.test_dead_letters import kept
from tests.api.test_life import INVOICE, ORGANIZATION, done, issued, large, used
from tests.api.test_usage import record

__all__ = ["edited", "issued", "large", "used"]


ELSEWHERE = {
    "approve_invoice",
    "decide_edits",
    "dismiss_discrepancy",
    "erase_personal_data",
    "link_customer",
    "approve_change",
    "note_payment",
    "replay_dead_letters",
    "resolve_discrepancy",
    "resolve_quarantine",
}
"""Told by tests of their own below."""

BESIDE = {
    "create_key": "key_event",
    "rotate_key": "key_event",
    "revoke_key": "key_event",
    "make_customer_link": "sign_in_link",
    "make_staff_link": "sign_in_link",
    "reconcile": "reconciliation",
    "create_endpoint": "webhook_endpoint_event",
    "change_endpoint": "webhook_endpoint_event",
    "rotate_endpoint": "webhook_endpoint_event",
    "delete_endpoint": "webhook_endpoint_event",
    "give_feedback": "invoice_feedback",
    "erase_case_text": "case_text",
    "drop_dead_letters": "dead_letter",
    "drop_mails": "mail",
}
"""Not about anybody's books: the actor stands in the row."""

NOTHING_TO_TELL = {
    "preview_rating": "stores nothing",
    "what_if": "stores nothing",
    "report_what_if": "stores nothing",
    "reject_change": "changes nothing; the request names who turned it down",
    "open_portal": "only lets Stripe show a page; a sync is put first",
    "retry_sync": "changes when something is tried again, and not what",
    "retry_every_sync": "the same",
    "retry_webhooks": "the same",
    "retry_mails": "the same",
    "redeliver": "the same",
    "send_test": "sends something that is about nobody",
    "read_notices": "a mark of the reader's own",
    "put_notifications": "what somebody is told of by e-mail, and nothing about bills",
    "run_schedule": "changes when something is done; its run names who asked",
    "retry_job": "the same",
    "stripe_webhook": "Stripe's own, signed; its events name stripe",
    "stripe_webhook_by_its_old_name": "the same",
}


def test_every_changing_operation_is_told_of_here() -> None:
    changing = {op.name for op in OPS if op.method != "GET"}
    told = {each.op for each in (*ACCRUING, *ENDING, *ISSUED)} | ELSEWHERE
    assert changing == told | BESIDE.keys() | NOTHING_TO_TELL.keys()


SYNC = "sync"
"""Whoever asked for a sync: a new customer is linked, and a hold of its own released, by it."""


class Log:
    """The log of all events, from where it stands."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._position = 0
        self.actors()

    def actors(self) -> set[str]:
        """Who caused the events since the last call."""
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(
                "SELECT notification_id, convert_from(state, 'UTF8')::json ->> 'actor'"
                " FROM cyclebook_events WHERE notification_id > %s ORDER BY 1",
                [self._position],
            ).fetchall()
        if rows:
            self._position = rows[-1][0]
        return {str(actor) for _, actor in rows}


@pytest.fixture
def log(database_url: str) -> Log:
    return Log(database_url)


@pytest.fixture
def ada(caller: Callable[..., Caller]) -> Caller:
    """Another admin than the one who set everything up."""
    return caller()


def name(key: Caller) -> str:
    return f"key:{key.key[:11]}"


def told_by(log: Log, ada: Caller, commands: Sequence[Command]) -> dict[str, set[str]]:
    """Who stands in the events of each command."""
    found: dict[str, set[str]] = {}
    log.actors()
    for each in commands:
        answer = ada(each.method, each.path, each.body)
        assert answer.status_code < 300, (each.op, answer.get_data(as_text=True))
        found[each.op] = log.actors() - {SYNC}
    return found


def test_every_command_until_the_issue_tells_who_did_it(
    used: str, large: str, ada: Caller, log: Log
) -> None:
    told = told_by(log, ada, ACCRUING)
    assert told == {each.op: {name(ada)} for each in ACCRUING}


def test_who_closed_and_reopened_an_organization_is_told(used: str, ada: Caller, log: Log) -> None:
    assert told_by(log, ada, ENDING) == {each.op: {name(ada)} for each in ENDING}


def test_every_command_about_an_issued_invoice_tells_who_did_it(
    issued: str, ada: Caller, log: Log
) -> None:
    told = told_by(log, ada, ISSUED)
    assert told == {each.op: {name(ada)} for each in ISSUED}


def test_who_approved_is_told(admin: Caller, used: str, ada: Caller, log: Log) -> None:
    policies = {"grace_s": 0, "approval": "always", "minimum_invoice": 0}
    done(admin("PUT", ORGANIZATION, DETAILS | {"anchor_day": START.day, "policies": policies}))
    done(admin("POST", f"{ORGANIZATION}/bill-now", {"at": day(5), **WHY}))
    assert admin("POST", f"{INVOICE}/finalize").status_code == 409
    approve = Command("approve_invoice", "POST", f"{INVOICE}/approve", WHY)
    assert told_by(log, ada, [approve]) == {"approve_invoice": {name(ada)}}


def test_who_decided_about_edits_is_told(edited: None, ada: Caller, log: Log) -> None:
    body = {"decision": "overwrite", **WHY}
    decide = Command("decide_edits", "POST", f"{INVOICE}/stripe-edits", body)
    assert told_by(log, ada, [decide]) == {"decide_edits": {name(ada)}}


def test_who_resolved_a_discrepancy_is_told(
    wired: Wired, edited: None, ada: Caller, log: Log
) -> None:
    while wired.projector.step():
        pass
    (row,) = done(ada("GET", "/v1/discrepancies"))["data"]
    body = {"how": "overwrite", **WHY}
    resolve = Command("resolve_discrepancy", "POST", f"/v1/discrepancies/{row['id']}/resolve", body)
    assert told_by(log, ada, [resolve]) == {"resolve_discrepancy": {name(ada)}}


def test_who_accepted_a_discrepancy_is_told(
    wired: Wired, issued: str, sandbox: Sandbox, ada: Caller, log: Log
) -> None:
    (invoice,) = sandbox.world.ledger.every("invoice")
    sandbox.dashboard.act(invoice["id"], "void")
    (found,) = wired.reconciler.audit(CYCLE)
    body = {"discrepancy": found.id, **WHY}
    dismiss = Command("dismiss_discrepancy", "POST", f"{INVOICE}/discrepancies/dismiss", body)
    assert told_by(log, ada, [dismiss]) == {"dismiss_discrepancy": {name(ada)}}


def test_who_erased_a_person_is_told(admin: Caller, acme: str, ada: Caller, log: Log) -> None:
    members = [{"user": "u1", "email": "bea@acme.example", "role": "owner"}]
    done(admin("PUT", ORGANIZATION, DETAILS | {"anchor_day": START.day, "members": members}))
    path = f"{ORGANIZATION}/members/u1/personal-data"
    erase = Command("erase_personal_data", "DELETE", path)
    assert told_by(log, ada, [erase]) == {"erase_personal_data": {name(ada)}}


def test_who_linked_a_customer_is_told(
    acme: str, sandbox_app: Flask, ada: Caller, log: Log
) -> None:
    stripe = stripe_client("sk_test_sandbox", http_client=InProcess(sandbox_app))
    customer = stripe.v1.customers.create({"name": "Acme"}).id
    link = Command(
        "link_customer", "POST", f"{ORGANIZATION}/stripe-customer", {"customer": customer}
    )
    assert told_by(log, ada, [link]) == {"link_customer": {name(ada)}}


def test_who_resolved_quarantined_usage_is_told(
    admin: Caller, acme: str, ada: Caller, log: Log
) -> None:
    unknown = [record(key, meter="disk", attachment=None) for key in ("k1", "k2")]
    assert done(admin("POST", "/v1/usage", unknown))["quarantined"] == 2
    first, second = (each["id"] for each in done(admin("GET", "/v1/quarantine"))["data"])
    done(admin("PUT", "/v1/meters/disk", {"unit": "GB"}))
    dismiss = Command(
        "dismiss", "POST", "/v1/quarantine", {"action": "dismiss", "ids": [first], **WHY}
    )
    replay = Command(
        "replay", "POST", "/v1/quarantine", {"action": "replay", "ids": [second], **WHY}
    )
    told_by(log, ada, [dismiss, replay])
    for status in ("dismissed", "replayed"):
        (entry,) = done(admin("GET", f"/v1/quarantine?status={status}"))["data"]
        assert (entry["actor"], entry["resolved_by"]) == (name(admin), name(ada))


def test_who_replayed_and_dropped_dead_letters_is_told(
    wired: Wired, acme: str, ada: Caller, log: Log
) -> None:
    kept(wired, record("k1"), record("k2"))
    replay = Command("replay", "POST", "/v1/dead-letters/replay", {"ids": [1], **WHY})
    drop = Command("drop", "POST", "/v1/dead-letters/drop", {"ids": [2], **WHY})
    assert told_by(log, ada, [replay, drop]) == {"replay": {name(ada)}, "drop": set()}
    for status in ("replayed", "dropped"):
        (letter,) = done(ada("GET", f"/v1/dead-letters?status={status}"))["data"]
        assert letter["resolved_by"] == name(ada)


def test_who_asked_for_a_reconciliation_is_told(acme: str, ada: Caller, database_url: str) -> None:
    done(ada("POST", "/v1/reconciliations", {}), 202)
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute("SELECT requested_by FROM reconciliation").fetchall()
    assert row == (name(ada),)
