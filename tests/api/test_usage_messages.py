"""A message is taken apart by the rules of the API, and nothing of what was sent is changed."""

import json

import pytest

from api.http.usage import RECORD
from api.limits import BODY_BYTES_MAX
from api.usage_messages import read
from application.messages import Message

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "fra-7",
    "type": "cpu",
    "subject": "acme",
    "time": "2026-01-05T10:00:00Z",
    "data": {"value": "3"},
}
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def sent(body: object, kind: str = "", encoding: str = "") -> Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(body=raw, content_type=kind, content_encoding=encoding)


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        pytest.param(sent(RECORD), [RECORD["id"]], id="one record"),
        pytest.param(sent([RECORD, RECORD], "application/json"), [RECORD["id"]] * 2, id="many"),
        pytest.param(
            sent([RECORD], "application/json; charset=utf-8", "utf-8"),
            [RECORD["id"]],
            id="with a charset",
        ),
        pytest.param(sent(EVENT, STRUCTURED), ["e1"], id="a CloudEvent"),
        pytest.param(sent([EVENT, EVENT], BATCH), ["e1", "e1"], id="CloudEvents"),
        pytest.param(sent([]), [], id="none"),
    ],
)
def test_every_kind_of_message_is_read(message: Message, ids: list[str]) -> None:
    contents = read(message)
    assert [each.id for each in contents.records] == ids
    assert contents.poison == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(sent(b"no JSON"), "malformed_request", id="no JSON"),
        pytest.param(sent(b"\xff"), "malformed_request", id="no UTF-8"),
        pytest.param(sent(b""), "malformed_request", id="nothing at all"),
        pytest.param(sent(b"[" * 40 + b"]" * 40), "malformed_request", id="too deep"),
        pytest.param(sent(b" " * (BODY_BYTES_MAX + 1)), "too_large", id="too heavy"),
        pytest.param(sent([1] * 10_001), "too_large", id="too many"),
        pytest.param(sent(RECORD, "text/csv"), "unsupported_media_type", id="another kind"),
        pytest.param(sent(RECORD, "", "gzip"), "unsupported_media_type", id="compressed"),
        pytest.param(sent([EVENT], STRUCTURED), "unsupported_media_type", id="many as one"),
        pytest.param(sent(EVENT, BATCH), "unsupported_media_type", id="one as many"),
    ],
)
def test_what_cannot_be_read_at_all_is_poison_as_a_whole(message: Message, code: str) -> None:
    contents = read(message)
    assert contents.records == []
    assert [(each.code, each.index) for each in contents.poison] == [(code, None)]
    assert contents.poison[0].message is message


@pytest.mark.parametrize(
    ("body", "kind", "part", "part_kind"),
    [
        pytest.param(b'[%s, { "id" : 1e0 }]', "", b'{ "id" : 1e0 }', "", id="its own bytes"),
        pytest.param(b"[%s, 7]", "", b"7", "", id="no object"),
        pytest.param(
            b'[%s, {"id": "a", "id": "b"}]', "", b'{"id": "a", "id": "b"}', "", id="a field twice"
        ),
    ],
)
def test_a_bad_record_is_cut_out_and_the_good_one_stays(
    body: bytes, kind: str, part: bytes, part_kind: str
) -> None:
    contents = read(sent(body % json.dumps(RECORD).encode(), kind))
    assert len(contents.records) == 1
    (bad,) = contents.poison
    assert (bad.code, bad.index) == ("invalid_record", 1)
    assert (bad.message.body, bad.message.content_type) == (part, part_kind)


def test_a_bad_event_of_a_batch_is_cut_out_as_one_event() -> None:
    contents = read(sent([EVENT, EVENT | {"time": "today"}], BATCH))
    (bad,) = contents.poison
    assert bad.message.content_type == STRUCTURED
    assert json.loads(bad.message.body)["time"] == "today"
    (again,) = read(bad.message).poison
    assert again.message.body == bad.message.body


def test_half_a_surrogate_pair_is_cut_out_too() -> None:
    contents = read(sent(b'[{"id": "\\ud800"}, 3]'))
    assert [each.index for each in contents.poison] == [0, 1]
    assert contents.poison[0].message.body == b'{"id": "\\ud800"}'
