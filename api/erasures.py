"""An erasure as programs read it."""

from typing import Any

from application.erasing import Erased


def erasure_json(erased: Erased) -> dict[str, Any]:
    """What was erased. Tables of which nothing was are left out."""
    return {
        "organization": erased.organization,
        "user": erased.user,
        "effect": erased.effect,
        "position": erased.position,
        "rows": {table: rows for table, rows in sorted(erased.rows.items()) if rows},
        "in_log": [{"stream": stream, "version": version} for stream, version in erased.in_log],
    }
