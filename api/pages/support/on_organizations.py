"""What support does about an organization: items, credits, discounts, attachments, usage."""

from typing import Any

from api.pages.action import Action, Values
from api.pages.support.effects import correcting, rehearsed
from api.pages.typed import Field

REASON = Field(
    name="reason",
    label="Reason",
    kind="words",
    required=True,
    help="Why. It stands in the story for good.",
)
WHY = Field(name="reason", label="Reason", kind="words", help="Why. It stands in the story.")
TOLD_REASON = Field(
    name="reason",
    label="Reason",
    kind="words",
    required=True,
    help="Why. The customer reads it on the invoice, and it stands in the story for good.",
)
AT = Field(name="at", label="From when on", kind="instant", help="Empty: now.")
ATTACHMENT = Field(
    name="attachment",
    label="Attachment",
    kind="choice",
    choices="attachments",
    required=True,
    place=True,
)
QUANTITY = Field(name="quantity", label="Quantity", kind="exact", required=True)
RECORD = (
    Field(name="source", label="Source", required=True, help="As the usage record has it."),
    Field(name="id", label="Id of the usage record", required=True),
)


def _retraction(values: Values) -> list[dict[str, Any]]:
    return [{"action": "retract", **values}]


def _reversion(values: Values) -> list[dict[str, Any]]:
    return [{"action": "revert", **values}]


def _correction(values: Values) -> list[dict[str, Any]]:
    return [{"action": "correct", **values}]


def _name(what: str) -> Field:
    return Field(
        name=what,
        label="Name",
        help="It stands on the invoice: small letters, digits, - and _. Empty: one is made.",
    )


CURRENCY = Field(name="currency", label="Currency", kind="currency")

_ALL = (
    Action(
        name="item",
        op="add_item",
        title="Add a one-off item",
        help="An amount of its own line, on the invoice that its instant falls into.",
        fields=(
            Field(
                name="description",
                label="Description",
                required=True,
                help="The customer reads it on the invoice.",
            ),
            Field(name="amount", label="Amount", kind="amount", required=True),
            CURRENCY,
            Field(name="at", label="Dated", kind="instant", help="Empty: now."),
            Field(name="tax_code", label="Stripe's tax code", help="Empty: the account's own."),
            REASON,
        ),
        identity="item",
        tell=rehearsed,
    ),
    Action(
        name="credit",
        op="grant_credit",
        title="Grant a credit",
        help="It is taken off this invoice and coming ones, until it is used up.",
        fields=(
            _name("credit"),
            Field(name="amount", label="Amount", kind="amount", required=True),
            CURRENCY,
            Field(name="expires_at", label="Expires", kind="instant", help="Empty: never."),
            TOLD_REASON,
        ),
        identity="credit",
        tell=rehearsed,
    ),
    Action(
        name="discount",
        op="grant_discount",
        title="Grant a discount",
        help="A share, or an amount, off this invoice and coming ones. Say one of the two.",
        fields=(
            _name("discount"),
            Field(name="percent", label="Percent", kind="exact", help="Such as 10 or 12.5."),
            Field(name="amount", label="Or an amount off each invoice", kind="amount"),
            Field(
                name="prices",
                label="Only for these prices",
                kind="list",
                help="Their ids, with blanks between. Empty: all.",
            ),
            Field(
                name="cycles",
                label="For how many invoices",
                kind="whole",
                help="Empty: until somebody ends it.",
            ),
            AT,
            TOLD_REASON,
        ),
        identity="discount",
        tell=rehearsed,
    ),
    Action(
        name="end-discount",
        op="end_discount",
        title="End a discount",
        fields=(
            Field(
                name="discount",
                label="Discount",
                kind="choice",
                choices="discounts",
                required=True,
                place=True,
            ),
            AT,
            REASON,
        ),
        tell=rehearsed,
    ),
    Action(
        name="retract",
        op="correct_usage",
        title="Retract a usage record",
        help="It does not count any more. That can be reverted.",
        fields=(*RECORD, REASON),
        shape=_retraction,
        tell=correcting,
    ),
    Action(
        name="correct",
        op="correct_usage",
        title="Correct a usage record",
        help="Say what it should have been; what is left empty stays as it is.",
        fields=(
            *RECORD,
            Field(name="value", label="Right value", kind="exact"),
            Field(name="occurred_at", label="Right instant", kind="instant"),
            Field(name="attachment", label="Right attachment"),
            REASON,
        ),
        shape=_correction,
        tell=correcting,
    ),
    Action(
        name="revert",
        op="correct_usage",
        title="Revert a correction",
        help="The usage record counts as it was recorded again.",
        fields=(*RECORD, REASON),
        shape=_reversion,
        tell=correcting,
    ),
    Action(
        name="attach",
        op="attach",
        title="Attach a service",
        help="From an instant on, which may lie in the past.",
        fields=(
            Field(
                name="service", label="Service", kind="choice", choices="services", required=True
            ),
            Field(
                name="attachment",
                label="Name of the attachment",
                required=True,
                help="New here: small letters, digits, - and _.",
            ),
            Field(name="quantity", label="Quantity", kind="exact", help="Empty: 1."),
            AT,
            Field(name="trial_until", label="Trial until", kind="instant", help="Empty: none."),
            WHY,
        ),
        tell=rehearsed,
    ),
    Action(
        name="detach",
        op="detach",
        title="Detach a service",
        fields=(ATTACHMENT, AT, WHY),
        tell=rehearsed,
    ),
    Action(
        name="quantity",
        op="change_quantity",
        title="Change a quantity",
        fields=(ATTACHMENT, QUANTITY, AT, WHY),
        tell=rehearsed,
    ),
    Action(
        name="swap",
        op="swap",
        title="Swap a service",
        help="The same service takes its newest prices.",
        fields=(
            ATTACHMENT,
            Field(
                name="service",
                label="Becomes the service",
                kind="choice",
                choices="services",
                required=True,
            ),
            Field(name="quantity", label="Quantity", kind="exact", help="Empty: as it is."),
            AT,
            WHY,
        ),
        tell=rehearsed,
    ),
    Action(
        name="bill-now",
        op="bill_now",
        title="Bill now",
        help="The accruing cycle ends at an instant, and the next one goes on from there.",
        fields=(Field(name="at", label="Ends at", kind="instant", help="Empty: now."), REASON),
        tell=rehearsed,
    ),
)

ON_ORGANIZATIONS = {each.name: each for each in _ALL}
"""By their names in addresses."""
