"""What keeps a month in the log, and what is said of it."""

from pathlib import Path

import pytest

from api.archive_files import detach, write
from api.wiring import Wired
from application.archiving import month_of
from application.case_screens import NewCase
from domain.errors import InvalidInput, NotFound, RuleViolation
from tests.detached import (
    MONTH,
    PARTITION,
    archived,
    detached,
    is_there,
    now,
    stored,
    wired,
)
from tests.stored_stories import FIRST
from tests.stored_world import StoredWorld
from tests.world import ACTOR

__all__ = ["stored", "wired"]


def wrong(stored: StoredWorld, how: str) -> None:
    """One thing of January is still to come."""
    stored.damage(how)


@pytest.mark.parametrize(
    ("still", "why"),
    [
        ("UPDATE cycle_head SET status = 'past_due' WHERE cycle = %s", "not paid"),
        ("UPDATE cycle_head SET status = 'finalizing' WHERE cycle = %s", "not issued"),
        ("UPDATE cycle_head SET late_open = true WHERE cycle = %s", "late facts that nobody"),
        ("UPDATE cycle_head SET tallies_stale = true WHERE cycle = %s", "sums"),
        (
            "INSERT INTO sync_queue (cycle, dirty_position, due_at) VALUES (%s, 1, now())",
            "a sync to come",
        ),
        ("UPDATE invoice_summary SET stripe_state = 'drift' WHERE cycle = %s", "not proved"),
        (
            "INSERT INTO webhook_inbox (event_id, type, object_id, payload, cycle)"
            " VALUES ('e', 't', 'o', '', %s)",
            "webhook",
        ),
        (
            "UPDATE projection_tracking SET notification_id = 1"
            " WHERE application_name = 'cyclebook' AND %s <> ''",
            "cyclebook has not read",
        ),
    ],
    ids=lambda each: each if " " not in each or len(each) < 30 else "",
)
def test_a_month_of_which_something_is_to_come_stays(
    stored: StoredWorld, wired: Wired, tmp_path: Path, still: str, why: str
) -> None:
    file = archived(wired, tmp_path)
    stored.damage(still, FIRST)
    with pytest.raises(RuleViolation, match=why) as refused:
        detach(wired, file, ACTOR, now())
    assert refused.value.code == "month_in_use"
    assert is_there(stored)
    assert wired.audit_trail.archive.detached() == []


def test_a_month_stays_while_late_facts_are_taken(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    stored.made.register(policies={"late_limit_cycles": 12})
    stored.settle_down()
    with pytest.raises(RuleViolation, match="late_limit_cycles"):
        detach(wired, file, ACTOR, now())
    stored.made.register(policies={"late_facts": "reject"})
    stored.settle_down()
    detach(wired, file, ACTOR, now())
    assert not is_there(stored)


def test_a_month_stays_while_a_case_is_open(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    case = NewCase(case="c1", cycle=FIRST, text="What is this?")
    wired.cases.report("acme", case, by="customer", actor="user:u1", at=now())
    stored.settle_down()
    with pytest.raises(RuleViolation, match="open case"):
        detach(wired, file, ACTOR, now())


def test_what_was_recorded_after_the_copy_was_made_keeps_it(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    stored.made.reconciler.audit(FIRST)
    stored.made.use("1", stored.made.now)
    stored.settle_down()
    with pytest.raises(RuleViolation, match="not the same") as refused:
        detach(wired, file, ACTOR, now())
    assert refused.value.code == "archive_differs"
    assert is_there(stored)


def test_a_row_that_was_changed_keeps_it(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file = archived(wired, tmp_path)
    stored.damage(
        f"UPDATE {PARTITION} SET recorded_at = recorded_at + interval '1 s'"
        " WHERE originator_version = 3"
    )
    with pytest.raises(RuleViolation, match="not the same"):
        detach(wired, file, ACTOR, now())


def test_the_last_event_stays(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    stored.made.reconciler.audit(FIRST)
    stored.damage("DELETE FROM projection_tracking")
    last = stored.rows("SELECT max(notification_id) FROM cyclebook_events")[0][0]
    stored.damage(
        f"UPDATE {PARTITION} SET notification_id = %s WHERE notification_id ="
        f" (SELECT max(notification_id) FROM {PARTITION})",
        last + 1,
    )
    with pytest.raises(RuleViolation, match="last event"):
        detach(wired, archived(wired, tmp_path), ACTOR, now())


def test_a_file_that_is_not_whole_detaches_nothing(
    stored: StoredWorld, wired: Wired, tmp_path: Path
) -> None:
    file = archived(wired, tmp_path)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="not what its manifest says"):
        detach(wired, file, ACTOR, now())
    assert is_there(stored)


def test_twice_is_once(stored: StoredWorld, wired: Wired, tmp_path: Path) -> None:
    file, _ = detached(wired, tmp_path)
    with pytest.raises(NotFound, match=f"{MONTH}: it is detached"):
        detach(wired, file, ACTOR, now())
    with pytest.raises(InvalidInput, match=r"detached.*events-2026-01"):
        write(wired, month_of(MONTH), tmp_path)
