"""What a switch under ``/_sandbox`` is given."""

import json
from typing import Any

from flask import request

SEND = (
    'send a JSON object and say so: -H "Content-Type: application/json" -d \'{"name": "value"}\'; '
    "what each switch takes stands in docs/reference/sandbox.md"
)


def body() -> dict[str, Any]:
    """The JSON object that a switch is given; none is an empty one."""
    sent = request.get_data()
    if not sent:
        return {}
    try:
        given = json.loads(sent) if request.is_json else None
    except ValueError as error:
        raise ValueError(f"{SEND} ({error})") from error
    if not isinstance(given, dict):
        raise ValueError(SEND)
    return given
