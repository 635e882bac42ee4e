"""Lines of processes that we started, each a JSON object that names its process."""

import json
import logging
from collections.abc import Callable

from api.logs import JsonLines


def in_json(ours: JsonLines) -> Callable[[str, str], str]:
    """Writes a line of a process. What is no object yet, as from a program of others, becomes one.

    >>> json.loads(in_json(JsonLines())("api", '{"message": "hello"}'))
    {'message': 'hello', 'process': 'api'}
    """

    def written(process: str, line: str) -> str:
        told = _object(line)
        if told is None:
            plain = logging.LogRecord(process, logging.INFO, "", 0, line, None, None)
            told = json.loads(ours.format(plain))
        return json.dumps({**told, "process": process}, ensure_ascii=False)

    return written


def _object(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
