"""What deploy/ holds agrees with the settings, the commands and the guide."""

import re
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from api.cli.main import COMMANDS
from api.limits import BODY_BYTES_MAX, BODY_TOO_LARGE
from api.server import GRACE_S
from api.settings import Settings
from api.worker import ROLES, STOP_WITHIN_S

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs" / "how-to" / "deploy.md").read_text("utf-8")
SETTINGS = {each.name.upper() for each in fields(Settings)}
EXAMPLE = (DEPLOY / "cyclebook.env.example").read_text("utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
COMPOSE = (DEPLOY / "compose.yml").read_text("utf-8")
NGINX = (DEPLOY / "nginx" / "cyclebook.conf").read_text("utf-8")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SOCKET = DEPLOY / "systemd" / "cyclebook-api.socket"
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "cyclebook"}
OF_PYTHON = {"PATH", "PYTHONUNBUFFERED"}

SYSTEMD = shutil.which("systemd-analyze")


def unit(file: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(file.read_text("utf-8"))
    return parser


# The environment


def test_the_example_names_settings_and_what_compose_asks_for() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.M))
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE))
    assert asked <= named and named - SETTINGS == asked - SETTINGS
    assert {"SECRET_KEY", "STRIPE_API_KEY", "DATABASE_URL", "AMQP_URL"} <= named


def test_the_example_holds_no_secret() -> None:
    secrets = {each.name.upper() for each in fields(Settings) if each.metadata["secret"]}
    filled = re.findall(r"^([A-Z_]+)=\S", EXAMPLE, re.M)
    assert secrets.intersection(filled) == set()
    kept_out = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "deploy/cyclebook.env" in kept_out, "the copy that is filled in is never committed"


# The image


def test_the_image_is_made_of_locked_wheels_whose_hashes_are_checked() -> None:
    download = re.search(r"pip download (.*)\\\n +(.*)", DOCKERFILE)
    assert download is not None
    for option in ("--require-hashes", "--no-deps", "--requirement requirements.lock"):
        assert option in download[0]
    installs = re.findall(r"pip (?!download).*install (.*)", DOCKERFILE)
    assert installs and all("--no-index" in each for each in installs)


def test_the_image_holds_every_package_and_nothing_runs_as_root() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = set(re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M))
    sources = {name for each in copied for name in each.split()}
    assert {each.rstrip("*") for each in packages} <= sources
    assert all((ROOT / each).exists() for each in sources)
    let_in = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text("utf-8"), re.M)
    assert set(let_in) == sources
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.M) == ["cyclebook"]
    assert set(re.findall(r"^(?:ENV )? *([A-Z_]{4,})=\S+ *\\?$", DOCKERFILE, re.M)) <= (
        SETTINGS | OF_PYTHON
    )
    assert "/healthz" in DOCKERFILE.partition("HEALTHCHECK")[2]


# Compose


def test_compose_has_the_services_of_the_guide() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", GUIDE, re.M)
    assert sorted(rows) == sorted(SERVICES)
    assert OURS.keys() == {"migrate", "api", "worker"}


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_told_settings_and_commands_that_exist(name: str) -> None:
    service = OURS[name]
    assert set(service["environment"]) <= SETTINGS
    assert ":?" in service["environment"]["SECRET_KEY"], "the demo's key never serves others"
    assert service["command"][0] in COMMANDS
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_services_come_back_and_hold_no_file_that_is_not_there(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        known = yaml.safe_load(COMPOSE)["volumes"]
        assert source in known or (DEPLOY / source).exists(), volume
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), "only nginx is reached from elsewhere"


def test_prometheus_reads_the_ports_that_compose_opens() -> None:
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["api:8000"]
    port = OURS["worker"]["environment"]["WORKER_METRICS_PORT"]
    assert job["dns_sd_configs"] == [{"names": ["worker"], "type": "A", "port": int(port)}]
    theirs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert (config["rule_files"], job["job_name"]) == (
        theirs["rule_files"],
        theirs["scrape_configs"][0]["job_name"],
    )


# systemd


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_units_run_commands_that_exist_with_settings_that_exist(file: Path) -> None:
    service = unit(file)["Service"]
    program, command, *arguments = service["ExecStart"].split()
    assert program.endswith("/.venv/bin/cyclebook") and command in COMMANDS
    assert set(arguments) <= {"--roles", *ROLES}
    told = {pair.partition("=")[0] for pair in service.get("Environment", "").split()}
    assert told <= SETTINGS
    assert (service["User"], service["NoNewPrivileges"]) == ("cyclebook", "yes")
    assert service["ProtectSystem"] == "strict"
    assert file.stem in GUIDE


def test_an_upgrade_restarts_one_unit_after_the_other() -> None:
    """What requires another unit is stopped with it; and nothing is killed before its time."""
    api, worker = (
        unit(DEPLOY / "systemd" / f"cyclebook-{name}.service") for name in ("api", "worker@")
    )
    for each in (api, worker):
        assert "cyclebook-migrate.service" in each["Unit"]["Wants"].split()
        assert "cyclebook-migrate" not in each["Unit"].get("Requires", "")
    assert int(api["Service"]["TimeoutStopSec"]) > GRACE_S
    assert int(worker["Service"]["TimeoutStopSec"]) > STOP_WITHIN_S
    assert {each["stop_grace_period"] for each in OURS.values()} == {"30s"} and GRACE_S < 30


def test_the_port_stays_open_where_nginx_looks_for_it() -> None:
    api = unit(DEPLOY / "systemd" / "cyclebook-api.service")
    told = dict(pair.split("=") for pair in api["Service"]["Environment"].split())
    address = f"{told['HOST']}:{told['PORT']}"
    assert unit(SOCKET)["Socket"]["ListenStream"] == address
    assert f"server {address};" in NGINX
    assert SOCKET.name in api["Unit"]["Requires"] and SOCKET.name in GUIDE
    assert told["TRUSTED_PROXIES"] == told["HOST"]


@pytest.mark.skipif(SYSTEMD is None, reason="no systemd-analyze on this machine")
@pytest.mark.parametrize(
    "check",
    [
        pytest.param(["verify"], id="every line is understood"),
        pytest.param(["security", "--offline=yes", "--threshold=20"], id="hardly any rights"),
    ],
)
def test_systemd_finds_no_fault_with_the_units(tmp_path: Path, check: list[str]) -> None:
    for file in [*UNITS, SOCKET]:
        text = file.read_text("utf-8").replace("/opt/cyclebook/.venv/bin/cyclebook", "/bin/true")
        (tmp_path / file.name).write_text(text, "utf-8")
    files = [str(tmp_path / file.name) for file in UNITS]
    done = subprocess.run(
        [str(SYSTEMD), *check, *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# nginx


def test_nginx_passes_on_what_the_api_takes_and_keeps_the_numbers_in() -> None:
    # tests/acceptance/test_nginx.py runs it, where there is an nginx.
    size = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert size is not None and int(size[1]) << 20 == BODY_BYTES_MAX
    assert BODY_TOO_LARGE in NGINX
    assert re.search(r"location ~ \^/metrics/\?\$ {\s+return 404;", NGINX)
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
    assert "server 127.0.0.1:8000;" in NGINX


# Scaling


def statements(page: str) -> list[str]:
    """The SQL of a page, one statement after the other."""
    blocks = re.findall(r"```sql\n(.*?)```", page, re.S)
    text = re.sub(r"--.*", "", "\n".join(blocks))
    return [each.strip() for each in text.split(";") if each.strip()]


def test_tables_can_be_changed_as_the_page_on_scaling_says(database_url: str) -> None:
    page = statements((ROOT / "docs" / "explanation" / "scaling.md").read_text("utf-8"))
    changes = [each for each in page if "organization" in each and "create_" not in each]
    spread = {name for each in page if "create_distributed_table" in each for name in names(each)}
    assert len(changes) > len(spread) > 20  # none is read over
    with psycopg.connect(database_url) as connection:
        for each in page:
            if each in changes or each.startswith("DROP INDEX"):
                connection.execute(each.encode())
        keys = connection.execute(UNIQUE_KEYS, [list(spread)]).fetchall()
        everywhere = {name for each in page if "reference_table" in each for name in names(each)}
        known = connection.execute(TABLES, [[*spread, *everywhere]]).fetchall()
        connection.rollback()
    assert {name for (name,) in known} == spread | everywhere
    assert [each for each in keys if "organization" not in each[1]] == []


UNIQUE_KEYS = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique AND c.relname = ANY(%s)
"""
TABLES = "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind::text IN ('r', 'p')"


def names(statement: str) -> list[str]:
    """The names of tables in it."""
    listed = statement.partition("ARRAY[")[2] or statement.partition("(")[2].partition(",")[0]
    return re.findall(r"'([a-z_]+)'", listed)
