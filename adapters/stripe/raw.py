"""Stripe's things as plain JSON. The SDK's own objects cost more than the rest of a sync."""

from typing import Any

import stripe

PAGE_MAX = 100
"""What one page of a Stripe list holds at most."""

Thing = dict[str, Any]


def read(client: stripe.StripeClient, path: str, **params: Any) -> Thing:
    """One thing, or one page of a list.

    Raises:
        StripeError: as the SDK says.
    """
    answer: Any = client.raw_request("get", path, **params)
    return dict(answer.data)


def read_all(client: stripe.StripeClient, path: str, **params: Any) -> list[Thing]:
    """Everything of a list, a hundred a read."""
    things: list[Thing] = []
    more, after = True, dict[str, str]()
    while more:
        page = read(client, path, limit=PAGE_MAX, **params, **after)
        things += page["data"]
        more = bool(page["has_more"] and page["data"])
        after = {"starting_after": things[-1]["id"]} if more else {}
    return things
