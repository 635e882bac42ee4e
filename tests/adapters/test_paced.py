"""Through the real SDK: what Stripe answers, what is sent again, and what is left to the caller."""

from typing import Any

import pytest

from application.gateway import StripeCall
from application.pacing import FAILURES_MAX, SECOND
from domain.errors import GatewayError, GatewayMisconfigured, GatewayUnavailable
from tests.paced import Paced


@pytest.mark.parametrize(
    ("fault", "details", "answers"),
    [
        ("rate_limit", {"reason": "endpoint-rate"}, [429, 200]),
        ("rate_limit", {"reason": "global-rate"}, [429, 200]),
        ("rate_limit", {"reason": "endpoint-concurrency"}, [429, 200]),
        ("rate_limit", {"reason": "global-concurrency"}, [429, 200]),
        ("rate_limit", {"reason": "resource-specific"}, [429, 200]),
        ("lock_timeout", {}, [429, 200]),
        ("key_in_use", {}, [409, 200]),
        ("error_before", {}, [500, 200]),
        ("error_before", {"status": 503}, [503, 200]),
        ("error_before", {"times": 2}, [500, 500, 200]),
        ("lost_response", {}, [None, 200]),
        ("dropped", {}, [None, 200]),
        ("cut", {}, [None, 200]),
        ("rate_limit", {"should_retry": True}, [429, 200]),
    ],
)
def test_a_passing_trouble_is_over_by_the_second_or_third_time(
    fault: str, details: dict[str, Any], answers: list[int | None]
) -> None:
    paced = Paced()
    paced.sandbox.faults.add(fault, **details)
    assert paced.make_customer() == 200
    assert (paced.answers, paced.customers) == (answers, 1)
    waits = [each for each in paced.slept if each < SECOND]
    assert waits == [(SECOND // 2 << number) - 1 for number in range(len(answers) - 1)]


@pytest.mark.parametrize(
    ("fault", "details"),
    [
        ("rate_limit", {"should_retry": False}),
        ("lock_timeout", {"should_retry": False}),
        ("error_before", {"should_retry": False}),
    ],
)
def test_what_stripe_advises_against_is_not_sent_again_at_once(
    fault: str, details: dict[str, Any]
) -> None:
    paced = Paced()
    paced.sandbox.faults.add(fault, **details)
    if fault == "error_before":
        assert paced.make_customer() == 500  # and that is its definite answer
    else:
        with pytest.raises(GatewayError):
            paced.make_customer()
    assert len(paced.answers) == 1


def test_a_failure_that_is_stored_under_the_key_is_an_answer() -> None:
    paced = Paced()
    paced.sandbox.faults.add("error_after")
    assert paced.make_customer() == 500
    assert (paced.answers, paced.customers) == ([500, 500], 1)


def test_what_does_not_pass_is_left_to_the_caller_and_the_call_stays_open() -> None:
    paced = Paced()
    paced.sandbox.faults.add("error_before", times=3)
    with pytest.raises(GatewayUnavailable):
        paced.make_customer()
    assert paced.answers == [500, 500, 500]
    assert (paced.make_customer(), paced.customers) == (200, 1)


def test_a_deletion_takes_no_key_so_it_is_never_sent_again_unasked() -> None:
    paced = Paced()
    paced.sandbox.faults.add("lost_response", method="DELETE")
    call = StripeCall(key="", method="delete", endpoint="/v1/invoices/in_1", parameters={})
    with pytest.raises(GatewayUnavailable):
        paced.gateway.send(call)
    assert paced.answers == [None]


@pytest.mark.parametrize("fault", ["bad_json", "wrong_object"])
def test_an_answer_that_is_none_leaves_the_outcome_open_until_the_same_call_is_answered(
    fault: str,
) -> None:
    paced = Paced()
    paced.make_customer("zeta", "another")
    paced.sandbox.faults.add(fault)
    with pytest.raises(GatewayUnavailable):
        paced.make_customer()
    assert (paced.make_customer(), paced.customers) == (200, 2)


@pytest.mark.parametrize("status", [200, 400, 404, 502])
def test_a_page_of_somebody_else_is_no_answer(status: int) -> None:
    paced = Paced(retries=0)
    paced.spoil = lambda response: ("<html>blocked</html>", status, {})
    with pytest.raises(GatewayUnavailable):
        paced.make_customer()
    with pytest.raises(GatewayUnavailable):
        paced.gateway.glance("in_1")


def test_an_invoice_that_was_not_asked_for_is_not_taken_for_it() -> None:
    paced = Paced(retries=0)
    customer = paced.gateway._client.v1.customers.create({}).id
    mine, other = (
        paced.gateway._client.v1.invoices.create({"customer": customer}).id for _ in range(2)
    )
    assert paced.gateway.glance(mine)
    paced.sandbox.faults.add("wrong_object", method="GET")
    with pytest.raises(GatewayUnavailable, match=f"where {mine} was asked for"):
        paced.gateway.glance(mine)
    assert paced.gateway.glance(other)


def test_a_list_that_lacks_lines_is_not_taken_for_all_of_them() -> None:
    paced = Paced(retries=0)
    invoices = paced.gateway._client.v1.invoices
    customer = paced.gateway._client.v1.customers.create({}).id
    invoice = invoices.create({"customer": customer}).id
    rows: Any = [{"amount": number, "description": "x"} for number in range(12)]
    invoices.add_lines(invoice, {"lines": rows})
    seen = paced.gateway.glance(invoice)
    paced.sandbox.faults.add("wrong_object", method="GET", path="/lines")
    assert seen
    with pytest.raises(GatewayUnavailable, match="has 12 lines, and Stripe listed 0"):
        paced.gateway.complete(seen)
    assert len(paced.gateway.complete(seen).foreign) == 12


# What goes out, and when


def test_every_request_takes_its_turn_reads_included() -> None:
    paced = Paced()
    for _ in range(51):
        paced.gateway.glance("in_nowhere")
    assert sum(paced.slept) == 2 * 1_020_000


def test_an_objection_slows_down_its_own_bucket_only() -> None:
    paced = Paced()
    paced.sandbox.faults.add("rate_limit", reason="endpoint-rate")
    paced.make_customer()
    state, _ = paced.pace.change("POST /v1/customers", lambda known, now: known)
    assert (state.endpoint.size(paced.now), state.account.size(paced.now)) < (25, 100)
    other, _ = paced.pace.change("GET /v1/customers", lambda known, now: known)
    assert other.endpoint.size(paced.now) == 25


@pytest.mark.parametrize(
    ("fault", "heals"), [("error_before", True), ("dropped", True), ("lost_response", True)]
)
def test_in_an_outage_hardly_anything_is_sent_and_the_first_answer_ends_it(
    fault: str, heals: bool
) -> None:
    paced = Paced(retries=0)
    paced.sandbox.faults.add(fault, method="*", times=None)
    begin = paced.now
    while paced.now < begin + 6 * 3600 * SECOND:
        try:
            paced.gateway.glance("in_1")
        except GatewayUnavailable as error:
            paced.sleep(error.context.get("retry_after_s", 1) * SECOND)
    assert FAILURES_MAX < len(paced.answers) < 800
    paced.sandbox.faults.clear()
    paced.sleep(60 * SECOND)
    assert paced.gateway.glance("in_1") is None
    assert paced.make_customer() == 200


def test_a_wrong_key_is_found_at_the_first_call_and_nothing_more_is_sent() -> None:
    paced = Paced()
    paced.sandbox.faults.add("unauthorized", method="*", times=None)
    for _ in range(3):
        with pytest.raises(GatewayMisconfigured, match="STRIPE_API_KEY"):
            paced.gateway.glance("in_1")
    assert paced.answers == [401]
