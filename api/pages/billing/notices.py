"""What the customer should know, newest first, and who is told of it by e-mail."""

from typing import Any

from flask import redirect, request

from api.auth import READERS
from api.context import wired
from api.endpoint import principal
from api.pages.billing.frame import CUSTOMERS, ROOT, asked_number, framed
from api.pages.billing.notice_words import notice_words
from api.pages.page import page, say
from application.notices import SUBJECTS

NOTICES = f"{ROOT}/notices"
LIMIT = 30

SUBJECT_WORDS = {
    "billing": "Invoices and payments",
    "alerts": "Spend alerts",
    "cases": "Answers to reported problems",
    "trouble": "Trouble on our side",
}
"""What members can choose to be told of by e-mail."""


@page(NOTICES, roles=READERS)
def billing_notices(organization: str) -> str:
    """What happened, and which member is told of what."""
    who = wired().registration.get(organization)
    found = wired().notices.list(
        organization=organization,
        reader=principal().actor,
        before=asked_number("before"),
        limit=LIMIT + 1,
    )
    shown, choices = found[:LIMIT], wired().mail_choices
    return framed(
        "notices.html",
        organization,
        who,
        notices=[(each, notice_words(each)) for each in shown],
        unread=wired().notices.unread(organization, principal().actor),
        before=shown[-1].number if len(found) > LIMIT else None,
        subjects=SUBJECT_WORDS,
        choices={each.user: choices.get(organization, each.user) for each in who.members},
    )


@page(f"{NOTICES}/read", roles=CUSTOMERS, method="POST")
def billing_read_notices(organization: str) -> Any:
    """Note that these have been read."""
    wired().registration.get(organization)
    wired().notices.read(organization, principal().actor, asked_number("up_to") or 0)
    return redirect(f"/billing/{organization}/notices", 303)


@page(f"{ROOT}/members/<path:user>/notifications", roles=CUSTOMERS, method="POST")
def billing_notifications(organization: str, user: str) -> Any:
    """Say what a member is told of by e-mail."""
    chosen = set(request.form.getlist("subject"))
    wired().mail_choices.put(organization, user, {name: name in chosen for name in SUBJECTS})
    say(f"{user} is told of what you chose.")
    return redirect(f"/billing/{organization}/notices#mail", 303)
