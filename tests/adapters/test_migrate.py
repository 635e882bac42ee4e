"""Migrating a database: in order, once, and never over something else."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.migrate import MIGRATIONS, migrate, migrations_in, pending
from domain.errors import RuleViolation, StoreUnavailable
from tests.databases import drop_database, new_database


@pytest.fixture
def url(embedded_server: str) -> Iterator[str]:
    name = f"migrate_{threading.get_native_id()}"
    yield new_database(embedded_server, name)
    drop_database(embedded_server, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("create table a (x int); insert into a values (1);")
    (tmp_path / "0002_second.sql").write_text("insert into a select x + 1 from a;")
    return tmp_path


def values(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [x for (x,) in connection.execute("select x from a order by x").fetchall()]


def test_files_are_applied_in_order_and_once(url: str, folder: Path) -> None:
    assert [str(each) for each in migrate(url, folder)] == ["0001_first", "0002_second"]
    assert migrate(url, folder) == []
    assert values(url) == [1, 2]


def test_only_what_is_new_is_applied_later(url: str, folder: Path) -> None:
    migrate(url, folder)
    (folder / "0003_third.sql").write_text("insert into a values (9);")
    assert [each.number for each in migrate(url, folder)] == [3]
    assert values(url) == [1, 2, 9]


def test_processes_that_start_together_apply_each_file_once(url: str, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("select pg_sleep(0.2); insert into a values (2);")
    applied: list[int] = []
    threads = [
        threading.Thread(target=lambda: applied.extend(m.number for m in migrate(url, folder)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [1, 2]
    assert values(url) == [1, 2]


def test_a_file_that_fails_leaves_nothing_of_itself_and_can_be_repaired(
    url: str, folder: Path
) -> None:
    (folder / "0002_second.sql").write_text("insert into a values (2); select 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(url, folder)
    assert values(url) == [1]
    (folder / "0002_second.sql").write_text("insert into a values (2);")
    assert [each.number for each in migrate(url, folder)] == [2]


def test_pending_looks_and_changes_nothing(url: str, folder: Path) -> None:
    with psycopg.connect(url) as connection:
        assert [each.number for each in pending(connection, folder)] == [1, 2]
        assert connection.execute("select to_regclass('schema_migration')").fetchone() == (None,)
    migrate(url, folder)
    with psycopg.connect(url) as connection:
        assert pending(connection, folder) == []


def test_an_applied_file_that_was_edited_is_refused(url: str, folder: Path) -> None:
    migrate(url, folder)
    (folder / "0001_first.sql").write_text("create table a (x bigint);")
    with pytest.raises(RuleViolation, match="0001_first was changed") as refusal:
        migrate(url, folder)
    assert refusal.value.code == "migration_changed"


def test_a_database_newer_than_the_code_is_refused(url: str, folder: Path) -> None:
    migrate(url, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(RuleViolation, match="newer than this code") as refusal:
        migrate(url, folder)
    assert refusal.value.code == "database_newer_than_code"


def test_a_file_added_before_an_applied_one_is_refused(url: str, folder: Path) -> None:
    (folder / "0002_second.sql").rename(folder / "0003_second.sql")
    migrate(url, folder)
    (folder / "0002_late.sql").write_text("select 1;")
    with pytest.raises(RuleViolation, match="0002_late comes before 0003"):
        migrate(url, folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("0001_again.sql", "same number", id="a number taken twice"),
        pytest.param("3-third.sql", "NNNN_name.sql", id="a name without a number"),
    ],
)
def test_a_folder_in_disorder_is_refused(folder: Path, name: str, words: str) -> None:
    (folder / name).write_text("select 1;")
    with pytest.raises(RuleViolation, match=words):
        migrations_in(folder)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleViolation, match="no migrations"):
        migrations_in(tmp_path)


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(StoreUnavailable):
        migrate(f"postgresql://nobody@/nothing?host={tmp_path}", folder)


def test_our_own_migrations_fit_every_supported_server(each_database_url: str) -> None:
    with psycopg.connect(each_database_url) as connection:
        assert pending(connection, MIGRATIONS) == []
