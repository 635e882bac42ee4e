"""Data that earlier releases left on disk: this one reads it, verifies it and bills the same."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres import mapper
from adapters.postgres.migrate import migrate
from tests.databases import drop_database, new_database
from tests.january import JANUARY
from tests.projections.test_history import EVENTS
from tests.reopened import reopened
from tests.stored_world import stored_world
from tests.upgrade.release import KINDS, loaded, releases, stories


@pytest.fixture
def url(embedded_server: str) -> Iterator[str]:
    name = f"upgrade_{threading.get_native_id()}"
    yield new_database(embedded_server, name)
    drop_database(embedded_server, name)


@pytest.mark.parametrize("file", stories(), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_database_of_a_release_holds_together_and_bills_the_same(url: str, file: Path) -> None:
    about = loaded(file, url)
    migrate(url)
    end = datetime.fromisoformat(about.now)
    with reopened(url, lambda: end) as seen:
        assert seen.verify().broken == []
        assert seen.digests() == about.digests


def test_work_goes_on_with_the_data_of_a_release(url: str) -> None:
    (file,) = [each for each in stories() if each.match("events-0.1/much_happened.ndjson")]
    about = loaded(file, url)
    migrate(url)
    with stored_world(url) as stored:
        stored.made.travel(datetime.fromisoformat(about.now))
        before = stored.made.current().invoice.total
        again = stored.made.use("0.5", JANUARY, id="r7")
        stored.made.item("after-upgrade", 700, stored.made.now)
        assert again.refusals[0].outcome == "conflict", "the release before took this id"
        assert stored.made.current().invoice.total == before + 700
        assert stored.verify().broken == []


def kinds(folder: Path) -> list[dict[str, Any]]:
    """The rows of a release's classes of events."""
    return [json.loads(line) for line in (folder / KINDS).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("folder", releases(), ids=lambda folder: folder.name)
def test_every_event_of_a_release_is_read_and_nothing_of_it_is_lost(folder: Path) -> None:
    for row in kinds(folder):
        topic, body = row["topic"], row["body"]
        read = mapper.decode(
            topic,
            json.dumps(body).encode(),
            stream=UUID(int=1),
            version=1,
            position=1,
            recorded_at=JANUARY,
        )
        assert read.actor == "test"
        if mapper.topic(read.event) == topic:
            again = json.loads(mapper.encode(read.event, read.actor, read.occurred_at))
            assert again == again | body, topic


def test_the_newest_release_has_every_event_that_is_written_today() -> None:
    written = {row["topic"] for row in kinds(releases()[-1])}
    today = {f"{kind.__name__}@{mapper.VERSIONS.get(kind.__name__, 1)}" for kind in EVENTS}
    assert today - written == set(), "run `make fixture`"
