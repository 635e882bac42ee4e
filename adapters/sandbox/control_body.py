"""What a switch under ``/_sandbox`` is given."""

from typing import Any

from flask import request


def body() -> dict[str, Any]:
    """The JSON object that a switch is given; none is an empty one."""
    given = request.get_json(silent=not request.content_length) or {}
    if not isinstance(given, dict):
        raise ValueError("send a JSON object")
    return given
