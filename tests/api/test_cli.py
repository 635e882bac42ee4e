"""The command line: the same books, for people and for programs."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.sandbox.server import SandboxServer
from api.cli.main import COMMANDS, cli, main
from tests.api.conftest import CYCLE, Caller, day
from tests.api.test_usage import record
from tests.databases import new_database

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sandbox_url(tmp_path: Path) -> Iterator[str]:
    server = SandboxServer("127.0.0.1", 0, tmp_path)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.url
    server.stop()
    thread.join()


@pytest.fixture
def run(
    database_url: str,
    sandbox_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command; its status, output and errors."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("STRIPE_API_BASE", sandbox_url)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capfd.readouterr()
        return int(str(ended.value.code or 0)), told.out, told.err

    return command


def test_every_command_can_be_loaded_and_explains_itself(run: Run) -> None:
    for name in COMMANDS:
        status, told, _ = run(name, "--help")
        assert (status, "Usage:" in told) == (0, True), name
    assert all(name in run("--help")[1] for name in COMMANDS)


def test_help_loads_nothing_that_takes_long() -> None:
    script = (
        "import sys\nfrom api.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('flask', 'psycopg', 'stripe', 'rich') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_key_is_made_listed_rotated_and_revoked(run: Run) -> None:
    made = json.loads(run("keys", "create", "--role", "admin", "--json")[1])
    assert made["key"].startswith("ck_") and len(made["key"]) == 46
    run("keys", "rotate", made["id"])
    assert run("keys", "revoke", made["id"])[0] == 0
    listed = json.loads(run("keys", "list", "--json")[1])["data"]
    assert [bool(each["revoked_at"]) for each in listed] == [True, False]
    assert made["key"] not in json.dumps(listed)
    assert run("keys", "create", "--role", "organization")[0] == 2


def test_usage_is_imported_from_csv_and_ndjson_once(run: Run, acme: str, tmp_path: Path) -> None:
    lines = tmp_path / "usage.ndjson"
    lines.write_text("\n".join(json.dumps(record(f"k{number}")) for number in range(3)))
    assert json.loads(run("import-usage", str(lines), "--json")[1]) == {
        "accepted": 3,
        "items": [],
    }
    table = tmp_path / "usage.csv"
    table.write_text(
        "source,id,organization,meter,value,occurred_at,attachment,properties.region\n"
        f"fra-7,k0,acme,cpu,12.5,{day(4, 10)},a1,fra\n"
        f"fra-7,k9,acme,cpu,much,{day(4, 10)},a1,fra\n"
        "fra-7,k8,acme,cpu,1,yesterday,a1,fra\n"
    )
    status, told, _ = run("import-usage", str(table), "--json")
    answer = json.loads(told)
    assert (status, answer["duplicate"], answer["rejected"]) == (1, 1, 1)
    assert [each["line"] for each in answer["items"]] == [4, 3]
    assert run("import-usage", str(tmp_path / "usage.ndjson"))[1].startswith("3 duplicate")


def test_an_invoice_is_shown_told_explained_synced_and_audited(
    run: Run, admin: Caller, acme: str
) -> None:
    admin("POST", "/v1/usage", [record("k1"), record("k2", value="2.5")])
    shown = json.loads(run("invoice", "acme", "--json")[1])
    assert (shown["cycle"], shown["total"]) == (CYCLE, 38)
    key = shown["lines"][0]["key"]
    assert "0.38" in run("invoice", "acme")[1]
    assert run("invoice", "acme", "--as-of", day(2))[0] == 0
    assert len(json.loads(run("history", CYCLE, "--json")[1])["data"]) == 3
    assert "2 of 2 usage records" in run("explain", CYCLE, key)[1]
    assert run("plan", CYCLE)[0] == 1
    assert "proved" in run("sync", CYCLE)[1]
    assert run("plan", CYCLE)[:2] == (0, "no changes\n")
    assert run("audit")[0] == 0
    assert run("sync", "--due")[0] == 0
    assert run("rebuild")[0] == 0
    assert run("close", "--due")[1] == "nothing is due\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["invoice", "nobody"], 2, id="no such organization"),
        pytest.param(["sync"], 2, id="neither a cycle nor --due"),
        pytest.param(["history", "acme"], 2, id="no cycle"),
        pytest.param(["invoice", "acme", "--as-of", "yesterday"], 2, id="no instant"),
        pytest.param(["nothing"], 2, id="no such command"),
        pytest.param(["migrate"], 0, id="nothing to migrate"),
        pytest.param(["settings"], 0, id="settings"),
    ],
)
def test_the_exit_status_says_what_happened(run: Run, arguments: list[str], status: int) -> None:
    assert run(*arguments)[0] == status


def test_a_database_that_lacks_migrations_is_told_before_anything_fails(
    run: Run, embedded_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_database(embedded_server, "unmigrated"))
    status, _, told = run("keys", "list")
    assert (status, "run cyclebook migrate" in told) == (1, True)
    assert len(json.loads(run("migrate", "--json")[1])["applied"]) >= 3
    assert run("keys", "list")[0] == 0


def test_the_group_knows_all_its_commands() -> None:
    assert set(cli.list_commands(None)) == set(COMMANDS)  # type: ignore[arg-type]
