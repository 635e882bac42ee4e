"""The customer's billing page: what is owed, why, and what one can do about it."""
