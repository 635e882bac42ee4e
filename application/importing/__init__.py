"""Importing: what another program billed through Stripe, brought over without changing it."""
