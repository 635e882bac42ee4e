"""The endpoints of Stripe's that the sandbox has: who answers, and which parameters there are."""

from typing import TypedDict

import stripe.params as shapes
from stripe.params.billing_portal import SessionCreateParams

from adapters.sandbox import (
    balance,
    credit_notes,
    customers,
    events,
    invoice_items,
    invoices,
    issuing,
    lines,
    payments,
    portal,
    products,
    refunds,
    search,
    subscriptions,
    taken_back,
)
from adapters.sandbox.door import Route


class NoParams(TypedDict):
    """An endpoint without parameters."""


ROUTES: tuple[Route, ...] = (
    ("POST", "/v1/customers", customers.create, shapes.CustomerCreateParams),
    ("GET", "/v1/customers", customers.every, shapes.CustomerListParams),
    ("GET", "/v1/customers/<id_>", customers.retrieve, shapes.CustomerRetrieveParams),
    ("POST", "/v1/customers/<id_>", customers.update, shapes.CustomerUpdateParams),
    ("DELETE", "/v1/customers/<id_>", customers.delete, NoParams),
    (
        "POST",
        "/v1/customers/<id_>/balance_transactions",
        balance.create,
        shapes.CustomerCreateBalanceTransactionParams,
    ),
    (
        "GET",
        "/v1/customers/<id_>/balance_transactions",
        balance.every,
        shapes.CustomerListBalanceTransactionsParams,
    ),
    ("POST", "/v1/billing_portal/sessions", portal.create, SessionCreateParams),
    ("POST", "/v1/products", products.create, shapes.ProductCreateParams),
    ("GET", "/v1/products", products.every, shapes.ProductListParams),
    ("GET", "/v1/products/<id_>", products.retrieve, shapes.ProductRetrieveParams),
    ("POST", "/v1/products/<id_>", products.update, shapes.ProductUpdateParams),
    ("POST", "/v1/prices", products.create_price, shapes.PriceCreateParams),
    ("GET", "/v1/prices/<id_>", products.retrieve_price, shapes.PriceRetrieveParams),
    ("POST", "/v1/subscriptions", subscriptions.create, shapes.SubscriptionCreateParams),
    ("GET", "/v1/subscriptions", subscriptions.every, shapes.SubscriptionListParams),
    ("GET", "/v1/subscriptions/<id_>", subscriptions.retrieve, shapes.SubscriptionRetrieveParams),
    ("POST", "/v1/subscriptions/<id_>", subscriptions.update, shapes.SubscriptionUpdateParams),
    ("DELETE", "/v1/subscriptions/<id_>", subscriptions.cancel, shapes.SubscriptionCancelParams),
    ("POST", "/v1/invoiceitems", invoice_items.create, shapes.InvoiceItemCreateParams),
    ("GET", "/v1/invoiceitems", invoice_items.every, shapes.InvoiceItemListParams),
    ("GET", "/v1/invoiceitems/<id_>", invoice_items.retrieve, shapes.InvoiceItemRetrieveParams),
    ("POST", "/v1/invoiceitems/<id_>", invoice_items.update, shapes.InvoiceItemUpdateParams),
    ("DELETE", "/v1/invoiceitems/<id_>", invoice_items.delete, NoParams),
    ("GET", "/v1/events", events.every, shapes.EventListParams),
    ("GET", "/v1/events/<id_>", events.retrieve, shapes.EventRetrieveParams),
    ("POST", "/v1/invoices", invoices.create, shapes.InvoiceCreateParams),
    ("GET", "/v1/invoices", invoices.every, shapes.InvoiceListParams),
    ("GET", "/v1/invoices/search", search.invoices, shapes.InvoiceSearchParams),
    ("GET", "/v1/invoices/<id_>", invoices.retrieve, shapes.InvoiceRetrieveParams),
    ("POST", "/v1/invoices/<id_>", invoices.update, shapes.InvoiceUpdateParams),
    ("DELETE", "/v1/invoices/<id_>", invoices.delete, NoParams),
    ("GET", "/v1/invoices/<id_>/lines", lines.every, shapes.InvoiceLineItemListParams),
    (
        "POST",
        "/v1/invoices/<id_>/lines/<id_>",
        lines.update_one,
        shapes.InvoiceLineItemUpdateParams,
    ),
    ("POST", "/v1/invoices/<id_>/add_lines", lines.add, shapes.InvoiceAddLinesParams),
    ("POST", "/v1/invoices/<id_>/update_lines", lines.update, shapes.InvoiceUpdateLinesParams),
    ("POST", "/v1/invoices/<id_>/remove_lines", lines.remove, shapes.InvoiceRemoveLinesParams),
    ("POST", "/v1/invoices/<id_>/finalize", issuing.finalize, shapes.InvoiceFinalizeInvoiceParams),
    ("POST", "/v1/invoices/<id_>/send", issuing.send, shapes.InvoiceSendInvoiceParams),
    ("POST", "/v1/invoices/<id_>/pay", issuing.pay, shapes.InvoicePayParams),
    ("POST", "/v1/invoices/<id_>/void", issuing.void, shapes.InvoiceVoidInvoiceParams),
    (
        "POST",
        "/v1/invoices/<id_>/mark_uncollectible",
        issuing.mark_uncollectible,
        shapes.InvoiceMarkUncollectibleParams,
    ),
    ("GET", "/v1/invoice_payments", payments.every, shapes.InvoicePaymentListParams),
    (
        "GET",
        "/v1/invoice_payments/<id_>",
        payments.retrieve,
        shapes.InvoicePaymentRetrieveParams,
    ),
    (
        "GET",
        "/v1/payment_intents/<id_>",
        payments.retrieve_intent,
        shapes.PaymentIntentRetrieveParams,
    ),
    ("GET", "/v1/charges/<id_>", payments.retrieve_charge, shapes.ChargeRetrieveParams),
    ("POST", "/v1/credit_notes", credit_notes.create, shapes.CreditNoteCreateParams),
    ("GET", "/v1/credit_notes", credit_notes.every, shapes.CreditNoteListParams),
    ("GET", "/v1/credit_notes/preview", credit_notes.preview, shapes.CreditNotePreviewParams),
    ("GET", "/v1/credit_notes/<id_>", credit_notes.retrieve, shapes.CreditNoteRetrieveParams),
    (
        "GET",
        "/v1/credit_notes/<id_>/lines",
        credit_notes.lines,
        shapes.CreditNoteLineItemListParams,
    ),
    (
        "POST",
        "/v1/credit_notes/<id_>/void",
        taken_back.void_note,
        shapes.CreditNoteVoidCreditNoteParams,
    ),
    ("GET", "/v1/refunds", refunds.every, shapes.RefundListParams),
    ("GET", "/v1/refunds/<id_>", refunds.retrieve, shapes.RefundRetrieveParams),
    ("GET", "/v1/disputes", refunds.every_dispute, shapes.DisputeListParams),
    ("GET", "/v1/disputes/<id_>", refunds.retrieve_dispute, shapes.DisputeRetrieveParams),
)
