"""The chain over the log: it follows, and finds what somebody changed behind our back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.postgres.chains import PostgresChain
from adapters.postgres.database import Database
from domain.errors import NotFound
from projections.chain import COMMON, Head
from tests.stored_stories import FIRST, much_happened
from tests.stored_world import StoredWorld, stored_world


@pytest.fixture
def stored(each_database_url: str) -> Iterator[StoredWorld]:
    with stored_world(each_database_url) as found:
        much_happened(found)
        linked(found)
        yield found


def linked(stored: StoredWorld, page: int = 7) -> PostgresChain:
    """All of the log, in small pages."""
    chain = PostgresChain(stored.database, page)
    while chain.step():
        pass
    return chain


def told(stored: StoredWorld, *published: Head) -> set[tuple[str, str, int | None]]:
    """What a process that has just started finds: (what, about, version)."""
    database = Database(stored.url)
    try:
        heads = {each.organization: [each] for each in published}
        found = PostgresChain(database).verify(None, heads)
        return {(each.what, each.about, each.version) for each in found}
    finally:
        database.close()


def test_every_event_is_linked_once_in_the_chain_of_its_organization(stored: StoredWorld) -> None:
    chain = linked(stored)
    (events,) = stored.rows("SELECT count(*), max(notification_id) FROM cyclebook_events")
    acme, catalog = chain.head("acme"), chain.head(COMMON)
    assert chain.names() == [COMMON, "acme"]
    assert acme.events + catalog.events == events[0]
    assert max(acme.position, catalog.position) == events[1]
    assert told(stored) == set()


def test_a_head_is_the_same_however_the_log_was_read(stored: StoredWorld) -> None:
    before = linked(stored).head("acme")
    stored.change("TRUNCATE chain_link, chain_head, chain_checkpoint, chain_stream")
    stored.change("DELETE FROM projection_tracking WHERE application_name = 'chain'")
    assert linked(stored, 2000).head("acme") == before


def test_two_followers_link_every_event_once(stored: StoredWorld) -> None:
    stored.made.item("more", 100, stored.made.now)
    with stored.database.connection() as connection, connection.transaction():
        connection.execute(
            "SELECT FROM projection_tracking WHERE application_name = 'chain' FOR UPDATE"
        )
        assert PostgresChain(stored.database).step() is False
    linked(stored)
    assert told(stored) == set()


def test_a_chain_that_there_is_not_is_not_found(stored: StoredWorld) -> None:
    with pytest.raises(NotFound):
        list(linked(stored).verify("nobody", {}))


Damage = Callable[[StoredWorld], None]
OF_FIRST = "originator_id = (SELECT cycle_id FROM cycle_head WHERE cycle = 'acme.2026-01-01')"
LOG = "cyclebook_events"


def sql(*statements: str) -> Damage:
    def damage(stored: StoredWorld) -> None:
        for each in statements:
            stored.damage(each)

    return damage


def as_new(stored: StoredWorld) -> None:
    """A forged charge before others, at a place in the log that a sequence had left out."""
    stored.damage(f"UPDATE {LOG} SET notification_id = notification_id WHERE {OF_FIRST}")
    stored.damage(
        f"INSERT INTO {LOG} SELECT originator_id, 900, topic, state, -1, recorded_at"
        f" FROM {LOG} WHERE {OF_FIRST} AND originator_version = 2"
    )


DAMAGED = [
    pytest.param(
        sql(
            f"UPDATE {LOG} SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            " '4900', '9900'), 'UTF8') WHERE topic = 'OneOffItemAdded@1'"
        ),
        {("altered", FIRST, None)},
        id="an amount",
    ),
    pytest.param(
        sql(
            f"UPDATE {LOG} SET topic = 'ServiceDetached@1'"
            f" WHERE {OF_FIRST} AND originator_version = 2"
        ),
        {("altered", FIRST, 2)},
        id="what happened",
    ),
    pytest.param(
        sql(
            f"UPDATE {LOG} SET recorded_at = recorded_at + interval '1 microsecond'"
            f" WHERE {OF_FIRST} AND originator_version = 3"
        ),
        {("altered", FIRST, 3)},
        id="when it was recorded",
    ),
    pytest.param(
        sql(f"DELETE FROM {LOG} WHERE {OF_FIRST} AND originator_version = 4"),
        {("removed", FIRST, 4)},
        id="one is gone",
    ),
    pytest.param(
        sql(
            f"UPDATE {LOG} SET originator_version = -originator_version"
            f" WHERE {OF_FIRST} AND originator_version IN (4, 5)",
            f"UPDATE {LOG} SET originator_version = 9 + originator_version"
            f" WHERE {OF_FIRST} AND originator_version < 0",
        ),
        {("altered", FIRST, 4), ("altered", FIRST, 5)},
        id="two in each other's place",
    ),
    pytest.param(as_new, {("inserted", FIRST, 900)}, id="one more"),
    pytest.param(
        sql("DELETE FROM chain_link WHERE organization = 'acme' AND number = 3"),
        {("unlinked", "acme", None), ("inserted", FIRST, None), ("rewritten", "acme", None)},
        id="a link",
    ),
    pytest.param(
        sql("UPDATE chain_head SET head = sha256('') WHERE organization = ''"),
        {("rewritten", "catalog", None)},
        id="a head",
    ),
]


@pytest.mark.parametrize(("damage", "found"), DAMAGED)
def test_what_was_changed_is_named(stored: StoredWorld, damage: Damage, found: set[Any]) -> None:
    damage(stored)
    assert {(what, about) for what, about, _ in told(stored)} == {(x[0], x[1]) for x in found}
    versions = {each[2] for each in found if isinstance(each[2], int)}
    assert versions <= {version for _, _, version in told(stored)}


def test_a_head_that_others_kept_tells_that_everything_was_rewritten(stored: StoredWorld) -> None:
    """Somebody changes an event, and makes the whole chain anew to fit."""
    kept = linked(stored).head("acme")
    stored.made.item("more", 100, stored.made.now)
    linked(stored)
    assert told(stored, kept) == set()
    stored.damage(
        f"UPDATE {LOG} SET state = convert_to(replace(convert_from(state, 'UTF8'),"
        " '4900', '9900'), 'UTF8') WHERE topic = 'OneOffItemAdded@1'"
    )
    stored.change("TRUNCATE chain_link, chain_head, chain_checkpoint, chain_stream")
    stored.damage("DELETE FROM projection_tracking WHERE application_name = 'chain'")
    linked(stored)
    assert told(stored) == set()
    assert told(stored, kept) == {("rewritten", "acme", None)}


def test_a_chain_that_was_cut_short_is_found_by_a_head_that_others_kept(
    stored: StoredWorld,
) -> None:
    kept = linked(stored).head("acme")
    stored.change("TRUNCATE chain_link, chain_head, chain_checkpoint")
    assert told(stored, kept) >= {("rewritten", "acme", None)}
