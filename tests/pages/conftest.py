"""The demo on a stage, played once for all tests of pages in a process, and a browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.databases import migrated_database
from tests.pages.staff import call, issued, registered
from tests.pages.stage import Open, Stage, set_up, visiting

SHOTS = "CYCLEBOOK_SHOTS"
"""Where pictures of pages are kept; by default in pytest's folder for temporary files."""


@pytest.fixture(scope="session")
def stage(embedded_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    url = migrated_database(embedded_server, f"pages_{worker}")
    home = tmp_path_factory.mktemp("pages")
    shots = Path(os.environ.get(SHOTS) or home / "shots")
    shots.mkdir(parents=True, exist_ok=True)
    with set_up(url, home, shots) as stage:
        yield stage


@pytest.fixture(scope="session")
def acting(stage: Stage) -> str:
    """An organization whose first invoice is issued: 100.00 for one item; one service runs.

    Support's forms change it.
    """
    organization = registered(stage, "act-one")
    first = stage.wired.books.cycle_names(organization)[0]
    begun = stage.wired.invoices.get(first).invoice.period.start.isoformat()
    item = {
        "item": "first",
        "description": "Set-up",
        "amount": 10_000,
        "currency": "usd",
        "at": begun,
        "reason": "agreed",
    }
    path = f"/v1/organizations/{organization}"
    call(stage, "POST", f"{path}/items", item)
    attached = {"attachment": "db", "service": "database", "at": begun}
    call(stage, "POST", f"{path}/attachments", attached)
    issued(stage, organization)
    return organization


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, or Chrome, headless."""
    program = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    as_root = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=as_root)
        yield browser
        browser.close()


@pytest.fixture
def open_window(stage: Stage, browser: Browser) -> Iterator[Open]:
    """Opens windows; after the test nothing may have gone wrong in them."""
    with ExitStack() as windows:
        yield lambda **options: windows.enter_context(visiting(stage, browser, **options))
