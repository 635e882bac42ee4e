"""What Stripe refuses, by what is to be done; and what an answer says of Stripe itself."""

import pytest

from adapters.stripe.paced import endpoint_of, outcome
from application.pacing import Outcome
from domain.errors import CyclebookError, GatewayMisconfigured
from tests.paced import Paced


def test_a_key_of_the_other_mode_never_makes_an_invoice_look_deleted() -> None:
    paced = Paced()
    said = "No such invoice: 'in_1'; a similar object exists in live mode, but a test mode key was"
    body = f'{{"error": {{"type": "invalid_request_error", "code": "x", "message": "{said}"}}}}'
    paced.spoil = lambda response: (body, 404, {})
    with pytest.raises(GatewayMisconfigured, match="use the live key"):
        paced.gateway.glance("in_1")


REFUSED = [
    (403, None, "The key does not have access", "stripe_key_too_narrow", "permission it lacks"),
    (
        400,
        "resource_missing",
        "No such customer: 'cus_1'",
        "customer_gone",
        "link the organization",
    ),
    (
        400,
        None,
        "You cannot combine currencies on a single customer.",
        "currency_mismatch",
        "in another currency",
    ),
    (
        400,
        "customer_tax_location_invalid",
        "The customer's location isn't recognized.",
        "tax_location_missing",
        "have the address filled in",
    ),
    (400, "parameter_unknown", "Received unknown parameter: x", "gateway_rejected", "unknown"),
]


@pytest.mark.parametrize(("status", "code", "said", "ours", "words"), REFUSED)
def test_a_refusal_says_what_to_do(
    status: int, code: str | None, said: str, ours: str, words: str
) -> None:
    paced = Paced()
    known = f'"code": "{code}", ' if code else ""
    body = f'{{"error": {{"type": "invalid_request_error", {known}"message": "{said}"}}}}'
    paced.spoil = lambda response: (body, status, {})
    with pytest.raises(CyclebookError, match=words) as refused:
        paced.gateway.find("cus_1", "acme.2026-01-01")
    assert refused.value.code == ours
    assert paced.answers == [status]


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (200, {}, "{}", Outcome.ANSWERED),
        (404, {}, "{}", Outcome.ANSWERED),
        (500, {"idempotent-replayed": "true"}, "{}", Outcome.ANSWERED),
        (500, {}, "{}", Outcome.FAILED),
        (200, {}, "<html>", Outcome.FAILED),
        (401, {}, "{}", Outcome.KEY_REFUSED),
        (429, {"Stripe-Rate-Limited-Reason": "global-rate"}, "{}", Outcome.ACCOUNT_LIMITED),
        (429, {"Stripe-Rate-Limited-Reason": "global-concurrency"}, "{}", Outcome.ACCOUNT_LIMITED),
        (429, {"Stripe-Rate-Limited-Reason": "endpoint-rate"}, "{}", Outcome.ENDPOINT_LIMITED),
        (429, {"Stripe-Rate-Limited-Reason": "resource-specific"}, "{}", Outcome.ANSWERED),
        (429, {}, '{"error": {"code": "lock_timeout"}}', Outcome.ANSWERED),
        (429, {}, '{"error": {"code": "rate_limit"}}', Outcome.ENDPOINT_LIMITED),
    ],
)
def test_what_an_answer_says_of_stripe(
    status: int, headers: dict[str, str], body: str, expected: Outcome
) -> None:
    assert outcome((body, status, headers))[0] is expected


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("/v1/invoices?limit=100", "GET /v1/invoices"),
        ("/v1/invoices/in_1/lines?limit=100", "GET /v1/invoices/{id}/lines"),
        ("/v1/invoices/search?query=x", "GET /v1/invoices/search"),
        ("/v1/products/cyclebook_cpu", "GET /v1/products/{id}"),
        ("/v1/billing_portal/sessions", "GET /v1/billing_portal/sessions"),
        ("/v1/billing_portal/configurations/bpc_1", "GET /v1/billing_portal/configurations/{id}"),
        ("/v1/credit_notes/preview?invoice=in_1", "GET /v1/credit_notes/preview"),
    ],
)
def test_calls_are_counted_as_stripe_counts_them(url: str, endpoint: str) -> None:
    assert endpoint_of("get", f"https://api.stripe.com{url}") == endpoint
