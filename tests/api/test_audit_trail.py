"""The audit trail over HTTP and the command line: heads that others keep, and what they prove."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.wiring import Wired
from tests.api.conftest import CYCLE, Caller, Run
from tests.api.test_life import done
from tests.api.test_usage import record

CHAIN = "/v1/organizations/acme/chain"


@pytest.fixture
def customer(caller: Callable[..., Caller], acme: str) -> Caller:
    return caller("organization", "acme")


def link(wired: Wired) -> None:
    while wired.audit_trail.chain.step():
        pass


def damage(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(statement.encode()).rowcount > 0


def test_customers_read_where_their_chain_stands(
    wired: Wired, admin: Caller, customer: Caller
) -> None:
    empty = done(customer("GET", CHAIN))
    assert (empty["events"], empty["position"], empty["at"]) == (0, 0, None)
    link(wired)
    before = done(customer("GET", CHAIN))
    assert before["events"] > 0 < before["catalog"]["events"]
    done(admin("POST", "/v1/usage", [record("k1", value="3")]))
    link(wired)
    after = done(customer("GET", CHAIN))
    assert after["events"] == before["events"] + 1
    assert after["head"] != before["head"]
    assert after["catalog"] == before["catalog"]


def test_the_certificate_of_an_invoice_holds_the_head(wired: Wired, customer: Caller) -> None:
    link(wired)
    proof = done(customer("GET", f"/v1/invoices/{CYCLE}/proof"))
    assert proof["chain"] == done(customer("GET", CHAIN))


def test_strangers_do_not_see_a_head(caller: Callable[..., Caller], acme: str) -> None:
    stranger = caller("organization", "globex")
    assert stranger("GET", CHAIN).status_code == 404
    assert caller("support")("GET", "/v1/organizations/nobody/chain").status_code == 404


def test_the_command_compares_with_the_log(run: Run, acme: str, database_url: str) -> None:
    status, told, _ = run("verify", "--chain", "acme")
    assert (status, "holds" in told, "BROKEN" in told) == (0, True, False)
    damage(
        database_url,
        "UPDATE cyclebook_events SET recorded_at = recorded_at + interval '1 second'"
        " WHERE topic = 'ServiceAttached@1'",
    )
    status, told, _ = run("verify", "--chain", "--json")
    answer: dict[str, Any] = json.loads(told)
    assert status == 1
    assert [(x["what"], x["stream"], x["version"]) for x in answer["broken"]] == [
        ("altered", CYCLE, 2)
    ]


def test_a_head_that_was_kept_proves_that_not_everything_was_rewritten(
    wired: Wired, run: Run, customer: Caller, database_url: str, tmp_path: Path
) -> None:
    link(wired)
    file = tmp_path / "heads.json"
    file.write_text(json.dumps(done(customer("GET", CHAIN))))
    assert run("verify", "--chain", "--from-head", str(file))[0] == 0
    damage(
        database_url,
        "UPDATE cyclebook_events SET recorded_at = recorded_at + interval '1 second'"
        " WHERE topic = 'ServiceAttached@1'",
    )
    for table in ("chain_link", "chain_head", "chain_stream"):
        damage(database_url, f"DELETE FROM {table}")
    damage(database_url, "DELETE FROM projection_tracking WHERE application_name = 'chain'")
    assert run("verify", "--chain")[0] == 0
    status, told, _ = run("verify", "--chain", "--from-head", str(file))
    assert (status, "rewritten" in told) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("no json", id="no JSON"),
        pytest.param("{}", id="no head"),
        pytest.param(
            '{"organization": "acme", "head": "00", "events": 1, "position": 1}', id="short"
        ),
        pytest.param(
            '{"organization": "acme", "head": "zz", "events": 1, "position": 1}', id="hex"
        ),
    ],
)
def test_a_file_without_heads_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "heads.json"
    file.write_text(text)
    assert run("verify", "--chain", "--from-head", str(file))[0] == 2


def test_an_exported_invoice_is_checked_by_its_file_alone(
    run: Run,
    admin: Caller,
    customer: Caller,
    caller: Callable[..., Caller],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done(admin("POST", "/v1/usage", [record("k1", value="3")]))
    address = f"/v1/invoices/{CYCLE}/export"
    assert caller("organization", "globex")("GET", address).status_code == 404
    file, heads = tmp_path / "invoice.ndjson", tmp_path / "heads.json"
    file.write_bytes(customer("GET", address).get_data())
    heads.write_text(json.dumps(done(customer("GET", CHAIN))))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert run("verify-export", str(file), "--from-head", str(heads))[0] == 0
    first, *rest = file.read_text().splitlines()
    invoice = json.loads(first)
    invoice["invoice"]["lines"][0]["amount"] += 1
    file.write_text("\n".join([json.dumps(invoice), *rest]))
    status, told, _ = run("verify-export", str(file))
    assert (status, "does NOT hold" in told, "the digest says" in told) == (1, True, True)
    file.write_text("{}")
    assert run("verify-export", str(file))[0] == 2


def test_a_month_that_is_not_issued_is_not_archived(run: Run, acme: str, tmp_path: Path) -> None:
    month = CYCLE.partition(".")[2][:7]
    status, _, why = run("archive", "--month", month, "--to", str(tmp_path))
    assert (status, CYCLE in why) == (2, True)
    lost = tmp_path / f"events-{month}.ndjson.gz"
    lost.write_bytes(b"")
    assert run("restore-archive", str(lost))[0] == 2
