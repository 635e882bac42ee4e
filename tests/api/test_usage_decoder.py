"""The fast path and the schema of record take the same requests and give the same records."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.usage_decoder import Ambiguous, decode, decode_fast, decode_items
from domain.usage import UsageRecord

TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", "a", "x" * 255, "x" * 256, "Ä", "\0", "\ud800", '"', '":', "\\", "1e400"]),
)
IDS = st.one_of(TEXTS, st.sampled_from(["acme", "a_b-1", "Acme", "a\n", "x" * 64, "x" * 65]))
INSTANTS = st.one_of(
    TEXTS,
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.sampled_from(
        [
            "2026-01-05T10:00:00Z",
            "2026-01-05t10:00:00.123456789+02:00",
            "2026-01-05 10:00:00-0030",
            "2026-01-05T10:00:00",
            "2026-01-05",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-01-05T24:00:00Z",
        ]
    ),
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
PROPERTIES = st.one_of(
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.just({str(number): "" for number in range(21)}),
    ODD,
)
RECORD = {
    "source": "s",
    "id": "i",
    "organization": "acme",
    "meter": "cpu",
    "value": "1",
    "occurred_at": "2026-01-05T10:00:00Z",
}
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "source": st.one_of(TEXTS, ODD),
        "id": st.one_of(TEXTS, ODD),
        "organization": st.one_of(IDS, ODD),
        "meter": st.one_of(IDS, ODD),
        "value": st.one_of(TEXTS, st.decimals().map(str), ODD),
        "occurred_at": st.one_of(INSTANTS, ODD),
        "attachment": st.one_of(IDS, ODD),
        "properties": PROPERTIES,
        "region": TEXTS,
    },
)


def by_schema(body: bytes) -> list[UsageRecord] | None:
    """What the schema of record makes of a body; ``None`` where it refuses an item."""
    try:
        items = json.loads(body, object_pairs_hook=Ambiguous)
    except ValueError:
        return None
    decoded = decode_items(items)
    return None if decoded.rejected else decoded.records


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from (text for part in pair for text in texts_in(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in texts_in(part))


@settings(max_examples=400, deadline=None)
@given(changes=CHANGES, compact=st.booleans(), escaped=st.booleans())
@example(changes={"value": 5}, compact=True, escaped=True)
@example(changes={"attachment": None}, compact=True, escaped=True)
def test_what_the_fast_path_takes_the_schema_takes_with_the_same_values(
    changes: dict[str, Any], compact: bool, escaped: bool
) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    text = json.dumps([RECORD | changes], separators=separators, ensure_ascii=escaped)
    body = text.encode("utf-8", "surrogatepass")
    fast, expected = decode_fast(body), by_schema(body)
    if fast is not None:
        assert fast == expected
    elif expected is not None:
        # Only what is rare may take the slow way: a number for a value, an escaped NUL in a text,
        # a text that looks like the end of a field's name.
        assert (
            isinstance(changes.get("value"), int)
            or b"\\u0000" in body
            or any(text.lstrip().startswith(":") or '"' in text for text in texts_in(changes))
        )


def test_the_fast_path_leaves_repeated_fields_to_the_schema() -> None:
    body = b'[{"source":"s","id":"i","organization":"acme","meter":"cpu","value":"1","value":"2",'
    body += b'"occurred_at":"2026-01-05T10:00:00Z"}]'
    assert decode_fast(body) is None
    assert decode(body).rejected[0].detail == "value: is there twice"


def test_a_plain_batch_takes_the_fast_path() -> None:
    body = json.dumps([RECORD | {"properties": {"region": "fra"}, "attachment": "a1"}] * 3)
    assert len(decode_fast(body.encode()) or []) == 3
