"""A process that makes runs of one schedule, and leaves a trail; it can be killed at any moment."""

import os
import sys
import threading
from datetime import datetime
from pathlib import Path

import psycopg

from application.schedule_ports import Tally
from tests.scheduled import QUICKLY, desk, working


def main() -> None:
    """Work on the schedule ``audit`` until killed. Arguments: the database, and a file to await."""
    url, file = sys.argv[1], Path(sys.argv[2])

    def note(what: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO trail (what, pid) VALUES (%s, %s)", [what, os.getpid()])

    def sweep(now: datetime) -> Tally:
        note("begin")
        while not file.exists():
            threading.Event().wait(0.05)
        note("end")
        return Tally(expected=1, done=1)

    with desk(url, QUICKLY) as made, working(*made.loops({"audit": sweep})):
        note("up")
        threading.Event().wait()


if __name__ == "__main__":
    main()
