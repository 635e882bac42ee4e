"""Reconciling: the books of many cycles, their projections and Stripe, compared and reported."""
