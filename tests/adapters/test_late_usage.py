"""Usage past its cycle's cut-off: taken in its own stream, summed apart, billed later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.postgres import retally
from adapters.postgres.folding import Layer
from tests.adapters.late import FEB, FEBRUARY, JANUARY, flags, layers, policy, send, summed
from tests.books import Wired, cut_off, issue, jan, january, record, void, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


def test_late_usage_lies_in_its_own_stream_and_the_basis_stays(case: Wired) -> None:
    send(case, record("k1"), now=jan(20))
    ended = cut_off(case)
    assert layers(case) == ({"a1 cpu@1": 1}, None)
    assert send(case, record("k2", value="2"), record("k3", occurred_at=FEB)) == ["late"]
    assert layers(case) == ({"a1 cpu@1": 1}, {"a1 cpu@1": 3})
    assert layers(case, FEBRUARY) == ({"a1 cpu@1": 1}, None)
    last = case.books.history(JANUARY)[-1]
    assert [each.id for each in last.event.records] == ["k2"]
    assert last.version > (ended.cutoff or 0)
    assert flags(case) == (True, False, True)


def test_a_long_cycle_gets_its_late_layer_from_the_job_and_is_right_meanwhile(
    case: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retally, "INLINE_RECORDS_MAX", 1)
    send(case, record("k1"), record("k2"), now=jan(20))
    cut_off(case)
    assert send(case, record("k3", value="2")) == ["late"]
    assert flags(case) == (True, True, True)
    assert layers(case) == ({"a1 cpu@1": 2}, {"a1 cpu@1": 4})
    assert send(case, record("k4", value="5")) == ["late"]
    assert retally.Retally(case.database, case.catalog).run() == 1
    assert send(case, record("k5", value="7")) == ["late"]
    assert layers(case) == ({"a1 cpu@1": 2}, {"a1 cpu@1": 16})
    assert flags(case) == (True, False, True)


@pytest.mark.parametrize(
    ("policies", "months", "code"),
    [
        pytest.param({"late_facts": "reject"}, 1, "late_rejected", id="the policy takes none"),
        pytest.param({"late_limit_cycles": 2}, 3, "too_late", id="three cycles on, the limit two"),
        pytest.param({"late_limit_cycles": 2}, 2, "late", id="two cycles on, the limit two"),
        pytest.param({"late_facts": "credit_note_or_charge"}, 1, "late", id="billed at once"),
    ],
)
def test_policies_say_what_is_too_late(
    case: Wired, policies: dict[str, object], months: int, code: str
) -> None:
    policy(case, **policies)
    for _ in range(months):
        newest = cut_off(case)
    now = newest.period.end + timedelta(days=1)
    twice = [record("k1"), record("k1", value="2")]
    expected = ["conflict", "late"] if code == "late" else [code, code]
    assert send(case, *twice, now=now) == expected
    kept = case.quarantine.list("open", 0, 10)
    assert {each.code for each in kept} == set(expected) - {"late", "conflict"}


def test_usage_of_a_forgiven_invoice_is_written_off(case: Wired) -> None:
    cut_off(case)
    issue(case, JANUARY)
    void(case, JANUARY, "forgive")
    assert send(case, record("k1")) == ["written_off"]
    assert flags(case) == (False, False, False)


def test_late_usage_is_attributed_with_everything_known(case: Wired) -> None:
    cut_off(case)
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    batch = [record("k1", occurred_at=jan(4)), record("k2", occurred_at=jan(12))]
    assert send(case, *batch) == ["late", "late"]
    assert layers(case) == ({}, {"a1 cpu@1": 1, "a1 ": 1})
    assert send(case, record("k3", attachment="a9")) == ["unknown_attachment"]


def test_a_late_detach_moves_what_was_recorded_in_the_late_layer_only(case: Wired) -> None:
    send(case, record("k1", occurred_at=jan(12)), now=jan(20))
    cut_off(case)
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    assert layers(case) == ({"a1 cpu@1": 1}, {"a1 ": 1})
    assert flags(case) == (True, False, True)


def test_corrections_count_in_the_basis_before_the_cut_off_and_late_after_it(case: Wired) -> None:
    batch = [record("k1"), record("k2", value="5"), record("k3", value="7")]
    send(case, *batch, now=jan(20))
    correct(case, "k1", "3")
    assert layers(case) == ({"a1 cpu@1": 15}, None)
    cut_off(case)
    correct(case, "k1", None)
    correct(case, "k2", "6")
    assert layers(case) == ({"a1 cpu@1": 15}, {"a1 cpu@1": 13})
    case_state_matches_the_log(case)


def correct(case: Wired, identity: str, value: str | None) -> None:
    """Let a record count as another value, or not at all."""
    found = case.finder.find("test", identity)
    assert found is not None
    cycle, packed = found
    with case.books.change("acme", actor="test", cycle=cycle) as books:
        assert books.asked is not None
        known = books.asked.as_known()
        if value is None:
            books.append(books.asked, known.retract(packed, "sent twice"))
        else:
            books.append(books.asked, known.correct(packed, packed._replace(value=value), "typo"))


def case_state_matches_the_log(case: Wired) -> None:
    basis, late = layers(case)
    assert basis == summed(case.by_log(JANUARY))
    assert late == summed(case.by_log(JANUARY, Layer.LATE))


def test_a_record_is_found_by_its_id_as_it_was_recorded(case: Wired) -> None:
    send(case, record("k1"), record("k2", value="2.50", properties={"x": "y"}), now=jan(20))
    found = case.finder.find("test", "k2")
    assert found is not None
    assert (found[0], found[1].value, found[1].properties) == (JANUARY, "2.5", {"x": "y"})
    assert case.finder.find("test", "k3") is None


def test_late_usage_beyond_what_a_header_tells_is_told_apart(case: Wired) -> None:
    define = {"people": {"aggregation": "unique"}, "good": {"aggregation": "sum"}}
    define["good"] |= {"filter": {"kind": ["good"]}}
    for meter, values in define.items():
        case.publishing.define_meter(meter, values, actor="test", at=jan(1))
    send(case, record("k1", meter="people", value="ann"), now=jan(20))
    cut_off(case)
    removed = {"operation": "remove"}
    batch = [
        record("k2", meter="people", value="ann", occurred_at=jan(4), properties=removed),
        record("k3", meter="people", value="bob", occurred_at=jan(6), properties=removed),
        record("k4", meter="people", value="bob", occurred_at=jan(5)),
        record("k5", meter="good", properties={"kind": "good"}),
        record("k6", meter="good", properties={"kind": "bad"}),
    ]
    assert send(case, *batch) == ["late"] * 5
    state = case.books.snapshot("acme", JANUARY).asked
    assert state is not None
    found = {(k.meter, k.attachment): t.quantity for k, t in (state.late or {}).items()}
    assert found == {("people", "a1"): 1, ("good", "a1"): 1, ("good", "!"): 1}
