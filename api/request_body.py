"""Reading a request's JSON body within its limits."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from flask import Request

from api.errors import Malformed, TooLarge, UnsupportedMedia
from api.limits import BODY_BYTES_MAX, BODY_TOO_LARGE, DEPTH_MAX

JSON = "application/json"


def raw_body(request: Request, accepted: Collection[str] = (JSON,)) -> bytes:
    """The body's bytes.

    Raises:
        UnsupportedMedia: it is compressed, or not of an accepted type.
        TooLarge: it is longer than ``BODY_BYTES_MAX``.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMedia("send the body as it is, without Content-Encoding")
    if request.mimetype not in accepted:
        raise UnsupportedMedia(f"send the body as {' or '.join(accepted)}")
    body = request.get_data(cache=False)
    if len(body) > BODY_BYTES_MAX:
        raise TooLarge(BODY_TOO_LARGE)
    return body


def has_body(request: Request) -> bool:
    """Whether a request says that a body follows."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


Pairs = list[tuple[str, Any]]


def parse_json(body: bytes, new_object: Callable[[Pairs], Any] | None = None) -> Any:
    """A JSON document. new_object: makes objects from their fields, repeated ones included.

    Raises:
        Malformed: it is not JSON, is nested too deeply, or names a field twice and
            ``new_object`` does not care.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=new_object or _once,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # a bad encoding and an endless number are ValueErrors, too
        raise Malformed(f"the body is not JSON: {_reason(error)}") from None
    _require_shallow(value)
    return value


class DuplicateField(ValueError):
    """An object names a field twice: nobody can say which one was meant."""


def _once(pairs: Pairs) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in values if counts[name] > 1)
        raise DuplicateField(f"field {twice!r:.80} is there twice")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _reason(error: ValueError) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Malformed:
    return Malformed(f"the body is nested more than {DEPTH_MAX} deep")
