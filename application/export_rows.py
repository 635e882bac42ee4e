"""The kinds of rows in an organization's export, and what each says."""

Cell = str | int | bool | None
Row = dict[str, Cell]

COLUMNS: dict[str, tuple[str, ...]] = {
    kind: ("organization", *names.split())
    for kind, names in {
        "organization": "name currency time_zone anchor_day policies stripe_customer",
        "member": "user email role",
        "credit": "credit currency amount applied expired remaining reason granted_at expires_at",
        "credit_use": "cycle credit amount",
        "alert": "alert of currency amount percent budget",
        "alert_reached": "cycle alert times reached_at",
        "invoice": (
            "cycle status currency starts ends subtotal total tax amount_due amount_paid number"
            " issued_at due_at digest stripe_invoice"
        ),
        "invoice_line": (
            "cycle line kind description quantity unit amount unrounded_amount currency starts ends"
            " price attachment corrects"
        ),
        "detached_cycle": (
            "cycle month status currency starts ends total number issued_at stripe_invoice sha256"
            " detached_at"
        ),
        "outcome": "cycle what at amount currency reference reason",
        "imported_invoice": (
            "stripe_invoice customer number status currency starts ends issued_at subtotal discount"
            " tax total amount_paid"
        ),
        "imported_line": (
            "stripe_invoice line description quantity amount currency starts ends product price"
            " proration tax"
        ),
        "case": "case status cycle line amount currency reported_at resolved_at",
        "case_entry": "case at actor what text",
        "feedback": "cycle actor clear comment at",
        "notice": "notice kind cycle at data",
        "mail_choice": "user subject wanted",
        "mail": "mail user notice status attempts error made_at",
        "usage_record": ("cycle source id meter attachment value occurred_at properties position"),
        "quarantined_record": (
            "id record code detail actor received_at status resolved_at resolution resolved_by"
        ),
        "usage_conflict": "id cycle received received_at",
        "event": "position stream stream_name version topic recorded_at occurred_at actor body",
        "change_request": (
            "change_request operation path query body asked_by asked_at amount currency decision"
            " decided_at decided_by reason"
        ),
        "discrepancy": "discrepancy cycle kind line ours theirs invoice since",
        "reconciliation_finding": (
            "reconciliation number asked_at kind severity cycle currency invoice ours theirs cents"
            " detail repaired"
        ),
        "webhook_endpoint": "endpoint host description kinds enabled made_at",
        "webhook_delivery": (
            "delivery endpoint notice status attempts tried_at answer error made_at"
        ),
        "api_key": "key role name created_at last_used_at expires_at revoked_at",
    }.items()
}
"""What each kind of row says, in order. Instants in UTC, amounts in minor units."""

PERSONAL = frozenset({"member", "case_entry", "feedback", "mail_choice", "mail", "change_request"})
"""Kinds of rows with data about persons: addresses, and what people chose and wrote."""

STAFF = frozenset(
    {
        "mail",
        "quarantined_record",
        "usage_conflict",
        "change_request",
        "discrepancy",
        "reconciliation_finding",
        "webhook_endpoint",
        "webhook_delivery",
        "api_key",
    }
)
"""Kinds of rows that customers do not get: how the service is run."""
