"""The command line: the same books, for people and for programs."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from adapters.sandbox.server import SandboxServer
from api.cli.main import COMMANDS, cli, main
from api.cli.session import print_table
from tests.acceptance.running import free_port
from tests.api.conftest import CYCLE, START, Caller, day
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
    revoked = run("keys", "revoke", made["id"])
    assert (revoked[0], "within 3 seconds" in revoked[1]) == (0, True)
    listed = json.loads(run("keys", "list", "--json")[1])["data"]
    assert [bool(each["revoked_at"]) for each in listed] == [True, False]
    assert made["key"] not in json.dumps(listed)
    assert run("keys", "create", "--role", "organization")[0] == 2


def test_a_key_is_made_only_for_an_organization_that_exists(run: Run, acme: str) -> None:
    create = ("keys", "create", "--role", "organization", "--organization")
    status, _, told = run(*create, "nope")
    assert (status, told) == (2, "cyclebook: there is no organization nope\n")
    assert run(*create, "acme")[0] == 0


def test_a_rotated_key_is_said_to_stay_in_force(run: Run) -> None:
    made = json.loads(run("keys", "create", "--role", "admin", "--json")[1])["id"]
    said = run("keys", "rotate", made, "--grace", "48")[2]
    (expires,) = [
        each["expires_at"]
        for each in json.loads(run("keys", "list", "--json")[1])["data"]
        if each["id"] == made
    ]
    assert f"{made} stays in force until {expires}" in said


def test_a_sync_says_what_it_brought_up_to_date(run: Run, admin: Caller, acme: str) -> None:
    admin("POST", "/v1/usage", record("k1", value="2"))
    run("sync", CYCLE)
    admin("POST", "/v1/usage", record("k2", value="0.01"))
    status, told, errors = run("sync", CYCLE)
    assert (status, told.splitlines()[1].endswith("  5 (description)")) == (0, True), told + errors


def test_an_absent_sandbox_is_named(
    run: Run, admin: Caller, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin("POST", "/v1/usage", record("k1"))
    run("sync", CYCLE)
    base = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("STRIPE_API_BASE", base)
    status, _, told = run("plan", CYCLE)
    assert (status, f"nobody answers at {base}: start the sandbox" in told) == (1, True), told


def test_a_long_title_stands_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    title = "a line with a long description " * 8
    print_table(["a"], [["1"]], title)
    assert title in capsys.readouterr().out.splitlines()


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
    assert "proved" in run("sync", CYCLE, "--reason", "before the call")[1]
    assert "(before the call)" in run("history", CYCLE)[1]
    assert run("plan", CYCLE)[:2] == (0, "no changes\n")
    assert run("audit")[0] == 0
    assert run("sync", "--due")[0] == 0
    assert run("rebuild")[0] == 0
    assert run("close", "--due")[1] == "nothing is due\n"


def test_a_line_added_in_the_dashboard_is_planned_for_and_told_what_to_do_about(
    run: Run, admin: Caller, acme: str, sandbox_url: str
) -> None:
    admin("POST", "/v1/usage", [record("k1")])
    invoice = json.loads(run("sync", CYCLE, "--json")[1])["invoice"]
    edit = json.dumps({"amount": 777, "description": "by hand"}).encode()
    headers = {"Content-Type": "application/json"}
    path = f"{sandbox_url}/_sandbox/invoices/{invoice}/lines"
    urlopen(Request(path, edit, headers)).close()
    status, planned, _ = run("plan", CYCLE)
    assert (status, planned.splitlines()[0]) == (1, "no changes")
    assert planned.endswith("  777  by hand\n")
    assert json.loads(run("plan", CYCLE, "--json")[1])["foreign"][0]["amount"] == 777
    status, _, refused = run("sync", CYCLE)
    assert (status, "777 by hand; overwrite it, or adopt that" in refused) == (1, True)
    status, synced, _ = run("sync", CYCLE, "--edits", "overwrite", "--reason", "a mistake")
    assert (status, "  remove stripe/il_" in synced) == (0, True), synced


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["invoice", "nobody"], 2, id="no such organization"),
        pytest.param(["sync"], 2, id="neither a cycle nor --due"),
        pytest.param(["sync", CYCLE, "--edits", "adopt"], 2, id="a decision without a reason"),
        pytest.param(["sync", "--due", "--reason", "x"], 2, id="a reason for whatever is due"),
        pytest.param(["history", "acme"], 2, id="no cycle"),
        pytest.param(["invoice", "acme", "--as-of", "yesterday"], 2, id="no instant"),
        pytest.param(["audit", "--from", day(2), "--to", day(1)], 2, id="a reversed window"),
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


def test_what_waits_and_what_came_late_is_told_at_a_terminal(
    run: Run, admin: Caller, acme: str
) -> None:
    policies = {"grace_s": 0, "minimum_invoice": 0, "approval": "always"}
    details = {"name": "Acme", "currency": "usd", "anchor_day": START.day, "policies": policies}
    admin("PUT", "/v1/organizations/acme", details)
    admin("POST", "/v1/usage", [record("k1", value="100")])
    end = {"at": day(5), "reason": "asked for"}
    assert admin("POST", "/v1/organizations/acme/bill-now", end).status_code == 200

    status, told, _ = run("close", "--due")
    assert (status, f"waiting  {CYCLE}  approval_required" in told) == (1, True)
    assert "to be approved since" in run("invoice", "acme")[1]
    admin("POST", f"/v1/invoices/{CYCLE}/approve", {"reason": "checked"})
    status, told, _ = run("close", "--due")
    assert (status, f"issued   {CYCLE}" in told) == (0, True)

    admin("POST", "/v1/usage", [record("late", value="10")])
    told = run("invoice", CYCLE)[1]
    assert "2.50 still to be paid" in told
    assert "late: usage/a1/cpu@1  0.25, on the next invoice" in told
    assert json.loads(run("invoice", CYCLE, "--json")[1])["late"][0]["amount"] == 25
