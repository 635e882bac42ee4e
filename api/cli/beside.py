"""Commands beside a running ``cyclebook up``: they find its ports, if nobody says others."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from api.settings import Settings

LOCK, ADDRESSES = "up.lock", "up.json"
_NAMES = ("HOST", "PORT", "SANDBOX_PORT", "PUBLIC_URL")


def keep_addresses(settings: Settings) -> None:
    """Write down where what is started on a folder answers."""
    values = {name: getattr(settings, name.lower()) for name in _NAMES}
    known = {name: str(value) for name, value in values.items() if value is not None}
    (settings.cyclebook_home / ADDRESSES).write_text(json.dumps(known))


def environment_beside() -> Mapping[str, str]:
    """The environment, with the addresses of what runs on its folder, where it says no others."""
    settings, _ = Settings.as_given(os.environ)
    given = {name: value for name, value in os.environ.items() if value.strip()}
    return {**_running_on(settings.cyclebook_home), **given}


def _running_on(home: Path) -> Mapping[str, str]:
    """Where it answers; nothing where nobody holds the folder's lock."""
    try:
        with (home / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return {}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except BlockingIOError:
        found: dict[str, str] = json.loads((home / ADDRESSES).read_text())
        return found
