"""One cycle's invoice at Stripe: what its events come to, and what it decides."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import RuleViolation
from domain.events.stripe_invoice import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CreditNoteObserved,
    Discrepancy,
    DiscrepancyFound,
    DiscrepancyResolved,
    HeldLine,
    InvoiceObserved,
    InvoiceProvedEqual,
    SyncFailed,
    SyncPlanned,
)
from domain.stripe_invoice import RESEND_WITHIN, StripeInvoice, replay

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
PLANNED = SyncPlanned(
    plan=1, revision=1, digest="sha256:d", subtotal=5, changes=("+ a  5",), calls=2, forced=False
)


def attempted(purpose: str = "create", key: str = "k1", **parameters: str) -> CallAttempted:
    return CallAttempted(
        plan=1,
        purpose=purpose,
        key=key,
        method="post",
        endpoint="/v1/invoices",
        parameters=parameters,
        revision=1,
        attempted_at=NOON,
    )


def answered(status: int = 200, reference: str | None = "in_1", key: str = "k1") -> CallAnswered:
    return CallAnswered(
        key=key, status=status, reference=reference, request=None, code=None, message=None
    )


def held(key: str, amount: int) -> HeldLine:
    end = NOON + timedelta(days=1)
    return HeldLine(key=key, line=f"il_{key}", amount=amount, start=NOON, end=end, description=key)


def observed(*changed: HeldLine, gone: tuple[str, ...] = ()) -> InvoiceObserved:
    return InvoiceObserved(
        invoice="in_1",
        revision=1,
        customer="cus_1",
        currency="usd",
        status="draft",
        subtotal=5,
        total=5,
        digest="sha256:d",
        changed=changed,
        gone=gone,
        foreign=(),
    )


PROVED = InvoiceProvedEqual(
    invoice="in_1",
    status="draft",
    revision=1,
    digest="sha256:d",
    lines=1,
    subtotal=5,
    total=5,
    foreign=0,
    read_at=NOON,
)


def test_a_created_draft_is_known_from_its_answer() -> None:
    state = replay([PLANNED, attempted(customer="cus_1", currency="usd"), answered()])
    assert (state.live(1), state.live(2), state.status) == ("in_1", None, "draft")
    assert (state.customer, state.currency) == ("cus_1", "usd")


NOTE_CALL = attempted("credit_note", **{"metadata[note_id]": "n1"})


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([NOTE_CALL, answered(200, "cn_1")], id="from its answer"),
        pytest.param([CreditNoteObserved(note="n1", stripe_note="cn_1")], id="found at Stripe"),
    ],
)
def test_a_credit_note_is_known_by_our_id(events: list[object]) -> None:
    assert replay(events).notes == {"n1": "cn_1"}


def test_a_refused_credit_note_is_not_known() -> None:
    assert replay([NOTE_CALL, answered(400, None)]).notes == {}


def test_a_void_is_ours_until_another_invoice_takes_its_place() -> None:
    voided = [PLANNED, attempted("void"), answered()]
    assert replay(voided).voiding
    assert not replay([*voided, attempted("create", "k2"), answered(key="k2")]).voiding


def test_a_refused_call_made_nothing() -> None:
    assert replay([PLANNED, attempted(), answered(400, None)]).live(1) is None


def test_nothing_goes_out_while_a_call_is_unanswered() -> None:
    state = replay([PLANNED, attempted()])
    with pytest.raises(RuleViolation, match="has not answered create"):
        state.planned(revision=1, digest="", subtotal=0, changes=(), calls=0, forced=False)


@pytest.mark.parametrize(
    ("age", "given_up"),
    [(timedelta(0), False), (RESEND_WITHIN - timedelta(seconds=1), False), (RESEND_WITHIN, True)],
)
def test_an_unanswered_call_is_given_up_when_stripe_may_have_forgotten_its_key(
    age: timedelta, given_up: bool
) -> None:
    abandoned = replay([PLANNED, attempted()]).abandoned(NOON + age)
    assert abandoned == (CallAbandoned(key="k1") if given_up else None)


def test_a_proof_holds_until_something_is_tried_or_seen() -> None:
    proved = [PLANNED, observed(held("a", 5)), PROVED]
    assert replay(proved).proved_digest == "sha256:d"
    assert replay([*proved, PLANNED]).proved_digest is None
    assert replay([*proved, observed(held("a", 6))]).proved_digest is None
    assert replay([*proved, observed(held("a", 6))]).proved == {"a": held("a", 5)}


def test_observations_add_up() -> None:
    state = replay([observed(held("a", 5), held("b", 6)), observed(held("b", 7), gone=("a",))])
    assert state.lines == {"b": held("b", 7)}


def test_a_problem_is_recorded_once() -> None:
    state = StripeInvoice()
    (problem,) = state.failed("unsafe_change_set", "would remove everything")
    assert isinstance(problem, SyncFailed)
    state.apply(problem)
    assert state.failed("unsafe_change_set", "would remove everything") == []
    assert state.failed("unsafe_change_set", "another reason") != []


def test_a_discrepancy_is_news_once_and_so_is_its_end() -> None:
    state = StripeInvoice()
    wrong = Discrepancy(kind="amount", key="a", ours="5", theirs="6")
    (found,) = state.judged([wrong], "in_1", "")
    assert found == DiscrepancyFound(invoice="in_1", discrepancy=wrong)
    state.apply(found)
    assert state.judged([wrong], "in_1", "") == []
    assert state.judged([], "in_1", "put right") == [
        DiscrepancyResolved(discrepancy="amount/a", how="put right")
    ]


def test_an_unknown_event_stops_the_replay() -> None:
    with pytest.raises(TypeError, match="has no str"):
        StripeInvoice().apply("something else")
