"""Heads of chains, read from where others kept them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from domain.errors import InvalidInput
from projections.chain import COMMON, Head

HEAD_CHARACTERS = 64


def read_heads(text: str) -> dict[str, list[Head]]:
    """Heads by organization, from what was kept: an answer of the API, a proof, the first line of
    an exported invoice, the manifest of an archive, a list of these, or one on each line.

    Raises:
        InvalidInput: there is no head in it, or one that cannot be read.
    """
    found: dict[str, list[Head]] = {}
    for document in _documents(text):
        for head in _heads(document):
            found.setdefault(head.organization, []).append(head)
    if not found:
        raise InvalidInput("there is no head of a chain in this file", field="from-head")
    return found


def _documents(text: str) -> Iterator[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        try:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
        except ValueError as error:
            raise InvalidInput(f"this file is no JSON: {error}", field="from-head") from error
        return
    yield from whole if isinstance(whole, list) else [whole]


def _heads(document: Any) -> Iterator[Head]:
    if not isinstance(document, dict):
        return
    if isinstance(document.get("chain"), dict):
        yield from _heads(document["chain"])
        return
    if isinstance(document.get("heads"), list):
        for each in document["heads"]:
            yield from _heads(each)
        return
    if "head" in document and "organization" in document:
        yield _read(str(document["organization"]), document)
        if isinstance(document.get("catalog"), dict):
            yield _read(COMMON, document["catalog"])


def _read(organization: str, head: Mapping[str, Any]) -> Head:
    try:
        at = head.get("at")
        read = Head(
            organization=organization,
            position=int(head["position"]),
            events=int(head["events"]),
            head=bytes.fromhex(head["head"]),
            at=None if at is None else datetime.fromisoformat(at),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"this is no head of a chain: {error}", field="from-head") from error
    if len(read.head) * 2 != HEAD_CHARACTERS:
        raise InvalidInput("a head has 64 hexadecimal characters", field="from-head")
    return read
