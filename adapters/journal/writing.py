"""What each write does to the journal's rows. One transaction carries out one write."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from adapters.journal.held import Refused
from adapters.journal.issued import Form, Issued
from adapters.journal.requests import CUSTOMERS, INVOICES, NOTES
from application.gateway import StripeCall
from application.refusals import CUSTOMER_GONE

_CUSTOMER = """
    INSERT INTO journal_customer (id, organization, name, email) VALUES (%s, %s, %s, %s)
    ON CONFLICT (organization) DO UPDATE SET name = excluded.name, email = excluded.email
    RETURNING id
"""
_DRAFT = """
    INSERT INTO journal_invoice
        (id, customer, currency, cycle, revision, plan, method, days_until_due, made_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LINE = """
    INSERT INTO journal_line (id, invoice, key, amount, starts, ends, description)
    VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (invoice, key) DO NOTHING
"""
_CHANGED = """
    UPDATE journal_line SET amount = %s, starts = %s, ends = %s, description = %s
    WHERE invoice = %s AND id = %s
"""
_MARKED = """
    UPDATE journal_invoice SET cycle = %s, revision = %s, plan = %s, digest = %s WHERE id = %s
"""


class Writing(Issued):
    """One write, within a transaction."""

    def carry_out(self, call: StripeCall) -> str:
        """Do what a call says; the id of what it is about.

        Raises:
            Refused: it cannot be done; whatever was written has to be taken back.
        """
        form = call.parameters
        if call.endpoint.startswith(CUSTOMERS):
            return self._customer(call.endpoint.removeprefix(CUSTOMERS).strip("/"), form)
        if call.endpoint == NOTES:
            return self.credit(form)
        invoice, _, what = call.endpoint.removeprefix(INVOICES).strip("/").partition("/")
        if not invoice:
            return self._create(form)
        if call.method == "delete":
            self.draft(invoice)
            self.rows.execute("DELETE FROM journal_invoice WHERE id = %s", [invoice])
            return invoice
        self._on_invoice(what)(invoice, form)
        return invoice

    def _on_invoice(self, what: str) -> Callable[[str, Form], None]:
        return {
            "update": self._update,
            "add_lines": self._add,
            "update_lines": self._change,
            "remove_lines": self._remove,
            "finalize": self.finalize,
            "void": self.void,
            "mark_uncollectible": self.give_up,
        }[what]

    def _customer(self, customer: str, form: Form) -> str:
        owner = form["organization"] or None
        if customer:
            query = "UPDATE journal_customer SET organization = %s WHERE id = %s"
            self.rows.execute(query, [owner, customer])
            return customer
        values = [self.made("jc"), owner, form.get("name", ""), form.get("email", "")]
        row = self.rows.execute(_CUSTOMER, values).fetchone()
        assert row is not None
        return str(row[0])

    # Drafts

    def _create(self, form: Form) -> str:
        _require_no_tax(form)
        found = "SELECT 1 FROM journal_customer WHERE id = %s"
        if not self.rows.execute(found, [form["customer"]]).fetchone():
            message = f"there is no customer {form['customer']}: link the organization to another"
            raise Refused(message, CUSTOMER_GONE)
        made, (method, days) = self.made("ji"), _terms(form)
        whose = [form["customer"], form["currency"], form["cycle"], form["revision"], form["plan"]]
        self.rows.execute(_DRAFT, [made, *whose, method, days, self.now])
        return made

    def _update(self, invoice: str, form: Form) -> None:
        _require_no_tax(form)
        self.draft(invoice)
        query = "UPDATE journal_invoice SET method = %s, days_until_due = %s WHERE id = %s"
        self.rows.execute(query, [*_terms(form), invoice])

    def _add(self, invoice: str, form: Form) -> None:
        self.draft(invoice)
        for each in json.loads(form["lines"]):
            values = [self.made(f"jl/{each['key']}"), invoice, each["key"], *_amounts(each)]
            if not self.rows.execute(_LINE, values).rowcount:
                raise Refused(f"{invoice} has a line {each['key']} already", "line_exists")
        self._mark(invoice, form)

    def _change(self, invoice: str, form: Form) -> None:
        self.draft(invoice)
        for each in json.loads(form["lines"]):
            values = [*_amounts(each), invoice, each["id"]]
            _require_found(self.rows.execute(_CHANGED, values).rowcount, each["id"])
        self._mark(invoice, form)

    def _remove(self, invoice: str, form: Form) -> None:
        self.draft(invoice)
        for each in json.loads(form["lines"]):
            query = "DELETE FROM journal_line WHERE invoice = %s AND id = %s"
            _require_found(self.rows.execute(query, [invoice, each["id"]]).rowcount, each["id"])
        self._mark(invoice, form)

    def _mark(self, invoice: str, form: Form) -> None:
        marks = [form["cycle"], form["revision"], form["plan"], form["digest"]]
        self.rows.execute(_MARKED, [*marks, invoice])


def fingerprint(call: StripeCall) -> bytes:
    """What makes two calls the same."""
    content = json.dumps([call.method, call.endpoint, sorted(call.parameters.items())])
    return hashlib.sha256(content.encode()).digest()


def naming(key: str) -> Callable[[str], str]:
    """Names what a write makes after its key: ``prefix_`` and a hash."""

    def name(what: str) -> str:
        prefix = what.partition("/")[0]
        return f"{prefix}_{hashlib.sha256(f'{key}/{what}'.encode()).hexdigest()[:24]}"

    return name


def _terms(form: Form) -> tuple[str, int | None]:
    return form["method"], int(form["days_until_due"]) if form["days_until_due"] else None


def _require_no_tax(form: Form) -> None:
    if form["automatic_tax"]:
        message = "nobody computes tax here: switch the policy automatic_tax off"
        raise Refused(message, "no_tax")


def _require_found(count: int, line: str) -> None:
    if not count:
        raise Refused(f"there is no line {line}", "resource_missing", 404)


def _amounts(line: Mapping[str, Any]) -> list[object]:
    return [line["amount"], line["starts"], line["ends"], line["description"]]
