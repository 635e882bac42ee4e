"""One search for people at a desk."""

from typing import Any

from api.auth import STAFF
from api.context import wired
from api.openapi import ApiBook
from api.schemas.search import SearchQuery, SearchResultSchema
from application.searching import Found

book = ApiBook("search")


@book.op("GET", "/v1/search", roles=STAFF, query=SearchQuery(), out=SearchResultSchema())
def find(query: dict[str, Any]) -> Found:
    """Organizations, cycles and cases by whatever a person has in hand.

    By an organization's id or name, a member's whole e-mail address, a customer at Stripe, a
    cycle, the beginning of an invoice's number, an invoice at Stripe, or a case.
    """
    return wired().search.find(query["q"], query["limit"])
