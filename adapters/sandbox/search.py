"""Search for invoices in the sandbox: a minute behind, as Stripe's lags behind its writes.

Source: https://docs.stripe.com/search
"""

import re
from collections.abc import Callable
from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.paging import page
from adapters.sandbox.refusals import invalid
from adapters.sandbox.totals import shown
from adapters.sandbox.world import World

LAG_S = 60

FIELDS = ("created", "currency", "customer", "number", "status", "subscription", "total")

_CLAUSE = re.compile(
    r"""(?P<no>-)?(?P<field>[a-z_]+)(?:\[(?P<q>["'])(?P<key>[^"']+)(?P=q)\])?"""
    r"""(?P<op>:|~|<=|>=|<|>)(?:(?P<v>["'])(?P<text>.*?)(?P=v)|(?P<word>null|-?\d+))"""
)
_JOIN = re.compile(r"\s+(AND|OR)\s+|\s+")


def invoices(world: World, params: dict[str, Any]) -> Thing:
    """The invoices that matched a minute ago, as they were then, newest first."""
    matches = _matcher(params["query"])
    found = [invoice for invoice in reversed(_indexed(world)) if matches(invoice)]
    cursor = {"starting_after": params["page"]} if "page" in params else {}
    asked = {name: params[name] for name in ("limit",) if name in params} | cursor
    listed = page(found, asked, "/v1/invoices/search", "invoice")
    last = listed["data"][-1]["id"] if listed["has_more"] else None
    return {**listed, "object": "search_result", "next_page": last}


def _indexed(world: World) -> list[Thing]:
    """Every invoice as it was a minute ago: as it is, or as the last event before then has it."""
    cutoff = world.now() - LAG_S
    touched = dict.fromkeys(
        event["data"]["object"]["id"]
        for event in world.ledger.walk("event", created={"gt": cutoff})
        if event["type"].startswith("invoice.")
    )
    known = [each for each in world.ledger.every("invoice") if each["id"] not in touched]
    seen = [shown(world, each) for each in known if each["created"] <= cutoff]
    for id_ in touched:
        before = next(world.ledger.walk("event", parent=id_, created={"lte": cutoff}), None)
        if before:
            seen.append(before["data"]["object"])
    return sorted(seen, key=lambda invoice: (invoice["created"], invoice["id"]))


def _matcher(query: str) -> Callable[[Thing], bool]:
    """What a query wants: clauses joined by AND or by OR, never by both."""
    clauses, joins, place = [], set(), 0
    text = query.strip()
    while True:
        found = _CLAUSE.match(text, place)
        if found is None:
            raise _unreadable(query)
        clauses.append(_clause(found, query))
        place = found.end()
        if place == len(text):
            break
        join = _JOIN.match(text, place)
        if join is None:
            raise _unreadable(query)
        joins.add(join[1] or "AND")
        place = join.end()
    if len(joins) > 1:
        raise _unreadable(query)
    whole = any if joins == {"OR"} else all
    return lambda invoice: whole(clause(invoice) for clause in clauses)


def _clause(found: re.Match[str], query: str) -> Callable[[Thing], bool]:
    field, key, op = found["field"], found["key"], found["op"]
    if field not in (*FIELDS, "metadata") or (field == "metadata") != (key is not None):
        raise invalid(f"Field `{field}` is an unsupported search field.", "query")
    wanted = found["text"] if found["word"] is None else found["word"]

    def matches(invoice: Thing) -> bool:
        value = invoice["metadata"].get(key) if key else _value(invoice, field)
        return _holds(value, op, wanted) is not bool(found["no"])

    return matches


def _holds(value: Any, op: str, wanted: str) -> bool:
    if wanted == "null":
        return value is None
    if value is None:
        return False
    if op in (":", "~"):
        same = str(value).lower() == wanted.lower()
        return same or (op == "~" and wanted.lower() in str(value).lower())
    number = int(wanted)
    tests = {"<": value < number, "<=": value <= number, ">": value > number}
    return bool(tests.get(op, value >= number))


def _value(invoice: Thing, field: str) -> Any:
    if field == "subscription":
        return ((invoice["parent"] or {}).get("subscription_details") or {}).get(field)
    return invoice[field]


def _unreadable(query: str) -> Exception:
    return invalid(f"We were unable to parse the search query: {query}", "query")
