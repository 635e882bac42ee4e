"""Change requests on PostgreSQL: kept as they were asked, decided once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.postgres.change_requests import PostgresChangeRequests
from adapters.postgres.database import Database
from adapters.postgres.keys import PostgresKeys
from adapters.postgres.search import PostgresSearch
from application.change_requests import CLAIMED, LASTS, Asked, Stake
from application.keys import Keys
from application.searching import Found, Search

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
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


def test_a_claim_keeps_others_off_until_it_is_over(store: PostgresChangeRequests) -> None:
    request = kept(store)
    assert store.claim(request, NOW)
    assert not store.claim(request, NOW)
    store.release(request)
    assert store.claim(request, NOW)
    assert store.claim(request, NOW + CLAIMED)


def test_what_is_over_or_decided_is_not_claimed(store: PostgresChangeRequests) -> None:
    over, decided = kept(store, NOW - LASTS), kept(store)
    store.decide(decided, "rejected", "key:b", "no", NOW)
    store.decide(decided, "approved", "key:c", None, NOW)
    assert [store.claim(each, NOW) for each in (over, decided)] == [False, False]
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
