"""Files that people write for an import: what customers become, and which price a line is of."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from application.importing.naming import Wish
from domain.errors import InvalidInput

CUSTOMERS = ("customer", "organization", "currency", "time_zone", "anchor_day")
PRICES = ("theirs", "ours")


def read_wishes(path: Path | None) -> Mapping[str, Wish]:
    """What each customer is to become, by Stripe's id; nothing without a file.

    Raises:
        InvalidInput: it is no such table.
    """
    found: dict[str, Wish] = {}
    for place, row in _rows(path, CUSTOMERS, "customer"):
        if row["customer"] in found:
            raise InvalidInput(f"{place}: {row['customer']} is named twice", field="map")
        found[row["customer"]] = Wish(
            organization=row.get("organization") or None,
            currency=(row.get("currency") or "").lower() or None,
            time_zone=row.get("time_zone") or None,
            anchor_day=_day(place, row.get("anchor_day") or ""),
        )
    return found


def read_prices(path: Path | None) -> Mapping[str, str]:
    """Our price, by Stripe's id of a price or a product, or by a description.

    Raises:
        InvalidInput: it is no such table.
    """
    found: dict[str, str] = {}
    for place, row in _rows(path, PRICES, "theirs"):
        if not row.get("ours"):
            raise InvalidInput(f"{place}: no price of ours is named", field="prices")
        if found.setdefault(row["theirs"], row["ours"]) != row["ours"]:
            raise InvalidInput(f"{place}: {row['theirs']} has two prices of ours", field="prices")
    return found


def _rows(
    path: Path | None, columns: tuple[str, ...], needed: str
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row of a CSV table with the place it stands at, for people."""
    if path is None:
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            names = table.fieldnames or []
            if needed not in names or not set(names) <= set(columns):
                raise InvalidInput(
                    f"{path}: the first line has to name columns of {', '.join(columns)}, "
                    f"{needed} among them",
                    field="map",
                )
            for row in table:
                yield f"{path}, line {table.line_num}", _row(path, table.line_num, row, needed)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="map") from error


def _row(path: Path, line: int, row: Mapping[str, str], needed: str) -> dict[str, str]:
    if None in row or not (row[needed] or "").strip():
        raise InvalidInput(f"{path}, line {line}: not a row of this table", field="map")
    return {name: (text or "").strip() for name, text in row.items()}


def _day(place: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 31):
        raise InvalidInput(f"{place}: anchor_day has to be a day from 1 to 31", field="map")
    return int(text)
