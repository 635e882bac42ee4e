"""Change requests on PostgreSQL: kept as they were asked, decided once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.postgres.change_requests import PostgresChangeRequests
from adapters.postgres.database import Database
from adapters.postgres.keys import PostgresKeys
from adapters.postgres.search import PostgresSearch
from application.kept_changes import LASTS, LEFT_FOR, Asked, Stake
from application.keys import Keys
from application.searching import Found, Search
from domain.errors import StoreUnavailable
from domain.events.stripe_invoice import CallAnswered, CallAttempted

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
STREAMS = "00000000"
"""How ids of streams that are no cycle's begin."""
ASKED = Asked(
    operation="add_item",
    path={"organization": "acme"},
    query={"preview": "0"},
    body=[{"item": "i1", "amount": 2500, "tax": None}, "ü"],
)
STAKE = Stake(amount=2500, currency="usd", differences={"a": -1}, preview={"invoices": []})


@pytest.fixture
def database(each_database_url: str) -> Iterator[Database]:
    database = Database(each_database_url)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> PostgresChangeRequests:
    return PostgresChangeRequests(database)


def kept(store: PostgresChangeRequests, at: datetime = NOW) -> str:
    return store.add(ASKED, STAKE, 100, "key:a", at)


def test_what_was_asked_is_kept_as_it_was_asked(store: PostgresChangeRequests) -> None:
    found = store.get(kept(store))
    assert found is not None
    assert (found.asked, found.stake, found.actor, found.above) == (ASKED, STAKE, "key:a", 100)
    assert (found.asked_at, found.expires_at) == (NOW, NOW + LASTS)
    assert found.state(NOW) == "waiting"


def test_what_cannot_be_rehearsed_has_no_preview(store: PostgresChangeRequests) -> None:
    request = kept(store)
    store.show(request, Stake(amount=7, currency="eur"))
    found = store.get(request)
    assert found is not None
    assert found.stake == Stake(amount=7, currency="eur")


@pytest.mark.parametrize("request_id", ["", "x", "-1", "1" * 19, "１", "0"])
def test_another_text_names_none(store: PostgresChangeRequests, request_id: str) -> None:
    kept(store)
    assert store.get(request_id) is None


def test_one_at_a_time_decides_about_a_request(store: PostgresChangeRequests) -> None:
    request, other = kept(store), kept(store)
    with store.alone(request) as first, store.alone(request) as second:
        assert (first, second) == (True, False)
        with store.alone(other) as free:
            assert free
    with store.alone(request) as again:
        assert again


def test_whoever_lost_the_connection_keeps_nobody_off(
    store: PostgresChangeRequests, each_database_url: str
) -> None:
    request = kept(store)
    gone = Database(each_database_url)
    with pytest.raises(StoreUnavailable), PostgresChangeRequests(gone).alone(request):
        with psycopg.connect(each_database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        with store.alone(request) as mine:
            assert mine
    gone.close()


def test_what_was_begun_does_not_expire_and_is_found(store: PostgresChangeRequests) -> None:
    request, over = kept(store, NOW - LASTS), kept(store, NOW - LASTS)
    store.begin(request, "key:b", "agreed")
    found = store.get(request)
    assert found is not None
    assert (found.begun_by, found.begun_reason, found.begun_after) == ("key:b", "agreed", 0)
    assert (found.state(NOW), store.uncertain(), store.traces(found)) == ("waiting", [request], [])
    assert [each.id for each in store.list("waiting", None, 9, NOW)] == [request]
    assert [each.id for each in store.list("expired", None, 9, NOW)] == [over]
    store.forget_begun(request)
    assert (store.uncertain(), store.list("waiting", None, 9, NOW)) == ([], [])
    with store.alone(request) as mine:
        assert mine


def test_a_minute_goes_by_from_when_it_was_seen_that_nobody_is_at_it_any_more(
    store: PostgresChangeRequests, each_database_url: str
) -> None:
    request = kept(store)
    with store.alone(request):
        store.begin(request, "key:b", None)
    with psycopg.connect(each_database_url, autocommit=True) as connection:

        def left() -> timedelta | None:
            row = connection.execute("SELECT nullif(claimed_till, 'infinity') FROM change_request")
            (till,) = row.fetchone() or (None,)
            return till and till - datetime.now(UTC)

        assert left() is None  # however long it takes
        with store.alone(request) as mine:
            assert not mine  # what was sent by a process that is gone may still be stored
        seen = left()
        assert seen is not None and timedelta() < seen <= LEFT_FOR
        with store.alone(request) as mine:
            assert not mine
        connection.execute("UPDATE change_request SET claimed_till = clock_timestamp()")
        with store.alone(request) as mine:
            assert mine


def test_what_is_known_to_be_done_in_part_is_not_looked_for_again(
    store: PostgresChangeRequests,
) -> None:
    request = kept(store)
    store.begin(request, "key:b", None)
    store.note_in_part(request)
    found = store.get(request)
    assert found is not None
    assert (found.in_part, found.is_uncertain, store.uncertain()) == (True, False, [])
    with store.alone(request) as mine:
        assert mine
    store.begin(request, "key:c", None)  # somebody finishes it
    found = store.get(request)
    assert found is not None
    assert (found.begun_by, found.begun_after, found.is_uncertain) == ("key:c", 0, True)


ANSWERED = '"key":"c1","status":402,"reference":null,"request":null,"code":null,"message":null'


@pytest.mark.parametrize(
    ("topic", "actor", "more", "counts"),
    [
        pytest.param(
            "MemberRemoved", "key:a, approved by key:b{name}", '"user":"u"', True, id="it"
        ),
        pytest.param("MemberRemoved", "key:a, approved by ü{name}", '"user":"u"', True, id="again"),
        pytest.param(
            "MemberRemoved", "key:a, approved by key:b{name}7", '"user":"u"', False, id="17"
        ),
        pytest.param("MemberRemoved", "member:x{name}", '"user":"u"', False, id="named like it"),
        pytest.param("MemberRemoved", "key:c", '"user":"{name}"', False, id="about it"),
        pytest.param("CallAnswered", "sync", ANSWERED, False, id="of another stream"),
    ],
)
def test_what_a_request_has_led_to_is_told_by_the_actor_of_its_events(
    store: PostgresChangeRequests,
    database: Database,
    topic: str,
    actor: str,
    more: str,
    counts: bool,
) -> None:
    request = kept(store)
    store.begin(request, "key:b", None)
    found = store.get(request)
    assert found is not None
    said = f'"actor":"{actor}",{more}'.replace("{name}", found.name)
    append(database, f"{topic}@1", said)
    assert len(store.traces(found)) == counts


def test_stripes_answers_are_told_whoever_heard_them(
    store: PostgresChangeRequests, database: Database
) -> None:
    request = kept(store)
    store.begin(request, "key:b", None)
    found = store.get(request)
    assert found is not None
    stream = uuid4()
    attempted = (
        f'"actor":"{found.actor_of("key:b")}","plan":1,"purpose":"void","key":"c1","method":"post",'
        '"endpoint":"/v1/invoices/in_1/void","parameters":{},"revision":1,'
        '"attempted_at":"2026-01-05T10:00:00Z"'
    )
    append(database, "CallAttempted@1", attempted, stream)
    append(database, "CallAnswered@1", f'"actor":"sync",{ANSWERED}', stream)
    kinds = {type(each) for each in store.traces(found)}
    assert kinds == {CallAttempted, CallAnswered}


def append(database: Database, topic: str, said: str, stream: UUID | None = None) -> None:
    """An event by hand, in its own stream or in one that is there."""
    body = '{"occurred_at":"2026-01-05T10:00:00Z",' + said + "}"
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO cyclebook_events (originator_id, originator_version, topic, state,"
            " recorded_at) SELECT %(id)s, 1 + count(*), %(topic)s, %(state)s, now()"
            " FROM cyclebook_events WHERE originator_id = %(id)s",
            {"id": STREAMS + str(stream or uuid4())[8:], "topic": topic, "state": body.encode()},
        )


def test_what_is_decided_stays_so(store: PostgresChangeRequests) -> None:
    decided = kept(store)
    store.decide(decided, "rejected", "key:b", "no", NOW)
    store.decide(decided, "approved", "key:c", None, NOW)
    found = store.get(decided)
    assert found is not None
    assert (found.decision, found.decided_by, found.reason) == ("rejected", "key:b", "no")


def test_lists_go_by_state_newest_first(store: PostgresChangeRequests) -> None:
    over, first, second, third = kept(store, NOW - LASTS), *(kept(store) for _ in range(3))
    store.decide(second, "approved", "key:b", None, NOW)

    def ids(state: str | None, before: str | None = None, limit: int = 9) -> list[str]:
        return [each.id for each in store.list(state, before, limit, NOW)]

    assert ids(None) == [third, second, first, over]
    assert ids("waiting") == [third, first]
    assert (ids("expired"), ids("approved"), ids("rejected")) == ([over], [second], [])
    assert ids(None, before=third, limit=2) == [second, first]
    assert [each.id for each in store.list("expired", None, 9, NOW + timedelta(days=8))] == [
        third,
        first,
        over,
    ]


def test_a_key_and_those_that_took_its_place_are_one_holder(database: Database) -> None:
    keys = Keys(PostgresKeys(database))
    names = [keys.create("admin", actor="test")[:11]]
    for _ in range(2):
        secret, _ = keys.rotate(names[-1], actor="test")
        names.append(secret[:11])
    first, _, last = (f"key:{name}" for name in names)
    other = f"key:{keys.create('admin', actor=first)[:11]}"
    assert keys.same_holder(first, last)
    assert keys.same_holder(last, first)
    assert not keys.same_holder(first, other)
    assert not keys.same_holder(first, "staff:ada")
    assert keys.same_holder("staff:ada", "staff:ada")


@pytest.mark.parametrize("text", ["acme", "cus_1", "5925B655-0001", "acme.2026-01-01", "%", "a.b"])
def test_an_empty_store_leads_nowhere(database: Database, text: str) -> None:
    assert Search(PostgresSearch(database)).find(text) == Found()
