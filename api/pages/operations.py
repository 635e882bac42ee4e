"""The operations page: how everything goes on by itself, and what of it needs somebody."""

from collections.abc import Callable
from typing import Any

from flask import g, redirect, render_template, request

from api.auth import ADMIN, ADMINS, STAFF
from api.context import now, wired
from api.endpoint import principal
from api.pages.operator_words import operator_words
from api.pages.page import page, say
from api.pages.support.cursors import whole
from api.pages.typed import reason
from application.concerns import concerns
from application.endpoints import Delivery
from application.mails import MailSeen
from application.notices import CUSTOMERS, KINDS
from application.schedule_ports import WorkerSeen
from domain.errors import CyclebookError, InvalidInput
from projections.sentences.wording import counted

HOME = "/operations"
SHOWN = 20
"""Rows of each list; the API has the rest."""

FOR_OPERATORS = tuple(name for name in KINDS if name not in CUSTOMERS and name != "invoice.updated")
"""Notices that no customer sees, and that are no matter of course."""


@page(HOME, roles=STAFF)
def operations() -> str:
    """Everything at a glance."""
    return _shown({}, {})


@page(f"{HOME}/syncs", roles=STAFF, method="POST")
def retry_syncs() -> Any:
    """Try a sync that was given up again, or all of them."""
    cycle = request.form.get("cycle") or None
    retried = wired().sync_queue.retry_parked(cycle)
    return _done(f"{counted(retried, 'sync')} will be tried again at once.")


@page(f"{HOME}/webhooks", roles=STAFF, method="POST")
def retry_messages() -> Any:
    """Handle a message of Stripe that failed again, or all of them."""
    message = request.form.get("message") or None
    return _tried(
        lambda: f"{counted(wired().inbox.retry(message), 'message')} will be handled again."
    )


@page(f"{HOME}/jobs", roles=STAFF, method="POST")
def retry_failed_job() -> Any:
    """Make a run that failed for good again."""
    job = whole(request.form.get("job", "")) or 0
    return _tried(
        lambda: f"Asked for again as job {wired().schedules.retry(job, principal().actor)}."
    )


@page(f"{HOME}/schedules", roles=STAFF, method="POST")
def run_now() -> Any:
    """Have a schedule run now."""
    schedule = request.form.get("schedule", "")

    def run() -> str:
        job = wired().schedules.run(schedule, principal().actor)
        return f"Asked a worker to run {schedule} now, as job {job}."

    return _tried(run)


@page(f"{HOME}/dead-letters", roles=STAFF, method="POST")
def settle_dead_letters() -> Any:
    """Record the chosen dead letters again, or give them up."""
    try:
        words = _settled()
    except CyclebookError as refusal:
        field = "reason" if refusal.context.get("field") == "reason" else "ids"
        typed = {"reason": request.form.get("reason", ""), "ids": request.form.getlist("ids")}
        return _shown({field: str(refusal)}, typed), 422
    return _done(words, "dead-letters")


@page(f"{HOME}/mails", roles=STAFF, method="POST")
def retry_mails() -> Any:
    """Send an e-mail that was given up again, or all of them."""
    number = whole(request.form.get("mail", ""))
    numbers = [number] if number is not None else None
    return _tried(
        lambda: f"{counted(wired().mails.retry(numbers), 'e-mail')} will be sent again at once."
    )


@page(f"{HOME}/deliveries", roles=ADMINS, method="POST")
def send_again() -> Any:
    """Send a webhook to a system of ours once more."""
    endpoint, number = request.form.get("endpoint", ""), whole(request.form.get("delivery", ""))

    def send() -> str:
        wired().endpoints.redeliver(endpoint, number or 0)
        return "It will be sent again at once."

    return _tried(send)


def _settled() -> str:
    """Carry it out; in words.

    Raises:
        InvalidInput: none is chosen, or no reason is given.
        NotFound: none of them is open any more.
    """
    ids = [each for each in map(whole, request.form.getlist("ids")) if each is not None]
    if not ids:
        raise InvalidInput("choose the letters that it is about", field="ids")
    why, actor = reason(request.form.get("reason", "")), principal().actor
    if request.form.get("step") == "drop":
        dropped = wired().dead_letters.drop(ids, why, actor=actor)
        return f"{counted(dropped, 'dead letter')} given up."
    done = wired().dead_letters.replay(ids, why, actor=actor, now=now())
    words = f"{counted(done.replayed, 'dead letter')} recorded."
    return f"{words} {done.still_dead} cannot be yet." if done.still_dead else words


def _tried(act: Callable[[], str]) -> Any:
    """Do something about a row that may be gone by now."""
    try:
        words = act()
    except CyclebookError as refusal:
        words = f"Nothing was done: {refusal}."
    return _done(words)


def _done(words: str, where: str = "content") -> Any:
    say(words)
    return redirect(f"{HOME}#{where}", 303)


def _shown(wrong: dict[str, str], typed: dict[str, Any]) -> str:
    part = request.headers.get("HX-Request") == "true"
    template = "_vitals.html" if part else "operations.html"
    values = {"wrong": wrong, "typed": typed, "still": "still" in request.args}
    return render_template(f"operations/{template}", **values, **_everything())


def _everything() -> dict[str, Any]:
    found, vitals = wired(), wired().monitoring.look()
    return {
        "shown": SHOWN,
        "vitals": vitals,
        "counted": vitals.counted,
        "concerns": concerns(vitals),
        "troubled": _troubled(),
        "unproved": found.sync_queue.list(limit=SHOWN),
        "messages": found.inbox.unhandled("", SHOWN),
        "audits": found.reconciliations.list(None, 1),
        "schedules": found.schedules.list(),
        "jobs": found.schedules.jobs()[:SHOWN],
        "workers": found.schedules.workers()[:SHOWN],
        "troubles_of": _troubles_of,
        "letters": found.dead_letters.list("open", 0, SHOWN).data,
        "mails": _mails(),
        "notices": found.notices.everything(kinds=FOR_OPERATORS, limit=SHOWN),
        "operator_words": operator_words,
        "broker": None if found.broker is None else found.broker.answers(),
        "endpoints": _endpoints() if g.principal.role == ADMIN else None,
    }


def _troubled() -> list[Any]:
    """Syncs that failed: those that were given up first."""
    queue = wired().sync_queue
    parked = queue.list(parked=True, limit=SHOWN)
    return [*parked, *queue.list(parked=False, failed_only=True, limit=SHOWN)][:SHOWN]


def _mails() -> list[MailSeen]:
    """E-mails that failed: those that were given up first."""
    mails = wired().mails
    waiting = [each for each in mails.list("waiting", limit=SHOWN) if each.error]
    return [*mails.list("given_up", limit=SHOWN), *waiting][:SHOWN]


def _troubles_of(worker: WorkerSeen) -> list[Any]:
    """The loops of a worker that fail."""
    return [each for each in worker.loops if each.failures]


def _endpoints() -> list[tuple[Any, list[Delivery]]]:
    """Every webhook endpoint with those of its newest deliveries that did not arrive."""
    store = wired().endpoints
    return [
        (each, [one for one in store.deliveries(each.id, limit=SHOWN) if _did_not_arrive(one)])
        for each in store.list()
    ]


def _did_not_arrive(delivery: Delivery) -> bool:
    return delivery.status == "given_up" or (delivery.status == "waiting" and delivery.attempts > 0)
