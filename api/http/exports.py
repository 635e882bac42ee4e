"""Exports: what happened to money, for accounting programs."""

from typing import Any

from flask import Response

from api.auth import STAFF
from api.context import wired
from api.journal.formats import MEDIA, Format, journal_text
from api.journal.names import read_names
from api.openapi import ApiBook
from api.schemas.exports import JournalQuery
from application.exporting import Window

book = ApiBook("exports")

SUFFIX = {Format.CSV: "csv", Format.BEANCOUNT: "beancount", Format.HLEDGER: "journal"}


@book.op("GET", "/v1/exports/journal", roles=STAFF, query=JournalQuery(), also=frozenset({404}))
def export_journal(query: dict[str, Any]) -> Response:
    """A double-entry journal of invoices, credits, payments and what was given back.

    It is sent while it is made, by organization, and takes as long as there are organizations.
    """
    format_ = Format(query["format"])
    names = read_names(wired().settings.journal_accounts)
    window = Window(start=query["start"], end=query["end"])
    found = wired().exporting.journal(window, query["organization"])
    response = Response(journal_text(found, format_, names), content_type=MEDIA[format_])
    name = f"journal.{SUFFIX[format_]}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
