"""What the demo keeps beside the data, readable by its owner alone: its keys and its day."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from api.settings import Settings

FILE = "demo.json"
_OWNER_ONLY = 0o600


@dataclass(kw_only=True, slots=True)
class Notes:
    """The demo's notes.

    keys: by role. played_at: the present of the story, RFC 3339. finished: whether all of it
    has been played.
    """

    keys: dict[str, str]
    played_at: str
    finished: bool = False


def read(settings: Settings) -> Notes | None:
    """The notes of an earlier start, if there was one."""
    file = _file(settings)
    return Notes(**json.loads(file.read_text("utf-8"))) if file.exists() else None


def write(settings: Settings, notes: Notes) -> None:
    """Keep the notes for the next start."""
    file = _file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as out:
        json.dump(asdict(notes), out, indent=2)
    new.replace(file)


def _file(settings: Settings) -> Path:
    return settings.cyclebook_home / FILE
