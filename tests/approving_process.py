"""A process that approves a change request, and is killed where it is carried out."""

import os
import signal
import sys
from dataclasses import replace
from typing import Any

from api.app import create_app
from api.auth import ADMIN, Principal
from api.context import OPERATIONS
from api.second_person import approve
from api.settings import Settings
from api.wiring import wire

BEFORE, HALF, AFTER = "before", "half", "after"
APPROVER = "key:killed"


def main() -> None:
    """Arguments: the database, the request, and when to die: see above."""
    url, request, when = sys.argv[1:]
    with wire(Settings.from_environment({"DATABASE_URL": url, "THREADS": "1"}), url) as wired:
        app = create_app(wired)
        operations = app.extensions[OPERATIONS]
        op = operations[wired.change_requests.get(request).asked.operation]

        def view(**given: Any) -> Any:
            if any(given["query"].get(name) for name in ("preview", "dry_run")):
                return op.view(**given)
            if when == HALF:
                given["body"] = given["body"][:1]
            if when != BEFORE:
                op.view(**given)
            os.kill(os.getpid(), signal.SIGKILL)

        operations[op.name] = replace(op, view=view)
        with app.test_request_context():
            approve(request, Principal(actor=APPROVER, role=ADMIN), reason="it was agreed")


if __name__ == "__main__":
    main()
