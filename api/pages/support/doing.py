"""The forms of the support console: one pair of addresses for each kind of thing."""

from typing import Any

from api.auth import STAFF
from api.pages.actions import form, submitted
from api.pages.page import page
from api.pages.support.on_cases import ON_CASES, ON_DISCREPANCIES
from api.pages.support.on_invoices import ON_INVOICES
from api.pages.support.on_organizations import ON_ORGANIZATIONS
from api.pages.support.places import (
    case_place,
    discrepancy_place,
    invoice_place,
    organization_place,
)

ON_ORGANIZATION = "/support/organizations/<organization>/do/<action>"
ON_INVOICE = "/support/invoices/<cycle>/do/<action>"
ON_CASE = "/support/cases/<case>/do/<action>"
ON_DISCREPANCY = "/support/discrepancies/<discrepancy>/do/<action>"


@page(ON_ORGANIZATION, roles=STAFF)
def organization_form(organization: str, action: str) -> Any:
    """What to do about an organization."""
    return form(ON_ORGANIZATIONS, action, organization_place(organization))


@page(ON_ORGANIZATION, roles=STAFF, method="POST")
def change_organization(organization: str, action: str) -> Any:
    """Do it, or show its effect."""
    return submitted(ON_ORGANIZATIONS, action, organization_place(organization))


@page(ON_INVOICE, roles=STAFF)
def invoice_form(cycle: str, action: str) -> Any:
    """What to do about an invoice."""
    return form(ON_INVOICES, action, invoice_place(cycle))


@page(ON_INVOICE, roles=STAFF, method="POST")
def change_invoice(cycle: str, action: str) -> Any:
    """Do it, or show its effect."""
    return submitted(ON_INVOICES, action, invoice_place(cycle))


@page(ON_CASE, roles=STAFF)
def case_form(case: str, action: str) -> Any:
    """What to do about a case."""
    return form(ON_CASES, action, case_place(case))


@page(ON_CASE, roles=STAFF, method="POST")
def change_case(case: str, action: str) -> Any:
    """Do it, or show its effect."""
    return submitted(ON_CASES, action, case_place(case))


@page(ON_DISCREPANCY, roles=STAFF)
def discrepancy_form(discrepancy: str, action: str) -> Any:
    """What to do where Stripe differs."""
    return form(ON_DISCREPANCIES, action, discrepancy_place(discrepancy))


@page(ON_DISCREPANCY, roles=STAFF, method="POST")
def change_discrepancy(discrepancy: str, action: str) -> Any:
    """Do it, or show its effect."""
    return submitted(ON_DISCREPANCIES, action, discrepancy_place(discrepancy))
