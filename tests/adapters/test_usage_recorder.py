"""The usage path: exactly once, over many cycles, with an answer for every record."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.postgres import retally, routing
from adapters.postgres.usage_keys import content_hash, dedup_key, packed
from application.registration import Details
from domain.events.usage import micros
from domain.usage import Outcome
from tests.books import Wired, cut_off, jan, january, record, wired


@pytest.fixture
def case(each_database_url: str) -> Iterator[Wired]:
    with wired(each_database_url) as wired_case:
        january(wired_case)
        yield wired_case


def outcomes(case: Wired, *records: object) -> list[str]:
    """What becomes of a batch, by record."""
    appended = case.usage_log.append(list(records), actor="key:test", now=case.now)  # type: ignore[arg-type]
    return [
        appended.refusals[index].code if index in appended.refusals else "accepted"
        for index in range(len(records))
    ]


def tallied(case: Wired) -> dict[str, str]:
    """Quantities by tally."""
    return {
        name: str(quantity.normalize())
        for name, quantity in case.rows("SELECT tally, quantity FROM usage_tally")
    }


def test_a_record_is_counted_once_however_often_it_is_sent(case: Wired) -> None:
    assert outcomes(case, record("k1"), record("k2", value="2.5")) == ["accepted", "accepted"]
    assert outcomes(case, record("k1"), record("k3")) == ["duplicate", "accepted"]
    assert outcomes(case, record("k1")) == ["duplicate"]
    assert tallied(case) == {'["cpu","a1","cpu@1",[]]': "4.5"}


def test_the_same_id_with_other_content_is_a_conflict_and_never_summed(case: Wired) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    assert outcomes(case, record("k1", value="7")) == ["conflict"]
    assert outcomes(case, record("k1", occurred_at=jan(6))) == ["conflict"]
    assert tallied(case) == {'["cpu","a1","cpu@1",[]]': "1"}
    assert len(case.rows("SELECT 1 FROM usage_conflict")) == 2


def test_the_same_number_written_otherwise_is_the_same_content(case: Wired) -> None:
    assert outcomes(case, record("k1", value="1.50")) == ["accepted"]
    assert outcomes(case, record("k1", value="1.5")) == ["duplicate"]


def test_twins_in_one_batch_follow_the_same_rule(case: Wired) -> None:
    batch = [record("k1"), record("k1"), record("k1", value="2")]
    assert outcomes(case, *batch) == ["accepted", "duplicate", "conflict"]
    assert tallied(case) == {'["cpu","a1","cpu@1",[]]': "1"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"organization": "nobody"}, "unknown_organization", id="organization"),
        pytest.param({"meter": "steps"}, "unknown_meter", id="meter"),
        pytest.param({"attachment": "a9"}, "unknown_attachment", id="attachment"),
        pytest.param({"value": "many"}, "unusable_value", id="value"),
        pytest.param({"occurred_at": jan(1).replace(year=2025)}, "no_cycle", id="before"),
    ],
)
def test_what_has_no_place_yet_is_kept(case: Wired, changes: dict, code: str) -> None:
    for _ in range(2):
        assert outcomes(case, record("k1", **changes), record("k2")) in (
            [code, "accepted"],
            [code, "duplicate"],
        )
    (entry,) = case.quarantine.list("open", 0, 10)
    assert entry.code == code
    assert entry.record == record("k1", **changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"organization": "nobody"}, id="organization"),
        pytest.param({"meter": "steps"}, id="meter"),
        pytest.param({"attachment": "a9"}, id="attachment"),
        pytest.param({"occurred_at": jan(1).replace(year=2025)}, id="before"),
    ],
)
def test_an_id_that_was_accepted_is_a_conflict_whatever_else_is_wrong(
    case: Wired, changes: dict
) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    assert outcomes(case, record("k1", **changes)) == ["conflict"]
    assert outcomes(case, record("k2"), record("k2", **changes)) == ["accepted", "conflict"]
    assert case.quarantine.list("open", 0, 10) == []
    assert len(case.rows("SELECT 1 FROM usage_conflict")) == 2


def test_a_retry_that_has_no_place_any_more_is_a_duplicate(case: Wired) -> None:
    sent = record("k1", meter="steps", value="1.50")
    content = content_hash(sent.organization, packed(sent, "1.5", micros(sent.occurred_at)))
    key = dedup_key(sent.source, sent.id).hex()
    case.rows(
        "INSERT INTO usage_dedup (key, content, cycle_no, version)"
        f" VALUES ('{key}'::uuid, {content}, 1, 1) RETURNING 1"
    )
    assert outcomes(case, sent) == ["duplicate"]
    assert case.quarantine.list("open", 0, 10) == []


@pytest.mark.parametrize(
    "value", ["NaN", "-Infinity", "1e400", "1e3", "1_000", " 5 ", "5.", "+5", "５", "1" * 31]
)
def test_what_is_meant_as_a_number_and_is_none_is_rejected(case: Wired, value: str) -> None:
    assert outcomes(case, record("k1", value=value), record("k2")) == ["invalid_value", "accepted"]
    appended = case.usage_log.append([record("k1", value=value)], actor="t", now=case.now)
    assert appended.refusals[0].outcome is Outcome.REJECTED
    assert appended.refusals[0].detail.startswith("value must")
    assert case.quarantine.list("open", 0, 10) == []


def test_a_known_record_is_answered_with_the_logs_position(case: Wired) -> None:
    first = case.usage_log.append([record("k1")], actor="t", now=case.now).position
    again = case.usage_log.append([record("k1")], actor="t", now=case.now)
    assert again.position == first > 0


def test_a_record_between_attachments_is_recorded_without_a_price(case: Wired) -> None:
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    assert outcomes(case, record("k1", occurred_at=jan(12))) == ["accepted"]
    assert tallied(case) == {'["cpu","a1","",[]]': "1"}


def test_a_detach_dated_in_the_past_moves_what_was_recorded(case: Wired) -> None:
    outcomes(case, record("k1", occurred_at=jan(4)), record("k2", occurred_at=jan(12)))
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    assert tallied(case) == {'["cpu","a1","cpu@1",[]]': "1", '["cpu","a1","",[]]': "1"}


def test_dimension_values_are_tallied_apart(case: Wired) -> None:
    batch = [
        record("k1", meter="traffic", attachment="", properties={"region": "fra", "x": "1"}),
        record("k2", meter="traffic", attachment="", properties={"region": "ams"}),
        record("k3", meter="traffic", attachment="a1"),
    ]
    assert outcomes(case, *batch) == ["accepted"] * 3
    assert tallied(case) == {
        '["traffic","a1","traffic@1",[["region","fra"]]]': "1",
        '["traffic","a1","traffic@1",[["region","ams"]]]': "1",
        '["traffic","a1","traffic@1",[["region",""]]]': "1",
    }


def test_usage_after_the_cycle_opens_the_next(case: Wired) -> None:
    case.now = jan(20)
    later = jan(20).replace(month=1, day=20)
    assert outcomes(case, record("k1", occurred_at=later)) == ["accepted"]
    names = case.books.cycle_names("acme")
    assert names == ["acme.2026-01-01"]


def test_events_have_contiguous_versions_and_positions_in_order(case: Wired) -> None:
    for number in range(5):
        outcomes(case, record(f"k{number}"))
    rows = case.rows(
        "SELECT originator_version FROM cyclebook_events WHERE topic = 'UsageRecorded@1'"
        " ORDER BY notification_id"
    )
    versions = [version for (version,) in rows]
    assert versions == list(range(versions[0], versions[0] + 5))
    stamps = case.rows("SELECT recorded_at FROM cyclebook_events ORDER BY notification_id")
    assert stamps == sorted(stamps)


def test_the_answer_says_where_the_log_stood(case: Wired) -> None:
    appended = case.usage_log.append([record("k1")], actor="test", now=case.now)
    (last,) = case.rows("SELECT max(notification_id) FROM cyclebook_events")
    assert (appended.position, appended.refusals) == (last[0], {})
    assert Outcome.ACCEPTED


def test_a_long_cycle_is_tallied_anew_by_a_job_and_is_right_meanwhile(
    case: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retally, "INLINE_RECORDS_MAX", 1)
    outcomes(case, *[record(f"k{day}", occurred_at=jan(day)) for day in (2, 4, 12)])
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    assert case.rows("SELECT tallies_stale FROM cycle_head") == [(True,)]
    (state,) = case.books.snapshot("acme").cycles
    meanwhile = {key.price: tally.quantity for key, tally in state.tallies.items()}
    outcomes(case, record("k13", occurred_at=jan(13)))
    assert retally.Retally(case.database, case.catalog).run() == 1
    assert meanwhile == {"cpu@1": 2, "": 1}
    assert tallied(case) == {'["cpu","a1","cpu@1",[]]': "2", '["cpu","a1","",[]]': "2"}
    assert case.rows("SELECT tallies_stale FROM cycle_head") == [(False,)]


def test_a_cycle_that_cannot_be_folded_keeps_no_other_from_it_and_stays_seen(
    case: Wired, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retally, "INLINE_RECORDS_MAX", 1)
    monkeypatch.setattr(retally, "AT_ONCE", 2)
    outcomes(case, *[record(f"k{day}", occurred_at=jan(day)) for day in (2, 4, 12)])
    case.attaching.detach("acme", "a1", at=jan(10), actor="test")
    with case.database.connection() as connection:
        connection.execute(
            "INSERT INTO cycle_head (cycle_id, cycle, organization, starts, ends, opened_at,"
            " status, version, control_version, tallies_stale) SELECT gen_random_uuid(),"
            " 'a' || n, 'aaa', n, 0, now(), 'closed', 3, 3, true FROM generate_series(1, 3) AS n"
        )
    job = retally.Retally(case.database, case.catalog)
    assert [job.run(), job.run()] == [2, 2], "the broken ones, and what is whole beside them"
    for _ in range(2):
        with pytest.raises(retally.CannotBeFolded, match="a1, a2, a3"):
            job.run()
    assert case.rows("SELECT tallies_stale FROM cycle_head WHERE organization = 'acme'") == [
        (False,)
    ]
    assert "the tallies of a1 cannot be folded" in caplog.text

    with case.database.connection() as connection:
        connection.execute("UPDATE cycle_head SET tallies_stale = false")
    assert job.run() == 0, "mended by somebody else"


def test_after_the_cut_off_a_retry_is_a_duplicate_and_what_is_new_is_late(case: Wired) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    cut_off(case)
    batch = [record("k1"), record("k2"), record("k1", value="9"), record("k2"), record("k3")]
    appended = case.usage_log.append(batch, actor="key:test", now=case.now)
    assert {index: each.code for index, each in appended.refusals.items()} == {
        0: "duplicate",
        2: "conflict",
        3: "duplicate",
    }
    assert appended.late == 2
    again = case.usage_log.append(batch, actor="key:test", now=case.now)
    assert (len(again.refusals), again.late) == (5, 0)
    assert case.rows("SELECT count(*) FROM usage_dedup") == [(3,)]
    assert case.quarantine.list("open", 0, 10) == []


def test_a_batch_of_records_without_a_place_asks_the_database_a_few_times_only(
    case: Wired,
) -> None:
    for changes in ({"attachment": "a9"}, {"meter": "steps"}, {"organization": "nobody"}):
        with counted(case) as borrowed:
            batch = [record(f"k{number}", **changes) for number in range(300)]
            assert len(set(outcomes(case, *batch))) == 1
        assert borrowed[0] <= 8, changes


def test_a_full_cache_drops_no_organization_that_the_batch_names(
    case: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "ORGANIZATIONS_MAX", 2)
    for name in ("bolt", "coda", "dune"):
        details = Details(name=name, currency="usd", starts_at=jan(1))
        case.registration.put(name, details, actor="test", at=jan(1))
    assert outcomes(case, record("k1")) == ["accepted"]
    others = [
        record(f"{name}-1", organization=name, attachment="") for name in ("bolt", "coda", "dune")
    ]
    assert outcomes(case, record("k2"), *others) == ["accepted"] * 4
    assert outcomes(case, record("k3"), *others) == ["accepted", *["duplicate"] * 3]


def test_a_cycle_that_the_database_does_not_know_is_looked_up_again(case: Wired) -> None:
    assert outcomes(case, record("k1")) == ["accepted"]
    with case.database.connection() as connection:
        connection.execute("DELETE FROM cycle_head")
    assert outcomes(case, record("k2")) == ["unknown_organization"]


@contextmanager
def counted(case: Wired) -> Iterator[list[int]]:
    """How often a connection is borrowed meanwhile."""
    before = case.database._pool.get_stats().get("requests_num", 0)
    found = [0]
    yield found
    found[0] = case.database._pool.get_stats()["requests_num"] - before
