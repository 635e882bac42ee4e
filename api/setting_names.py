"""Names in the environment that look like settings and are none: somebody has mistyped."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches

from api.settings import Settings

_PREFIX = "CYCLEBOOK_"
_ALIKE = 0.85
"""From here on two names differ by a letter or two. TEST_DATABASE_URL is less like ours."""

_LONG_ENOUGH = 6
"""Shorter ones are like too much that stands in any environment: PGHOST is no mistyped HOST."""

_KNOWN = {each.name.upper() for each in fields(Settings)}
_WITHOUT_DASHES = {name.replace("_", ""): name for name in _KNOWN}
_LONG = [name for name in _KNOWN if len(name) >= _LONG_ENOUGH]


_OF_KUBERNETES = ("tcp://", "udp://")
"""It sets CYCLEBOOK_PORT to such an address where a service of that name is near."""


def misspelt(environment: Mapping[str, str]) -> dict[str, str]:
    """The setting that was probably meant, by the name that was given.

    What is set under its right name as well was hardly meant: the other one is somebody else's.

    >>> misspelt({"AMPQ_URL": "amqp://broker", "PGHOST": "db", "PATH": "/bin"})
    {'AMPQ_URL': 'AMQP_URL'}
    """
    given = {
        name
        for name, value in environment.items()
        if value.strip() and not value.startswith(_OF_KUBERNETES)
    }
    found = {name: _meant(name) for name in sorted(given - _KNOWN)}
    return {name: meant for name, meant in found.items() if meant and meant not in given}


def _meant(name: str) -> str | None:
    whole = name.upper().replace("-", "_")
    for plain in dict.fromkeys([whole, whole.removeprefix(_PREFIX)]):
        if same := _WITHOUT_DASHES.get(plain.replace("_", "")):
            return same
        if alike := get_close_matches(plain, _LONG, n=1, cutoff=_ALIKE):
            return alike[0]
    return None


def warnings(environment: Mapping[str, str]) -> list[str]:
    """The same in sentences."""
    return [
        f"{name} is no setting and does nothing; did you mean {meant}?"
        for name, meant in misspelt(environment).items()
    ]
