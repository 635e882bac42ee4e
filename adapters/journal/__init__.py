"""The journal: a processor of our own, which holds and issues invoices without Stripe."""
