"""The operations page: what it shows of everything that goes on by itself, and its buttons.

Makes ``ops-...``: rows of queues, dead letters, messages and webhook endpoints of that name.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from adapters.postgres.database import Database
from adapters.postgres.sync_queue import PostgresSyncQueue
from application.schedule_ports import LoopSeen
from tests.pages.staff import csrf, registered, shown
from tests.pages.stage import Stage
from tests.pages.test_billing_xss import PAYLOADS
from tests.pages.troubles import (
    AGO,
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


def test_everything_is_on_it(stage: Stage) -> None:
    page = shown(stage.client().get(PATH).text)

    for words in ("Syncs to Stripe", "Budget in use", "Last audit", "Schedules", "catch_up"):
        assert words in page.text
    assert "No worker does this: project, sync, schedule, notify" in page.text
    assert "docs/runbooks/worker-missing.md" in page.text
    assert "Shown to colleagues with the role admin" in page.text


def test_a_refresh_is_the_same_without_its_surroundings(stage: Stage) -> None:
    part = stage.client().get(PATH, headers={"HX-Request": "true"}).text

    assert "<html" not in part
    assert "Syncs to Stripe" in part


def test_what_is_to_happen_is_never_told_as_past(stage: Stage) -> None:
    page = stage.client().get(PATH).text
    schedules = page.split('id="schedules"')[1].split('id="workers"')[0]

    coming = re.findall(r">(in \d+ \w+|in less than a minute|due now)</time>", schedules)

    assert coming, "every schedule that is on says when it runs next"


def test_what_is_not_proved_yet_leads_to_a_list(stage: Stage, database: Database) -> None:
    cycle = "0-first.2026-01-01"  # the list is by cycle, and other tests may have left more
    PostgresSyncQueue(database).mark(cycle, 1, AGO)

    page = stage.client().get(PATH).text
    listed = page.split('id="unproved"')[1].split("</section>")[0]

    assert '<a href="#unproved" aria-label="Not proved yet: see them">' in page
    assert f"/support/invoices/{cycle}/stripe" in listed
    assert "due now" in listed
    with database.connection() as connection:
        connection.execute("DELETE FROM sync_queue WHERE cycle = %s", [cycle])


def test_a_worker_that_says_so_is_at_work(stage: Stage) -> None:
    trouble = LoopSeen(name="projector", steps=1, failures=2, problem="store_unavailable: away")
    roles = ["project", "sync", "schedule", "notify"]
    stage.wired.scheduling.crew.beat(WORKER, roles, [trouble])

    page = shown(stage.client().get(PATH).text)

    assert "No worker does this" not in page.text
    assert "projector, 2 times: store_unavailable: away" in page.text
    stage.wired.scheduling.crew.leave(WORKER)


@pytest.mark.parametrize("cycle", [CYCLE, ""], ids=["one", "all"])
def test_a_sync_that_was_given_up_is_retried(stage: Stage, database: Database, cycle: str) -> None:
    park(stage, database)
    client = stage.client()
    assert "unsafe: x" in client.get(PATH).text

    done = client.post(f"{PATH}/syncs", data={"csrf": csrf(client, PATH), "cycle": cycle})

    assert done.status_code == 303
    assert "1 sync will be tried again at once." in client.get(PATH).text
    assert stage.wired.sync_queue.list(parked=True) == []


def test_a_message_that_failed_is_retried_once(stage: Stage, database: Database) -> None:
    failed_message(stage, database, "evt_ops1")
    client = stage.client()
    data = {"csrf": csrf(client, PATH), "message": "evt_ops1"}
    assert "evt_ops1" in client.get(PATH).text

    assert client.post(f"{PATH}/webhooks", data=data).status_code == 303
    assert "1 message will be handled again." in client.get(PATH).text
    gone = client.post(f"{PATH}/webhooks", data={**data, "message": "evt_nobody"})
    assert gone.status_code == 303
    assert "Nothing was done: no message evt_nobody failed." in client.get(PATH).text
    with database.connection() as connection:
        connection.execute("DELETE FROM webhook_inbox WHERE event_id = 'evt_ops1'")


def test_a_schedule_is_asked_for_by_name(stage: Stage) -> None:
    client = stage.client()
    token = csrf(client, PATH)

    client.post(f"{PATH}/schedules", data={"csrf": token, "schedule": "audit"})
    assert "Asked a worker to run audit now" in client.get(PATH).text
    client.post(f"{PATH}/schedules", data={"csrf": token, "schedule": "nothing"})
    assert "Nothing was done: there is no schedule nothing." in client.get(PATH).text
    client.post(f"{PATH}/jobs", data={"csrf": token, "job": "999999"})
    assert "Nothing was done: no job 999999 has failed." in client.get(PATH).text


def test_dead_letters_are_given_up_with_a_reason(stage: Stage, database: Database) -> None:
    letter = dead_letter(database, '{"id": "ops-letter"}')
    client = stage.client()
    data = {"csrf": csrf(client, PATH), "ids": str(letter), "step": "drop"}

    mute = client.post(f"{PATH}/dead-letters", data=data)
    assert mute.status_code == 422
    assert 'id="reason-wrong"' in mute.text
    assert re.search(rf'value="{letter}"[^>]*checked', mute.text), "the choice is kept"
    none = client.post(f"{PATH}/dead-letters", data={**data, "ids": "x", "reason": "a test"})
    assert 'id="ids-wrong"' in none.text
    assert "a test" in none.text

    assert client.post(f"{PATH}/dead-letters", data={**data, "reason": "a test"}).status_code == 303
    assert "1 dead letter given up." in client.get(PATH).text


def test_dead_letters_are_recorded_again(stage: Stage, database: Database) -> None:
    letter = dead_letter(database, "no JSON at all")
    client = stage.client()
    data = {"csrf": csrf(client, PATH), "ids": str(letter), "step": "replay", "reason": "again"}

    assert client.post(f"{PATH}/dead-letters", data=data).status_code == 303

    assert "0 dead letters recorded. 1 cannot be yet." in client.get(PATH).text
    stage.wired.dead_letters.drop([letter], "a test", actor="test")


@pytest.mark.parametrize("every", [False, True], ids=["one", "all"])
def test_an_e_mail_that_was_given_up_is_sent_again(
    stage: Stage, database: Database, every: bool
) -> None:
    mail = mail_given_up(database)
    client = stage.client()
    page = client.get(PATH).text
    assert "the mail server refused it: 550" in page and "ada of ops-mail" in page
    data = {"csrf": csrf(client, PATH), "mail": "" if every else str(mail)}

    assert client.post(f"{PATH}/mails", data=data).status_code == 303

    assert "1 e-mail will be sent again at once." in client.get(PATH).text
    gone = client.post(f"{PATH}/mails", data={**data, "mail": "999999"})
    assert gone.status_code == 303
    assert "Nothing was done: none of these e-mails was given up." in client.get(PATH).text
    stage.wired.mails.drop([mail], "a test", actor="test")


def test_webhooks_to_our_systems_are_sent_again_by_admins(stage: Stage, database: Database) -> None:
    endpoint = stage.wired.endpoints.create("https://erp.example/ops", None, "ERP", actor="test")
    delivery = stage.wired.endpoints.test(endpoint.id, datetime.now(UTC))
    with database.connection() as connection:
        connection.execute(
            "UPDATE webhook_delivery SET attempts = 3, error = 'HTTP 500' WHERE endpoint = %s",
            [endpoint.id],
        )
    admin, support = stage.client(name="carol", role="admin"), stage.client()
    data = {"endpoint": endpoint.id, "delivery": str(delivery.number)}

    assert "https://erp.example/ops" in admin.get(PATH).text
    assert "https://erp.example/ops" not in support.get(PATH).text
    refused = support.post(f"{PATH}/deliveries", data={"csrf": csrf(support, PATH), **data})
    assert refused.status_code == 403
    done = admin.post(f"{PATH}/deliveries", data={"csrf": csrf(admin, PATH), **data})
    assert done.status_code == 303
    assert "It will be sent again at once." in admin.get(PATH).text
    stage.wired.endpoints.delete(endpoint.id, actor="test")


def test_what_others_wrote_stays_text(stage: Stage, database: Database) -> None:
    letters = [dead_letter(database, f"{number} {text}") for number, text in enumerate(PAYLOADS)]
    for number, text in enumerate(PAYLOADS[:10]):
        failed_message(stage, database, f"evt_ops_x{number}", text)
    registered(stage, "ops-two")
    park(stage, database, "ops-two.2026-01-01", PAYLOADS[0])
    description = PAYLOADS[2]
    made = stage.wired.endpoints.create("https://erp.example", None, description, actor="test")

    page = shown(stage.client(name="carol", role="admin").get(PATH).text)

    scripts = {each.get("src", "")[:8] for each in page.attributes("script")}
    assert scripts == {"/static/"}
    assert not [name for _, given in page.tags for name in given if name.startswith("on")]
    assert {tag for tag, _ in page.tags} & {"iframe", "img", "svg", "math", "details"} == set()
    for text in (PAYLOADS[0], PAYLOADS[2], PAYLOADS[9]):
        assert text in page.text
    stage.wired.endpoints.delete(made.id, actor="test")
    stage.wired.dead_letters.drop(letters, "a test", actor="test")
    stage.wired.sync_queue.retry_parked()
    with database.connection() as connection:
        connection.execute("DELETE FROM webhook_inbox WHERE event_id LIKE 'evt_ops_x%'")
