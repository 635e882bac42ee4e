"""Who may do what: every route against every role, and one organization's walls."""

from collections.abc import Callable

import pytest

from api.app import BOOKS
from api.auth import ADMIN, CACHED_S, INGEST, ORGANIZATION, SUPPORT, KeyRing
from api.errors import Unauthorized
from api.openapi import Op
from api.wiring import Wired
from tests.api.conftest import Caller

RULES = {
    "record_usage": "ingest admin",
    "find_usage": "organization support admin",
    "list_quarantine": "support admin",
    "resolve_quarantine": "support admin",
    "list_dead_letters": "support admin",
    "replay_dead_letters": "support admin",
    "drop_dead_letters": "support admin",
    "put_organization": "admin",
    "get_organization": "organization support admin",
    "search_organizations": "support admin",
    "attach": "admin",
    "list_attachments": "organization support admin",
    "detach": "admin",
    "change_quantity": "admin",
    "swap": "admin",
    "end_trial": "admin",
    "bill_now": "admin",
    "close_organization": "admin",
    "reopen_organization": "admin",
    "override_price": "admin",
    "end_override": "admin",
    "list_overrides": "organization support admin",
    "list_discounts": "organization support admin",
    "list_meters": "support admin",
    "list_services": "support admin",
    "get_balance": "organization support admin",
    "grant_discount": "support admin",
    "end_discount": "support admin",
    "waive_line": "support admin",
    "find": "support admin",
    "list_imported_invoices": "organization support admin",
    "compare_shadow": "support admin",
    "list_change_requests": "support admin",
    "get_change_request": "support admin",
    "approve_change": "support admin",
    "reject_change": "support admin",
    "override_amount": "support admin",
    "approve_invoice": "support admin",
    "void_invoice": "admin",
    "mark_uncollectible": "admin",
    "issue_credit_note": "support admin",
    "accept_late": "support admin",
    "write_off_late": "support admin",
    "correct_usage": "support admin",
    "retire_price": "admin",
    "preview_rating": "organization support admin",
    "what_if": "support admin",
    "report_what_if": "support admin",
    "diff_invoice": "organization support admin",
    "add_item": "support admin",
    "grant_credit": "support admin",
    "list_credits": "organization support admin",
    "put_meter": "admin",
    "get_meter": "support admin",
    "put_service": "admin",
    "get_service": "support admin",
    "publish_price": "admin",
    "list_prices": "support admin",
    "current_invoice": "organization support admin",
    "list_invoices": "organization support admin",
    "get_invoice": "organization support admin",
    "invoice_history": "organization support admin",
    "explain_line": "organization support admin",
    "change_set": "support admin",
    "sync_invoice": "support admin",
    "decide_edits": "support admin",
    "dismiss_discrepancy": "support admin",
    "finalize_invoice": "support admin",
    "invoice_proof": "organization support admin",
    "report_case": "organization support admin",
    "list_own_cases": "organization support admin",
    "get_case": "organization support admin",
    "comment_publicly": "organization support admin",
    "reopen_case": "organization support admin",
    "list_cases": "support admin",
    "acknowledge_case": "support admin",
    "comment_as_support": "support admin",
    "resolve_case": "support admin",
    "erase_case_text": "admin",
    "give_feedback": "organization support admin",
    "list_feedback": "support admin",
    "list_discrepancies": "support admin",
    "resolve_discrepancy": "support admin",
    "hold_invoice": "support admin",
    "release_invoice": "support admin",
    "reconcile": "support admin",
    "list_reconciliations": "support admin",
    "get_reconciliation": "support admin",
    "list_findings": "support admin",
    "download_findings": "support admin",
    "open_portal": "organization support admin",
    "link_customer": "admin",
    "invoice_links": "organization support admin",
    "export_journal": "support admin",
    "get_chain": "organization support admin",
    "erase_personal_data": "admin",
    "export_invoice": "organization support admin",
    "export_organization": "organization support admin",
    "daily_usage": "organization support admin",
    "daily_cost": "organization support admin",
    "get_forecast": "organization support admin",
    "list_alerts": "organization support admin",
    "put_alert": "organization support admin",
    "remove_alert": "organization support admin",
    "list_tips": "organization support admin",
    "note_payment": "support admin",
    "list_syncs": "support admin",
    "retry_sync": "support admin",
    "retry_every_sync": "support admin",
    "list_failed_webhooks": "support admin",
    "retry_webhooks": "support admin",
    "sync_by_its_old_name": "support admin",
    "refuse_to_sync_on_get": "",
    "stripe_webhook_by_its_old_name": "",
    "stripe_webhook": "",
    "create_key": "admin",
    "list_keys": "admin",
    "rotate_key": "admin",
    "revoke_key": "admin",
    "list_key_events": "admin",
    "list_notices": "organization support admin",
    "read_notices": "organization support admin",
    "list_all_notices": "support admin",
    "get_notifications": "organization support admin",
    "put_notifications": "organization support admin",
    "list_mails": "support admin",
    "retry_mails": "support admin",
    "drop_mails": "support admin",
    "create_endpoint": "admin",
    "list_endpoints": "admin",
    "get_endpoint": "admin",
    "change_endpoint": "admin",
    "delete_endpoint": "admin",
    "rotate_endpoint": "admin",
    "send_test": "admin",
    "list_deliveries": "admin",
    "redeliver": "admin",
    "make_customer_link": "support admin",
    "make_staff_link": "admin",
    "list_schedules": "support admin",
    "run_schedule": "support admin",
    "list_schedule_runs": "support admin",
    "list_jobs": "support admin",
    "retry_job": "support admin",
    "list_workers": "support admin",
    "healthz": "",
    "readyz": "",
    "metrics": "",
}
"""Operation -> roles. Whoever adds a route says here who may call it."""

OPS = [op for book in BOOKS for op in book.ops]


def test_every_route_has_a_rule_and_keeps_it() -> None:
    assert {op.name: set(op.roles) for op in OPS} == {
        name: set(roles.split()) for name, roles in RULES.items()
    }


def path_of(op: Op) -> str:
    path = op.rule.replace("<organization>", "acme").replace("<cycle>", "acme.2026-11-01")
    path = path.replace("<attachment>", "a1").replace("<path:line>", "usage/a1/cpu@1")
    path = path.replace("<case>", "acme.c1").replace("<text>", "t1")
    path = path.replace("<discrepancy>", "d1")
    path = path.replace("<price>", "cpu").replace("<discount>", "d1")
    path = path.replace("<alert>", "b1").replace("<meter>", "cpu").replace("<service>", "machine")
    path = path.replace("<endpoint>", "we_1").replace("<delivery>", "1")
    path = path.replace("<path:user>", "ada")
    return path.replace("<key>", "ck_12345678")


def test_a_role_without_the_right_is_forbidden_on_every_route(
    caller: Callable[..., Caller],
) -> None:
    for role in (INGEST, ORGANIZATION, SUPPORT, ADMIN):
        call = caller(role, "acme" if role == ORGANIZATION else None)
        for op in OPS:
            status = call(op.method, path_of(op)).status_code
            assert (status == 403) == (bool(op.roles) and role not in op.roles), (role, op.name)
            assert status < 500, (role, op.name)


def test_who_may_is_said_to_whoever_may_not(caller: Callable[..., Caller]) -> None:
    answer = caller(INGEST)("GET", "/v1/quarantine")

    assert answer.status_code == 403
    assert answer.get_json()["detail"] == (
        "a key with role ingest may not do this: it needs role admin or support"
    )


def test_without_a_key_only_public_routes_answer(caller: Callable[..., Caller]) -> None:
    client = caller().client
    for op in OPS:
        response = client.open(path_of(op), method=op.method)
        assert (response.status_code == 401) == bool(op.roles), op.name
        if op.roles:
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ck_x", "Basic YTpi", "Bearer \xff"]
)
def test_an_unknown_key_is_refused(wired: Wired, authorization: str) -> None:
    with pytest.raises(Unauthorized):
        wired.key_ring.principal(authorization)


def test_another_organizations_things_are_not_to_be_told_from_nothing(
    caller: Callable[..., Caller], acme: str
) -> None:
    stranger = caller(ORGANIZATION, "globex")
    for path in (
        "/v1/organizations/{}",
        "/v1/organizations/{}/invoices/current",
        "/v1/organizations/{}/invoices",
        "/v1/organizations/{}/attachments",
        "/v1/invoices/{}.2026-11-01",
        "/v1/invoices/{}.2026-11-01/history",
        "/v1/invoices/{}.2026-11-01/proof",
    ):
        there, nowhere = stranger("GET", path.format("acme")), stranger("GET", path.format("none"))
        assert there.status_code == nowhere.status_code == 404, path
        said = there.get_json()["detail"].replace("acme", "none")
        assert said == nowhere.get_json()["detail"]
    own = caller(ORGANIZATION, "acme")
    assert own("GET", "/v1/organizations/acme/invoices/current").status_code == 200


def test_a_revoked_key_is_refused_once_the_memory_of_it_is_stale(wired: Wired) -> None:
    time = [0.0]
    ring = KeyRing(wired.keys, clock=lambda: time[0])
    secret = wired.keys.create("support", actor="test")
    used = ring.principal(f"Bearer {secret}")
    wired.keys.revoke(used.actor.removeprefix("key:"), actor="test")
    time[0] = CACHED_S + 0.1
    with pytest.raises(Unauthorized):
        ring.principal(f"Bearer {secret}")
