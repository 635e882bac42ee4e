"""Reading a price's fields with errors that name them."""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from domain.errors import InvalidInput
from domain.quantity import quantity
from domain.text import written

IDENTIFIER = re.compile(r"[a-z0-9_-]{1,64}")


def identifier(text: object, field: str) -> str:
    """An id as the API takes it: lower-case letters, digits, ``_`` and ``-``, at most 64.

    Raises:
        InvalidInput: it is not one.
    """
    if not isinstance(text, str) or not IDENTIFIER.fullmatch(text):
        raise InvalidInput(f"{field} must match [a-z0-9_-]{{1,64}}", field=field)
    return text


class Fields:
    """The fields of one JSON object; what nobody asked for is refused by ``done``."""

    def __init__(self, values: Mapping[str, object], path: str = "") -> None:
        self._values = values
        self._path = path
        self._asked: set[str] = set()

    def name(self, field: str) -> str:
        """The field's full path, for messages."""
        return f"{self._path}{field}"

    def get(self, field: str) -> object:
        """The raw value, or ``None``."""
        self._asked.add(field)
        return self._values.get(field)

    def text(self, field: str, default: str | None = None, longest: int = 255) -> str:
        """A non-empty string."""
        value = self.get(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise InvalidInput(f"{self.name(field)} must be a text", field=self.name(field))
        return written(value, self.name(field), longest)

    def choice(self, field: str, *choices: str) -> str:
        """One of a few words; the first is the default."""
        value = self.get(field)
        if value is None:
            return choices[0]
        if value not in choices:
            raise InvalidInput(
                f"{self.name(field)} must be one of {', '.join(choices)}", field=self.name(field)
            )
        return str(value)

    def flag(self, field: str, *, default: bool) -> bool:
        """True or false."""
        value = self.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InvalidInput(f"{self.name(field)} must be true or false", field=self.name(field))
        return value

    def decimal(
        self, field: str, default: str | None = None, *, above_zero: bool = False
    ) -> Decimal:
        """An exact number of zero or more, sent as a string."""
        value = self.get(field)
        if value is None:
            value = default
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise InvalidInput(
                f'{self.name(field)} must be a decimal number in a string, such as "12.5"',
                field=self.name(field),
            )
        number = quantity(value, self.name(field))
        if number < 0 or (above_zero and number == 0):
            bound = "above zero" if above_zero else "zero or more"
            raise InvalidInput(f"{self.name(field)} must be {bound}", field=self.name(field))
        return number

    def exact(self, field: str, default: str | None = None) -> Fraction:
        """Like ``decimal``, ready for exact arithmetic."""
        return Fraction(self.decimal(field, default))

    def limit(self, field: str) -> Fraction | None:
        """Like ``exact``; ``None`` where there is no limit."""
        return None if self.get(field) is None else self.exact(field)

    def ordered(self, low: str, high: str) -> None:
        """Refuse an upper limit below the lower one."""
        least, most = self.limit(low), self.limit(high)
        if least is not None and most is not None and least > most:
            raise InvalidInput(
                f"{self.name(high)} must not be below {self.name(low)}", field=self.name(high)
            )

    def count(self, field: str) -> int:
        """A whole number of zero or more; 0 where it is absent."""
        number = self.decimal(field, "0")
        if number != number.to_integral_value():
            raise InvalidInput(f"{self.name(field)} must be a whole number", field=self.name(field))
        return int(number)

    def objects(self, field: str) -> "list[Fields]":
        """A non-empty list of objects."""
        value = self.get(field)
        if not isinstance(value, list) or not value:
            raise InvalidInput(f"{self.name(field)} must be a list", field=self.name(field))
        return [
            self._nested(item, f"{self.name(field)}[{number}].")
            for number, item in enumerate(value)
        ]

    def nested(self, field: str) -> "Fields | None":
        """A nested object, or ``None`` where it is absent."""
        value = self.get(field)
        return None if value is None else self._nested(value, f"{self.name(field)}.")

    def names(self, field: str) -> tuple[str, ...]:
        """A list of property names, possibly empty."""
        value = self.get(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidInput(
                f"{self.name(field)} must be a list of names", field=self.name(field)
            )
        return tuple(value)

    def done(self) -> None:
        """Refuse fields nobody asked for."""
        if unknown := sorted(set(self._values) - self._asked):
            field = self.name(unknown[0])
            raise InvalidInput(f"unknown field {field}", field=field)

    @staticmethod
    def _nested(value: object, path: str) -> "Fields":
        if not isinstance(value, Mapping):
            raise InvalidInput(f"{path[:-1]} must be an object", field=path[:-1])
        return Fields(value, path)
