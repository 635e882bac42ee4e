"""Exactly the invariant that was broken by hand is named, and where."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from domain.identity import stripe_stream
from tests.stored_stories import FIRST, NAMELESS, SECOND, much_happened
from tests.stored_world import StoredWorld, stored_world


@pytest.fixture
def stored(database_url: str) -> Iterator[StoredWorld]:
    with stored_world(database_url) as found:
        yield found


def one_more_id(event: dict[str, Any]) -> None:
    """Stripe is said to hold a line of ours under a second id."""
    line = event["changed"][0]
    event["changed"].append(line | {"line": "il_twice"})


Damage = Callable[[StoredWorld], None]


def sql(statement: str) -> Damage:
    return lambda stored: stored.damage(statement)


def event(name: str, edit: Callable[[dict[str, Any]], object]) -> Damage:
    return lambda stored: stored.rewrite(name, edit)


def in_stream(statement: str, stream: Any) -> Damage:
    return lambda stored: stored.damage(statement, stream)


OF_FIRST = "cycle_no = (SELECT cycle_no FROM cycle_head WHERE cycle = 'acme.2026-01-01')"
BROKEN = [
    pytest.param(
        1, FIRST, sql(f"DELETE FROM usage_dedup WHERE version = 5 AND {OF_FIRST}"),
        id="a record is forgotten",
    ),
    pytest.param(
        1, FIRST, sql(f"UPDATE usage_dedup SET content = 7 WHERE version = 5 AND {OF_FIRST}"),
        id="a record was accepted with other content",
    ),
    pytest.param(
        1, SECOND, sql("UPDATE cycle_head SET records = records + 1 WHERE status = 'accruing'"),
        id="a record was accepted that is not in the log",
    ),
    pytest.param(
        2, FIRST, sql('UPDATE usage_tally SET quantity = 9 WHERE tally LIKE \'["cpu","","",%\''),
        id="a tally of what nothing prices",
    ),
    pytest.param(
        3, FIRST, event("FinalizationStarted", lambda it: it.update(subtotal=it["subtotal"] + 1)),
        id="a subtotal that its lines do not come to",
    ),
    pytest.param(
        4, SECOND,
        sql(
            "UPDATE usage_checkpoint SET tallies = jsonb_set(tallies, '{0,4}', '\"9\"')"
            " WHERE lo >= extract(epoch FROM timestamptz '2026-02-01 00:00Z') * 1000000"
        ),
        id="a sum that replays begin from",
    ),
    pytest.param(
        5, NAMELESS,
        sql("UPDATE quarantine SET status = 'replayed', resolution = 'x' WHERE id = 1"),
        id="a record that was said to be replayed",
    ),
    pytest.param(
        6, FIRST, sql("UPDATE cycle_head SET ends = ends - 1 WHERE cycle = 'acme.2026-01-01'"),
        id="where a cycle lies in time",
    ),
    pytest.param(
        7, FIRST, event("InvoiceObserved", one_more_id), id="a line twice on Stripe's invoice"
    ),
    pytest.param(
        8, FIRST,
        in_stream(
            "UPDATE cyclebook_events SET state = convert_to(regexp_replace("
            "convert_from(state, 'UTF8'), 'sha256:[0-9a-f]+', 'sha256:0'), 'UTF8')"
            " WHERE originator_id = %s AND topic = 'InvoiceProvedEqual@1'",
            stripe_stream(FIRST),
        ),
        id="a proof of another invoice",
    ),
    pytest.param(
        9, FIRST, event("FinalizationStarted", lambda it: it.update(digest="sha256:0")),
        id="an issued invoice that was another one",
    ),
    pytest.param(
        10, f"{FIRST} at Stripe",
        in_stream(
            "UPDATE cyclebook_events SET recorded_at = recorded_at - interval '1 hour'"
            " WHERE originator_id = %s AND originator_version = 2",
            stripe_stream(FIRST),
        ),
        id="a clock that went back",
    ),
    pytest.param(
        10, f"{FIRST} at Stripe",
        in_stream(
            "DELETE FROM cyclebook_events WHERE originator_id = %s AND topic = 'SyncApplied@1'",
            stripe_stream(FIRST),
        ),
        id="an event that is gone",
    ),
    pytest.param(
        11, "usage_by_day", sql("UPDATE usage_by_day SET quantity = 7 WHERE day = '2026-01-10'"),
        id="a day in a chart",
    ),
    pytest.param(
        11, "invoice_summary", sql("UPDATE invoice_summary SET total = 1 WHERE total > 1"),
        id="a total in a list",
    ),
    pytest.param(
        12, NAMELESS, sql("DELETE FROM quarantine WHERE id = 2"),
        id="a quarantined record that is gone",
    ),
    pytest.param(
        12, NAMELESS, sql("UPDATE quarantine SET detail = '' WHERE id = 2"),
        id="a quarantined record without a reason",
    ),
    pytest.param(
        12, SECOND,
        sql(
            "INSERT INTO sync_queue (cycle, dirty_position, due_at, parked)"
            " VALUES ('acme.2026-02-01', 1, now(), true)"
        ),
        id="a sync that waits for nobody",
    ),
    pytest.param(
        12, "in_1",
        sql(
            "INSERT INTO webhook_inbox (event_id, type, object_id, payload, due_at)"
            " VALUES ('evt_1', 'invoice.paid', 'in_1', '', NULL)"
        ),
        id="a webhook that failed in silence",
    ),
    pytest.param(
        12, SECOND,
        sql(
            "UPDATE cycle_head SET next_duty_at = '2026-01-01'"
            " WHERE cycle = 'acme.2026-02-01'"
        ),
        id="a cycle whose life does not go on",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "about", "damage"), BROKEN)
def test_exactly_what_is_broken_is_named(
    stored: StoredWorld, invariant: int, about: str, damage: Damage
) -> None:
    much_happened(stored)
    assert stored.told() == set()
    damage(stored)
    assert stored.told() == {(invariant, about)}
