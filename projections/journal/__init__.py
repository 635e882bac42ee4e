"""The journal: what happened to money, as double-entry transactions folded from events."""
