"""``make fixture``: writes this release's data on disk, for every later one to be tried on.

What an earlier release wrote is never written again: its folder carries its version.
"""

import json
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

from adapters.postgres import mapper
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import MIGRATIONS, migrations_in
from tests.application.test_stories import (
    a_swap_and_a_trial,
    closing_an_organization,
    fees_in_advance,
    void_and_reissue,
)
from tests.databases import migrated_database
from tests.january import JANUARY
from tests.projections.test_history import EVENTS, example
from tests.stored_stories import february_is_issued, much_happened
from tests.stored_world import StoredWorld, stored_world
from tests.upgrade.release import FIXTURES, KINDS, About, written
from tests.world import World


def _told(story: Callable[[World], None]) -> Callable[[StoredWorld], None]:
    def happened(stored: StoredWorld) -> None:
        story(stored.made)
        stored.settle_down()

    return happened


STORIES: dict[str, Callable[[StoredWorld], None]] = {
    "much_happened": much_happened,
    "february_is_issued": february_is_issued,
    **{
        each.__name__: _told(each)
        for each in (a_swap_and_a_trial, void_and_reissue, fees_in_advance, closing_an_organization)
    },
}


def _kinds() -> Iterator[str]:
    """An event of each class, with everything said and with only what must be."""
    for kind in EVENTS:
        for full in (True, False):
            event = example(kind, full=full)
            body = json.loads(mapper.encode(event, "test", JANUARY))
            yield json.dumps({"topic": mapper.topic(event), "body": body})


def _story(url: str, happened: Callable[[StoredWorld], None]) -> list[str]:
    with stored_world(url) as stored:
        happened(stored)
        assert stored.verify().broken == []
        about = About(
            migrations=[each.number for each in migrations_in(MIGRATIONS)],
            digests=stored.digests(),
            now=stored.made.now.astimezone(UTC).isoformat(),
        )
    return list(written(url, about))


def main() -> None:
    """Write the folder of the version that pyproject.toml names."""
    version = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["version"]
    folder = FIXTURES / f"events-{version.rpartition('.')[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / KINDS, list(_kinds()))
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o711)  # as root, the server's account has to enter
        with EmbeddedPostgres(Path(home)) as server:
            for name, happened in STORIES.items():
                url = migrated_database(server, name)
                _write(folder / f"{name}.ndjson", _story(url, happened))


def _write(file: Path, lines: list[str]) -> None:
    file.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
