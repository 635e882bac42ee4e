"""Settings as people look at them: what is in force, where it comes from, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields

from api.settings import Settings
from domain.errors import InvalidInput

NOT_SET = "not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A setting. value: in force; of a secret only whether there is one, and of a malformed one as
    it was given. source: ``environment``, ``default``, or ``derived`` from other settings.
    """

    variable: str
    value: str
    source: str
    meaning: str
    problem: str | None


def rows(
    settings: Settings, problems: Sequence[InvalidInput], environment: Mapping[str, str]
) -> list[Row]:
    """Every setting, in the order of their table."""
    return [_row(each, settings, problems, environment) for each in fields(settings)]


def _row(
    each: "Field[object]",
    settings: Settings,
    problems: Sequence[InvalidInput],
    environment: Mapping[str, str],
) -> Row:
    name = each.name.upper()
    given = environment.get(name, "").strip()
    wrong = [str(problem) for problem in problems if problem.context["field"] == name]
    derived = None if given else _derived(each.name, settings)
    value = given if given and wrong else getattr(settings, each.name)
    source = "derived" if value is not None and each.metadata["default"] is None else "default"
    return Row(
        variable=name,
        value=derived or _shown(value, secret=each.metadata["secret"]),
        source="environment" if given else "derived" if derived else source,
        meaning=each.metadata["meaning"],
        problem="; ".join(wrong) or None,
    )


def _derived(name: str, settings: Settings) -> str | None:
    """What is in force of a setting that is not set, where others say it."""
    if name == "public_url":
        return settings.origin
    return f"embedded, in {settings.cyclebook_home}" if name == "database_url" else None


def _shown(value: object, *, secret: bool) -> str:
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return str(value).lower()
    return "set" if secret else str(value)
