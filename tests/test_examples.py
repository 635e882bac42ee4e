"""The documents' examples: requests that the API takes, and examples that fit their schemas."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from jsonschema_rs import Draft202012Validator
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from api.app import BOOKS
from api.context import OPERATIONS
from api.openapi import Op, specification
from tests.api.conftest import app, sandbox_app, wired
from tests.snippets import PAGES, Snippet, snippets

__all__ = ["app", "sandbox_app", "wired"]

ABRIDGED = "{...}"
"""Stands for something that the page shows elsewhere."""

REQUESTS = [each for page in PAGES for each in snippets(page)]
EXAMPLES = [op for book in BOOKS for op in book.ops if op.example is not None]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return specification(BOOKS, "0")


@pytest.mark.parametrize("op", EXAMPLES, ids=lambda op: op.name)
def test_an_example_of_the_document_fits_its_schema(op: Op, document: dict[str, Any]) -> None:
    operation = _operation(document, op.name)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    assert [each.message for each in validator.iter_errors(op.example)] == []
    if op.body is not None:
        op.body.load(op.example)


def _operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        operation
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["operationId"] == name
    )


def test_every_request_in_the_documents_is_one_that_the_api_takes(app: Flask) -> None:
    wrong = {str(each): said for each in REQUESTS if (said := refusal(app, each)) is not None}
    assert wrong == {}


def test_requests_are_found_on_pages() -> None:
    pages = {each.page for each in REQUESTS}
    assert len(REQUESTS) > 75
    assert {"docs/how-to/discounts.md", "docs/tutorial/first-invoice.md"} <= pages


@pytest.mark.parametrize("page", [each for each in PAGES if each.parent.name == "how-to"])
def test_a_guide_that_sends_says_what_send_is(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "#from-a-shell" in text or not re.search(r"^(send|ask) ", text, re.M)


def refusal(app: Flask, snippet: Snippet) -> str | None:
    """Why nobody would take this request, whatever there is; ``None`` where somebody might."""
    parts = urlsplit(snippet.path.replace("$MONTH", "2026-11"))
    try:
        name, _ = app.url_map.bind("").match(parts.path, snippet.method)
    except HTTPException as error:
        return error.name
    op = app.extensions[OPERATIONS].get(name)
    if op is None:
        return None
    try:
        op.query.load(dict(parse_qsl(parts.query, keep_blank_values=True)))
        if op.body is not None and ABRIDGED not in (snippet.body or ""):
            op.body.load(json.loads((snippet.body or "").replace("$MONTH", "2026-11")))
    except (ValidationError, ValueError) as error:
        return str(error)
    return None
