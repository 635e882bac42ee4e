""" "Was this bill clear?", asked under every issued invoice."""

from typing import Any

from flask import redirect, request

from api.context import now, wired
from api.endpoint import principal
from api.pages.billing.frame import CUSTOMERS, INVOICE, require_own
from api.pages.billing.invoices import invoice_page
from api.pages.page import page, say
from domain.errors import InvalidInput

ANSWERS = {"yes": True, "no": False}


@page(f"{INVOICE}/feedback", roles=CUSTOMERS, method="POST")
def billing_feedback(organization: str, cycle: str) -> Any:
    """Keep an answer. The last one of each person counts."""
    require_own(organization, cycle)
    values = request.form.to_dict()
    clear, comment = ANSWERS.get(values.get("clear", "")), values.get("comment", "")
    if clear is None:
        errors = {"clear": "Choose yes or no."}
        return invoice_page(organization, cycle, values, errors), 422
    try:
        wired().feedback.give(
            cycle, clear, comment if comment.strip() else None, actor=principal().actor, at=now()
        )
    except InvalidInput:
        errors = {"comment": "Write at most 2,000 characters."}
        return invoice_page(organization, cycle, values, errors), 422
    say("Thank you for telling us.")
    return redirect(f"/billing/{organization}/invoices/{cycle}#clear", 303)
