"""What updates lay over an object in the sandbox, metadata with Stripe's limits among it."""

from typing import Any

from adapters.sandbox.ledger import Thing
from adapters.sandbox.refusals import invalid

Params = dict[str, Any]

KEYS_MAX, NAME_MAX, VALUE_MAX = 50, 40, 500


def merged(thing: Thing, params: Params) -> Thing:
    """An object with parameters laid over it; an empty one takes its value away."""
    plain = {name: value for name, value in params.items() if name not in ("expand", "metadata")}
    emptied = {name: None if value == "" else value for name, value in plain.items()}
    return {**thing, **emptied, "metadata": merged_metadata(thing["metadata"], params)}


def merged_metadata(metadata: dict[str, str], params: Params, field: str = "metadata") -> Params:
    """Metadata after an update; an empty value takes its key away.

    Raises:
        Refused: more keys or longer words than Stripe keeps.
    """
    given = params.get(field)
    if given is None:
        return metadata
    if given == "":
        return {}
    for name, value in given.items():
        if len(name) > NAME_MAX or "[" in name or "]" in name:
            raise invalid(f"Metadata keys can have up to {NAME_MAX} characters: {name}", field)
        if len(value) > VALUE_MAX:
            text = f"Metadata values can have up to {VALUE_MAX} characters, but you passed "
            raise invalid(f"{text}{len(value)} for {name}.", f"{field}[{name}]")
    changed = {name: value for name, value in {**metadata, **given}.items() if value != ""}
    if len(changed) > KEYS_MAX:
        raise invalid(f"Metadata can have up to {KEYS_MAX} keys, not {len(changed)}.", field)
    return changed
