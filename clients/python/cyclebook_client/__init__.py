"""Sends usage to Cyclebook, each record once, and reads what it comes to.

    from cyclebook_client import Client

    with Client("https://billing.example", key) as usage:
        usage.record("cpu", 5, organization="acme", attachment="a1")

Standard library only. ``docs/how-to/use-the-client.md`` tells the rest.
"""

from cyclebook_client.client import Client
from cyclebook_client.errors import (
    ClientClosed,
    ClientError,
    Full,
    NoAnswer,
    Refused,
    Unsent,
)
from cyclebook_client.options import Options
from cyclebook_client.records import Record, Refusal

__all__ = [
    "Client",
    "ClientClosed",
    "ClientError",
    "Full",
    "NoAnswer",
    "Options",
    "Record",
    "Refusal",
    "Refused",
    "Unsent",
]
