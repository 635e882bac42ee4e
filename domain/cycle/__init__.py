"""A billing cycle by subject: its facts, its state, and what may be decided about each."""
