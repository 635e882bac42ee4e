"""What somebody should look at: judged by ages and numbers, the urgent first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.concerns import concerns
from application.mail_server import MailOutage
from application.projector import Lag
from application.vitals import ESSENTIAL_ROLES, WAITING, Budget, Counted, Vitals, Waiting

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
WELL = Vitals(
    counted=Counted(
        at=NOW,
        waiting={name: Waiting() for name in WAITING},
        workers=dict.fromkeys(ESSENTIAL_ROLES, 1),
    ),
    lag=Lag(position=7, last=7, age=timedelta()),
    chain=Lag(position=7, last=7, age=timedelta()),
    budget=Budget(used=3, allowed=25, full=25),
    sync_interval=timedelta(minutes=15),
)


def waiting(name: str, count: int, age: timedelta = timedelta()) -> Vitals:
    """All is well, but for so many that wait."""
    some = Waiting(count=count, oldest=NOW - age)
    return replace(
        WELL, counted=replace(WELL.counted, waiting={**WELL.counted.waiting, name: some})
    )


def test_where_all_is_well_nobody_has_to_look() -> None:
    assert concerns(WELL) == []


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        pytest.param(waiting("syncs", 9_000, minutes(70)), [], id="a long queue that moves"),
        pytest.param(waiting("syncs_due", 500, minutes(4)), [], id="many due, none for long"),
        pytest.param(
            waiting("syncs", 1, minutes(90)),
            ["A draft has not been proved equal to the books for 1 hour"],
            id="one draft out of step for long",
        ),
        pytest.param(
            waiting("syncs_due", 1, minutes(6)),
            ["A sync is due, and waits for 6 minutes"],
            id="due",
        ),
        pytest.param(waiting("syncs_parked", 1), ["1 sync was given up"], id="one given up"),
        pytest.param(waiting("syncs_parked", 2), ["2 syncs were given up"], id="two given up"),
        pytest.param(
            waiting("closings_due", 1, minutes(60 * 50)),
            ["A cycle should have gone on for 2 days"],
            id="not closed",
        ),
        pytest.param(waiting("webhooks", 3, minutes(1)), [], id="webhooks on their way"),
        pytest.param(waiting("held", 3), [], id="held on purpose"),
        pytest.param(
            replace(WELL, lag=Lag(position=2, last=7, age=minutes(2))),
            ["Lists are 2 minutes and 5 events behind the log"],
            id="lag",
        ),
        pytest.param(
            replace(WELL, budget=replace(WELL.budget, away="Stripe is left alone")),
            ["Stripe is left alone"],
            id="away",
        ),
        pytest.param(
            replace(WELL, late=["audit"], ill=["catch_up"]),
            ["Schedules late: audit; did not end well: catch_up"],
            id="schedules",
        ),
        pytest.param(
            replace(WELL, counted=replace(WELL.counted, workers={"sync": 2})),
            ["No worker does this: project, schedule, notify"],
            id="workers",
        ),
        pytest.param(
            replace(WELL, needed=[*ESSENTIAL_ROLES, "intake"]),
            ["No worker does this: intake"],
            id="nobody takes what comes by messages",
        ),
        pytest.param(
            replace(WELL, chain=Lag(position=2, last=7, age=minutes(6))),
            ["The hash chain is 6 minutes and 5 events behind"],
            id="chain",
        ),
        pytest.param(
            replace(
                waiting("mails_due", 3, minutes(40)),
                mail_outage=MailOutage(since=NOW - minutes(41), reason="no answer"),
            ),
            ["No e-mail goes out for 41 minutes: no answer"],
            id="the mail server is away, and that is said once",
        ),
        pytest.param(
            waiting("mails_due", 3, minutes(40)),
            ["Somebody should have been told for 40 minutes"],
            id="e-mails wait, and nobody knows why",
        ),
        pytest.param(waiting("mails_due", 900, minutes(20)), [], id="e-mails on their way"),
        pytest.param(waiting("mails_failing", 1, minutes(900)), [], id="a mailbox that is full"),
        pytest.param(waiting("mails_given_up", 1), ["1 e-mail was given up"], id="given up"),
    ],
)
def test_what_is_said(vitals: Vitals, said: list[str]) -> None:
    assert [each.words for each in concerns(vitals)] == said


def test_the_urgent_is_first() -> None:
    found: Any = replace(waiting("quarantined", 1), late=["audit"])
    found = replace(found, lag=Lag(position=0, last=7, age=minutes(2)))

    assert [each.urgent for each in concerns(found)] == [True, False, False]
