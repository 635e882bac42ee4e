"""The commands in the documents: what their ``send``, ``ask`` and ``curl`` lines would ask the API.

A block that only makes sense somewhere else is preceded by ``<!-- not run: why -->``.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/tutorial/*.md")),
    *sorted(ROOT.glob("docs/how-to/*.md")),
    *sorted(ROOT.glob("docs/reference/*.md")),
]
_BLOCK = re.compile(r"(?:<!-- not run: (.*?) -->\n)?```(?:bash|sh|console)\n(.*?)```", re.S)
_HOST = re.compile(r"^(?:http://)?(?:127\.0\.0\.1:8000|localhost:8000|\$API|\$CYCLEBOOK)")
_VALUED = frozenset({"-X", "-H", "-d", "-o", "--data", "--header", "--request"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippet:
    """One request that a page tells people to send. marked: why it is not run."""

    page: str
    method: str
    path: str
    body: str | None
    media: str
    marked: str | None

    def __str__(self) -> str:
        return f"{self.page}: {self.method} {self.path} {self.body or ''}"[:300]


def snippets(page: Path) -> Iterator[Snippet]:
    """The requests of a page, in order."""
    name = str(page.relative_to(ROOT))
    for marked, block in _BLOCK.findall(page.read_text("utf-8")):
        for words in _commands(block.replace("\\\n", " ")):
            found = _request(words)
            if found is not None:
                method, path, body, media = found
                yield Snippet(
                    page=name,
                    method=method,
                    path=path,
                    body=body,
                    media=media,
                    marked=marked or None,
                )


def _commands(block: str) -> Iterator[list[str]]:
    """The words of each command; a quoted text may go over several lines."""
    begun = ""
    for line in block.splitlines():
        begun += f"{line}\n"
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:  # a quotation goes on
            continue
        begun = ""
        if words:
            yield words[1:] if words[0] == "$" else words


def _request(words: list[str]) -> tuple[str, str, str | None, str] | None:
    """Method, path, body and media type, where a command is a request."""
    match words:
        case ["send", method, path, *body]:
            return method, path, body[0] if body else None, "application/json"
        case ["ask", path]:
            return "GET", path, None, ""
        case ["curl", *options]:
            return _curl(options)
    return None


def _curl(options: list[str]) -> tuple[str, str, str | None, str] | None:
    given: dict[str, list[str]] = {}
    address = ""
    rest = iter(options)
    for word in rest:
        if word in _VALUED:
            given.setdefault(word, []).append(next(rest))
        elif not word.startswith(("-", ">", "|")) and _HOST.match(word):
            address = _HOST.sub("", word)
    if not address:
        return None
    body = given.get("-d", [None])[0]
    headers = dict(each.split(": ", 1) for each in given.get("-H", ()))
    method = given.get("-X", ["POST" if body is not None else "GET"])[0]
    return method, address, body, headers.get("Content-Type", "application/json")
