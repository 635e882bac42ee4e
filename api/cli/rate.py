"""``cyclebook rate``: rate prices without a store, or a real history under another price."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from marshmallow import ValidationError

from api.cli.session import as_json, print_json, print_table, session
from api.errors import sentences
from api.limits import BODY_BYTES_MAX, BODY_TOO_LARGE
from api.report import Totals, Writing
from api.request_body import parse_json
from api.schemas.rating import (
    RatingPreviewSchema,
    RatingRequestSchema,
    WhatIfSchema,
    WholePriceSchema,
)
from application.rating_preview import preview
from application.rerating import Candidate, Rerated
from domain.errors import CyclebookError, InvalidInput
from domain.money import shown

if TYPE_CHECKING:
    from application.what_if import WhatIf


@click.command()
@click.argument("file", metavar="[FILE|-]", required=False)
@click.option("--history", metavar="ORG", is_flag=False, flag_value="", help="Rate a real history.")
@click.option("--all", "everybody", is_flag=True, help="The history of every organization.")
@click.option("--price", type=click.File("rb"), help="The other version of a price, in JSON.")
@click.option("--replaces", metavar="REF,REF", help="The versions it stands for, not all.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a report.")
@as_json
def rate(  # noqa: PLR0913
    file: str | None,
    history: str | None,
    everybody: bool,
    price: IO[bytes] | None,
    replaces: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Rate the requests in FILE, one JSON object on each line, like /v1/rating/preview.

    With --history, rate what really happened under another version of a price; write nothing.
    """
    if history is None:
        _rate_lines(file or "-")
        return
    if price is None:
        raise click.UsageError("--history needs --price")
    # click takes the word after --history for its value: with --all there is none.
    if everybody == bool(history) or file is not None:
        raise click.UsageError("name one organization after --history, or say --all")
    terms = _read_price(price)
    refs = replaces.split(",") if replaces else None
    with session() as wired:
        candidate = wired.what_if.candidate(terms, refs)
        if everybody:
            sys.exit(_report(wired.what_if, candidate, out, as_json))
        _show(wired.what_if.organization(history, candidate), as_json)


def _rate_lines(file: str) -> None:
    failed = False
    with click.open_file(file, "rb") as lines:
        for index, line in enumerate(_lines(lines)):
            answer = _rated(line)
            failed = failed or "code" in answer
            text = json.dumps({"index": index, **answer}, ensure_ascii=False)
            click.echo(text)
    sys.exit(1 if failed else 0)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines that say something; a longer one than is taken comes cut, and is refused."""
    while line := file.readline(BODY_BYTES_MAX + 1):
        rest = line
        while len(rest) > BODY_BYTES_MAX and not rest.endswith(b"\n"):
            rest = file.readline(BODY_BYTES_MAX + 1)
        if line.strip():
            yield line


def _rated(line: bytes) -> dict[str, Any]:
    """What a line comes to, or why it cannot be rated."""
    if len(line) > BODY_BYTES_MAX:
        return {"code": "too_large", "field": None, "detail": BODY_TOO_LARGE}
    try:
        request = RatingRequestSchema().load(parse_json(line))
        answer: dict[str, Any] = RatingPreviewSchema().dump(preview(request))
    except ValidationError as error:
        where, said = sentences(error)[0]
        return {"code": "invalid_input", "field": where, "detail": f"{where}: {said}"}
    except CyclebookError as error:
        said = str(error).replace("the body", "the line", 1)
        return {"code": error.code, "field": error.context.get("field"), "detail": said}
    return answer


def _read_price(file: IO[bytes]) -> dict[str, Any]:
    try:
        terms: dict[str, Any] = WholePriceSchema().load(parse_json(file.read(BODY_BYTES_MAX)))
    except ValidationError as error:
        where, said = sentences(error)[0]
        raise InvalidInput(f"price.{where}: {said}", field=f"price.{where}") from None
    except CyclebookError as error:
        said = str(error).replace("the body", "the price", 1)
        raise InvalidInput(f"{file.name}: {said}", field="price") from None
    return terms


def _show(found: Rerated, as_json: bool) -> None:
    if as_json:
        print_json(WhatIfSchema().dump(found))
        return
    rows: list[list[object]] = []
    for cycle in found.cycles:
        rows += [
            [cycle.cycle, line.key, *_money(found.currency, line)]
            for line in cycle.lines
            if line.difference
        ]
        rows.append([cycle.cycle, f"total ({cycle.status})", *_money(found.currency, cycle)])
    rows.append(["", f"all cycles, {found.currency.upper()}", *_money(found.currency, found)])
    title = f"{found.organization}, with another price in place of {', '.join(found.replaces)}"
    print_table(["cycle", "line", "now>", "then>", "difference>"], rows, title)


def _money(currency: str, each: Any) -> list[str]:
    return [shown(amount, currency) for amount in (each.now, each.then, each.difference)]


def _report(what_if: "WhatIf", candidate: Candidate, out: Path | None, as_json: bool) -> int:
    """Rate everybody's history; the report is written line by line as it is found."""
    writing = Writing(candidate)
    with open(out or os.devnull, "w", encoding="utf-8") as file:
        file.writelines(writing.text(what_if.everybody(candidate, _progress)))
    if sys.stderr.isatty():
        click.echo(err=True)
    totals = writing.totals
    if as_json:
        print_json({**totals.as_json(), "digest": writing.digest})
    else:
        _print_totals(totals, candidate.price.currency)
        click.echo(f"digest of the report: {writing.digest}")
    return 1 if totals.failed else 0


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} organizations rated", err=True, nl=False)


def _print_totals(totals: Totals, currency: str) -> None:
    rows: list[list[object]] = []
    for sign, what in ((-1, "pays less"), (1, "pays more")):
        for amount, organization in sorted(totals.widest[sign], reverse=True):
            rows.append([organization, what, shown(sign * amount, currency)])
    rows += [[each.organization, f"{each.code}: {each.detail}", ""] for each in totals.failed]
    print_table(["organization", "", "difference>"], rows)
    amounts = (totals.now, totals.then, totals.then - totals.now)
    now, then, difference = (shown(amount, currency) for amount in amounts)
    click.echo(
        f"{totals.organizations} organizations: {totals.winners} pay less, {totals.losers} more; "
        f"{now} now, {then} then, {difference} {currency.upper()} in all"
    )
