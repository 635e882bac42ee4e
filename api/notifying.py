"""A worker's part in notices: webhooks and e-mails go out, and changed invoices are told of."""

from collections.abc import Callable
from datetime import timedelta

from api.wiring import Wired, clock
from application.duties import Duty, Scheduler
from application.worker import Loop, every

WEBHOOK_THREADS = 4
"""Deliveries at once; the first thread is kept for endpoints that answer."""

LOOK_FOR_NOTICES_EVERY = timedelta(milliseconds=500)
LOOK_FOR_MAIL_EVERY = timedelta(seconds=1)
LOOK_FOR_UPDATES_EVERY = timedelta(seconds=2)


def notify_loops(wired: Wired) -> list[Loop]:
    """The loops of the role ``notify``."""
    found = [
        Loop(
            f"webhooks out {number}",
            _deliver(wired, steady=number == 1),
            every(LOOK_FOR_NOTICES_EVERY),
        )
        for number in range(1, WEBHOOK_THREADS + 1)
    ]
    mailing = wired.notifying.mailing
    if mailing is not None:
        found.append(Loop("mail", lambda: mailing.step(clock()), every(LOOK_FOR_MAIL_EVERY)))
    links = wired.notifying.sending_links
    if links is not None:
        found.append(Loop("sign-in mail", lambda: links.step(clock()), every(LOOK_FOR_MAIL_EVERY)))
    known = notice_duties(wired)
    step, parts = Scheduler(known, clock).step, [each.health for each in known]
    found.append(Loop("notices", step, every(LOOK_FOR_NOTICES_EVERY), parts=parts))
    return found


def notice_duties(wired: Wired) -> list[Duty]:
    """What has to be looked at within seconds; all else is a schedule (``api/sweeps.py``)."""
    updates = wired.notifying.updates.run
    return [Duty(name="invoice updates", every=LOOK_FOR_UPDATES_EVERY, run=updates)]


def _deliver(wired: Wired, *, steady: bool) -> Callable[[], bool]:
    return lambda: wired.notifying.delivering.step(clock, steady=steady)
