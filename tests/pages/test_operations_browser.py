"""The operations page in a window: accessible, on a telephone, refreshed, and without scripts.

Makes ``ops-...``: rows of queues, dead letters and messages of that name.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from adapters.postgres.database import Database
from application.schedule_ports import LoopSeen
from tests.pages.stage import Open, Stage
from tests.pages.troubles import (
    CYCLE,
    PATH,
    WORKER,
    dead_letter,
    failed_message,
    mail_given_up,
    park,
)


@pytest.fixture(scope="module")
def database(stage: Stage) -> Iterator[Database]:
    with closing(Database(stage.wired.settings.database_url or "", size=2)) as found:
        yield found


@pytest.fixture
def troubled(stage: Stage, database: Database) -> Iterator[None]:
    """A bit of everything."""
    trouble = LoopSeen(name="mail", steps=1, failures=2, problem="the mail server is away")
    stage.wired.scheduling.crew.beat(WORKER, ["project", "sync", "schedule", "notify"], [trouble])
    park(stage, database, why="customer_gone: the customer was deleted at Stripe: link another")
    failed_message(stage, database, "evt_ops9", "stripe_away: Stripe does not answer")
    letter = dead_letter(database, '{"meter": "egress", "value": "x"}')
    mail = mail_given_up(database)
    yield
    stage.wired.mails.drop([mail], "a test", actor="test")
    stage.wired.dead_letters.drop([letter], "a test", actor="test")
    stage.wired.sync_queue.retry_parked()
    with database.connection() as connection:
        connection.execute("DELETE FROM webhook_inbox WHERE event_id = 'evt_ops9'")
    stage.wired.scheduling.crew.leave(WORKER)


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(open_window: Open, scheme: str) -> None:
    visit = open_window(color_scheme=scheme)
    visit.sign_in(name="carol", role="admin")
    visit.go(PATH)
    visit.shoot(f"operations-{scheme}")
    visit.assert_accessible()


@pytest.mark.usefixtures("troubled")
def test_it_is_readable_on_a_telephone(open_window: Open) -> None:
    visit = open_window(viewport={"width": 390, "height": 844})
    visit.sign_in()
    page = visit.go(PATH)
    visit.shoot("operations-narrow")
    visit.assert_accessible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.usefixtures("troubled")
def test_a_refresh_leaves_focus_and_what_is_typed(
    stage: Stage, database: Database, open_window: Open
) -> None:
    visit = open_window()
    visit.sign_in()
    page = visit.go(PATH)
    reason = page.get_by_label("Reason")
    reason.fill("the clock of fra-7")
    box = page.get_by_role("checkbox").first
    box.check()
    reason.focus()
    stage.wired.sync_queue.retry_parked()

    expect(page.get_by_role("button", name=f"Retry the sync of {CYCLE}")).to_have_count(
        0, timeout=20_000
    )

    expect(reason).to_be_focused()
    expect(reason).to_have_value("the clock of fra-7")
    expect(box).to_be_checked()


def test_it_can_be_kept_still(open_window: Open) -> None:
    visit = open_window()
    visit.sign_in()
    page = visit.go(PATH)

    page.get_by_role("link", name="Stop that").click()

    expect(page.get_by_role("link", name="Refresh every 5 seconds")).to_be_visible()
    assert page.locator("[hx-get]").count() == 0


def test_without_scripts_it_works_as_well(
    stage: Stage, database: Database, open_window: Open
) -> None:
    park(stage, database)
    visit = open_window(java_script_enabled=False)
    visit.sign_in()
    page = visit.go(PATH)

    page.get_by_role("button", name=f"Retry the sync of {CYCLE}").click()

    expect(page.get_by_text("1 sync will be tried again at once.")).to_be_visible()
