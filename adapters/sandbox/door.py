"""Where requests come in: their key, their address and their form, whoever carries them."""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from adapters.sandbox.params import unfold
from adapters.sandbox.refusals import Refused, no_such_url, not_a_form, unauthorized
from adapters.sandbox.request import Arrived, Reply
from adapters.sandbox.transport import Handler, Transport
from adapters.sandbox.world import API_VERSION

Route = tuple[str, str, Handler, Any]
"""A method, an address with ``<id_>`` for ids, who answers, and the shape of the parameters."""

FORM = "application/x-www-form-urlencoded"
HOLE = "{id}"
FIELDS_MAX = 100_000


class Door:
    """Takes requests in and gives answers out. It knows no web framework."""

    def __init__(self, transport: Transport, routes: Sequence[Route]) -> None:
        self._transport = transport
        self._tree: dict[str, Any] = {}
        for method, rule, handler, shape in routes:
            node = self._tree
            for part in rule.strip("/").split("/"):
                node = node.setdefault(HOLE if part.startswith("<") else part, {})
            node[f"{method} "] = (rule, handler, shape)

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: str
    ) -> Reply:
        """Answer one request. headers: by their names in lower case."""
        number = f"req_{secrets.token_hex(7)}"
        try:
            _authenticate(headers.get("authorization", ""))
            reply = self._routed(
                method, path, _fields(method, query, headers, body), headers, number
            )
        except Refused as refused:
            reply = Reply(status=refused.status, body=refused.answer(number))
        reply.headers["Request-Id"] = number
        reply.headers["Stripe-Version"] = headers.get("stripe-version", API_VERSION)
        if key := headers.get("idempotency-key"):
            reply.headers["Idempotency-Key"] = key
        return reply

    def _routed(
        self, method: str, path: str, fields: str, headers: Mapping[str, str], number: str
    ) -> Reply:
        found = _find(self._tree, path.strip("/").split("/"), f"{method} ", ())
        if found is None:
            raise no_such_url(method, path)
        (rule, handler, shape), ids = found
        pairs = parse_qsl(fields, keep_blank_values=True, max_num_fields=FIELDS_MAX)
        arrived = Arrived(
            method=method,
            path=path,
            endpoint=f"{method} {rule.replace('<id_>', HOLE)}",
            ids=ids,
            params=unfold(pairs),
            key=headers.get("idempotency-key") if method == "POST" else None,
            request=number,
        )
        return self._transport.carry_out(arrived, handler, shape)


def _find(
    node: dict[str, Any], parts: Sequence[str], method: str, ids: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]] | None:
    """Who answers an address, with the ids in it; a word goes before an id."""
    if not parts:
        return (node[method], ids) if method in node else None
    for name, known in ((parts[0], ids), (HOLE, (*ids, parts[0]))):
        if name in node and (found := _find(node[name], parts[1:], method, known)):
            return found
    return None


def _fields(method: str, query: str, headers: Mapping[str, str], body: str) -> str:
    """The form that a request carries: in its body if it posts, else in its address."""
    if method != "POST":
        return query
    if body and headers.get("content-type", FORM).split(";")[0].strip().lower() != FORM:
        raise not_a_form()
    return body


def _authenticate(header: str) -> None:
    """Accept a secret key as Bearer token or as user name, as Stripe does."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    if not given.strip().startswith(("sk_", "rk_")):
        raise unauthorized()
