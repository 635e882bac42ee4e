"""Files of usage records at the command line: each line once, and each bad one named."""

import json
from pathlib import Path

import pytest

from tests.api.conftest import Run, day
from tests.api.test_usage import record


def test_usage_is_imported_from_csv_and_ndjson_once(run: Run, acme: str, tmp_path: Path) -> None:
    lines = tmp_path / "usage.ndjson"
    lines.write_text("\n".join(json.dumps(record(f"k{number}")) for number in range(3)))
    assert json.loads(run("import-usage", str(lines), "--json")[1]) == {
        "accepted": 3,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "quarantined": 0,
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
    assert [each["line"] for each in answer["items"]] == [3, 4]
    assert run("import-usage", str(tmp_path / "usage.ndjson"))[1].startswith("3 duplicate")


HEADER = b"source,id,organization,meter,value,occurred_at,attachment,properties.region"


def row(identity: str, more: str = "") -> bytes:
    return f"\nfra-7,{identity},acme,cpu,1,{day(4, 10)},a1,fra{more}".encode()


@pytest.mark.parametrize(
    ("name", "content", "accepted", "refused"),
    [
        pytest.param("u.csv", b"\xef\xbb\xbf" + HEADER + row("k1"), 1, [], id="Excel's mark"),
        pytest.param(
            "u.ndjson", b"\xef\xbb\xbf" + json.dumps(record("k1")).encode(), 1, [], id="marked JSON"
        ),
        pytest.param(
            "u.csv",
            HEADER + row("k1") + b"\nfra-7,k\xff2,acme" + row("k3"),
            2,
            [(3, "is not UTF-8")],
            id="one row is not UTF-8",
        ),
        pytest.param(
            "u.ndjson",
            b"\xff\n" + json.dumps(record("k1")).encode() + b"\nnot json\nNaN",
            1,
            [(1, "is not UTF-8"), (3, "is not JSON"), (4, "is not JSON")],
            id="lines that are no JSON",
        ),
        pytest.param(
            "u.csv",
            HEADER + row("k1", ",5") + row("k2", ",,") + row("k3"),
            2,
            [(2, "has more columns than the header names")],
            id="surplus columns",
        ),
        pytest.param("u.csv", HEADER + b",,\n" + row("k1", ",,"), 1, [], id="empty columns"),
        pytest.param(
            "u.csv",
            HEADER + row("k1", "x" * 140_000) + row("k2"),
            1,
            [(2, "field larger than field limit (131072)")],
            id="an endless cell",
        ),
        pytest.param("u.csv", b"", 0, [], id="nothing at all"),
    ],
)
def test_only_the_lines_that_cannot_be_read_are_refused(
    run: Run,
    acme: str,
    tmp_path: Path,
    name: str,
    content: bytes,
    accepted: int,
    refused: list[tuple[int, str]],
) -> None:
    (tmp_path / name).write_bytes(content)
    status, told, _ = run("import-usage", str(tmp_path / name), "--json")
    answer = json.loads(told)
    assert [(each["line"], each["detail"]) for each in answer["items"]] == refused
    assert (status, answer["accepted"]) == (bool(refused), accepted)
    assert answer["rejected"] == len(refused)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEADER.replace(b"meter", b"metre"), "it lacks 'meter'; it names no field with 'metre'"),
        (HEADER.replace(b",", b";"), "separate the columns by commas, not by semicolons"),
        (HEADER.replace(b"attachment", b"value"), "it has twice 'value'"),
        (b"\xff" + HEADER, "line 1 is not UTF-8"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_once(
    run: Run, acme: str, tmp_path: Path, header: bytes, told: str
) -> None:
    file = tmp_path / "usage.csv"
    file.write_bytes(header + row("k1") + row("k2"))
    status, shown, errors = run("import-usage", str(file))
    assert (status, shown, told in errors) == (2, "", True), errors


def test_a_file_without_records_is_called_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(HEADER)
    told = run("import-usage", str(tmp_path / "usage.csv"))[:2]
    assert told == (0, "the file holds no usage records\n")
