"""Usage in messages: what is recorded together, and that none fails for another's sake."""

from collections.abc import Sequence

import pytest

from application.intake import BYTES_MAX, MESSAGES_MAX, Filling, portions
from application.messages import Contents, Message, Poison, Reception
from domain.errors import StoreUnavailable
from domain.usage import Outcome
from tests.january import JANUARY, day
from tests.world import World, world


def message(body: bytes, deliveries: int = 0) -> Message:
    return Message(body=body, deliveries=deliveries)


def bodies(found: Sequence[Sequence[Message]]) -> list[str]:
    return ["".join(each.body.decode() for each in portion) for portion in found]


@pytest.mark.parametrize(
    ("deliveries", "taken"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([0, 0, 0], ["abc"], id="all is new: together"),
        pytest.param([1, 1, 0], ["abc"], id="once in vain is no sign of anything"),
        pytest.param([2, 2, 2], ["a", "b", "c"], id="suspects go alone, forwards"),
        pytest.param([3, 3, 3], ["c", "b", "a"], id="the next time backwards"),
        pytest.param([0, 4, 0, 3, 4], ["ac", "b", "e", "d"], id="what is new goes first"),
    ],
)
def test_suspects_are_taken_alone_and_last(deliveries: list[int], taken: list[str]) -> None:
    batch = [
        message(name.encode(), count) for name, count in zip("abcdefg", deliveries, strict=False)
    ]
    assert bodies(portions(batch)) == taken


def test_one_that_kills_whoever_takes_it_stops_no_other_for_long() -> None:
    waiting = {name: 0 for name in "abcdefghK"}
    order = "abcdKefgh"
    for _life in range(4):
        batch = [message(name.encode(), waiting[name]) for name in order if name in waiting]
        for portion in portions(batch):
            names = {each.body.decode() for each in portion}
            if "K" in names:
                waiting = {name: count + 1 for name, count in waiting.items()}
                break
            for name in names:
                del waiting[name]
    assert waiting == {"K": 4}


def test_a_batch_waits_for_its_first_message_alone() -> None:
    filling = Filling()
    filling.add(message(b"a"), 10.0)
    filling.add(message(b"b"), 10.04)
    assert filling.waits_s(10.04) == pytest.approx(0.01)
    assert filling.waits_s(10.06) == 0


def test_a_batch_is_full_by_number_or_by_weight() -> None:
    many, heavy = Filling(), Filling()
    for _ in range(MESSAGES_MAX - 1):
        many.add(message(b""), 1.0)
    heavy.add(message(b"x" * (BYTES_MAX - 1)), 1.0)
    assert many.waits_s(1.0) > 0 and heavy.waits_s(1.0) > 0
    many.add(message(b""), 1.0)
    heavy.add(message(b"x"), 1.0)
    assert many.waits_s(1.0) == heavy.waits_s(1.0) == 0


def used() -> World:
    made = world(day(10))
    made.attach("a1", "machine", JANUARY)
    return made


def reception(made: World) -> Reception:
    """A message says how much was used, and more for what is not as it should be."""

    def read(sent: Message) -> Contents:
        contents = Contents(part=lambda _: sent)
        match sent.body.decode().split():
            case ["bad"]:
                contents.poison = [Poison(message=sent, code="invalid_record", detail="bad")]
            case ["fault"]:
                raise ZeroDivisionError
            case ["early"]:
                contents.records, contents.places = [made.usage("1", day(30))], [0]
            case values:
                contents.records = [made.usage(value, day(5)) for value in values]
                contents.places = list(range(len(values)))
        return contents

    return Reception(read, made.recording)


def test_what_cannot_be_taken_as_it_is_becomes_poison_and_all_else_counts() -> None:
    made = used()
    sent = [message(body) for body in (b"1 2", b"bad", b"early", b"4")]
    received = reception(made).record(sent, actor="rabbitmq", now=made.now)
    assert received.outcomes[Outcome.ACCEPTED] == 3
    assert {(each.code, each.message.body) for each in received.poison} == {
        ("invalid_record", b"bad"),
        ("in_the_future", b"early"),
    }
    assert made.lines()["usage/a1/cpu@1"] == 35  # 7 × 5


def test_a_fault_of_ours_costs_one_message_and_not_the_batch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = used()
    sent = [message(body) for body in (b"1 2", b"fault", b"4")]
    received = reception(made).record(sent, actor="rabbitmq", now=made.now)
    assert received.outcomes[Outcome.ACCEPTED] == 3
    assert [(each.code, each.message.body) for each in received.poison] == [
        ("internal_error", b"fault")
    ]
    assert "a message of 5 bytes cannot be recorded" in caplog.text


def test_while_the_books_are_away_nothing_is_poison() -> None:
    made = used()

    def away(sent: Message) -> Contents:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        Reception(away, made.recording).record([message(b"1")], actor="rabbitmq", now=made.now)
