"""What people type: read exactly, or refused in words beside the field."""

import pytest
from werkzeug.datastructures import MultiDict

from api.pages.typed import Field, Where, instant, minor_units, read, reason
from domain.errors import InvalidInput

BERLIN = Where(currency="usd", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "usd", 1250),
        ("12.5", "usd", 1250),
        ("12", "usd", 1200),
        ("0.01", "usd", 1),
        (" 1 250.00 ", "eur", 125_000),
        ("1250", "jpy", 1250),
        ("1.0", "jpy", 1),
        ("1.234", "kwd", 1234),
        ("\u22123.10", "usd", -310),
        ("99999999999999999999.99", "usd", 9_999_999_999_999_999_999_999),
    ],
)
def test_an_amount_is_read_exactly(text: str, currency: str, amount: int) -> None:
    assert minor_units(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "words"),
    [
        ("12,50", "usd", "a point before the decimals"),
        ("1,250.00", "usd", "nothing between thousands"),
        ("1e3", "usd", "such as 12.50"),
        ("twelve", "usd", "such as 12.50"),
        ("12.505", "usd", "USD has 2 decimals"),
        ("12.5", "jpy", "JPY has no decimals"),
        ("1.2345", "kwd", "KWD has 3 decimals"),
        ("\u0661\u0662", "jpy", "such as 1250"),
        ("NaN", "usd", "such as 12.50"),
        ("$5", "usd", "such as 12.50"),
    ],
)
def test_an_amount_is_refused(text: str, currency: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        minor_units(text, currency)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        pytest.param("2026-01-05 10:00", "2026-01-05 09:00:00+00:00", id="winter there"),
        pytest.param("2026-07-05T10:00", "2026-07-05 08:00:00+00:00", id="summer there"),
        pytest.param("2026-01-05T10:00:00Z", "2026-01-05 10:00:00+00:00", id="with a zone"),
        pytest.param("2026-10-25 02:30", "2026-10-25 00:30:00+00:00", id="the first of two"),
        pytest.param(
            "2026-01-05T10:00:00.123456+01:00", "2026-01-05 09:00:00.123456+00:00", id="exact"
        ),
    ],
)
def test_an_instant_is_read_by_the_clocks_there(text: str, utc: str) -> None:
    assert str(instant(text, "Europe/Berlin")) == utc


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-29 02:30", "clocks there go forward"),
        ("2026-02-30 10:00", "no such day"),
        ("0001-01-01 00:00", "no such day"),
        ("0003-01-01 00:00", "must lie between"),
        ("yesterday", "write it as"),
        ("2026-01-05", "write it as"),
    ],
)
def test_an_instant_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        instant(text, "Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "words"),
    [(" \r\n", "say why"), ("x" * 501, "^length must be between 1 and 500$"), ("a\0", "NUL")],
)
def test_a_reason_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        reason(text)
    assert refused.value.context == {"field": "reason"}


def test_a_form_is_read_field_by_field() -> None:
    fields = (
        Field(name="amount", label="", kind="amount", required=True),
        Field(name="currency", label="", kind="currency"),
        Field(name="at", label="", kind="instant"),
        Field(name="cycles", label="", kind="whole"),
        Field(name="final", label="", kind="yes"),
        Field(name="prices", label="", kind="list"),
        Field(name="lines", label="", kind="amounts"),
        Field(name="reason", label="", required=True),
        Field(name="memo", label=""),
    )
    typed = {
        "amount": "12.50",
        "cycles": "three",
        "final": "yes",
        "prices": "base, cpu",
        "lines:fee/a/b@1": "1.00",
        "lines:fee/c/d@1": "",
        "reason": "  ",
    }

    values, wrong = read(fields, MultiDict(typed), BERLIN)

    assert values == {
        "amount": 1250,
        "currency": "usd",
        "final": True,
        "prices": ["base", "cpu"],
        "lines": {"fee/a/b@1": 100},
    }
    assert wrong == {
        "cycles": "must be a whole number, such as 3",
        "reason": "fill this in, please",
    }
