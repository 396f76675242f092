"""The whole page: one file that fetches nothing and reads without its script."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from pathlib import Path

from verify.report.entries import chapter
from verify.report.facts import Facts
from verify.report.spell import address, plain
from verify.report.summary import summary

_HERE = Path(__file__).parent

_FILTER = (
    '<form class="filter" role="search"><input type="search" id="words" aria-label="Filter the claims" '
    'placeholder="Filter: id, name, text, file"> <output id="shown"></output></form>'
)


def page(facts: Facts, folder: Path) -> str:
    """The report as HTML; the same facts give the same text.

    Args:
        facts: what it says.
        folder: where the page is going to lie; links to notes lead there from it.
    """
    style, script = _asset("style.css"), _asset("filter.js")
    # Whatever a note says, nothing but our own style and script can ever have an effect.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    title = plain(facts.title)
    chapters = "\n".join(
        chapter(found, lambda path, line: _where(folder, path, line)) for found in facts.chapters
    )
    body = chapters or "<p>There are no claims.</p>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title} · claims</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{title}</h1>\n{summary(facts)}\n{_FILTER}\n</header>\n"
        f"<main>\n{body}\n</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _where(folder: Path, path: str, line: int) -> str:
    """The address of a line of a note, as seen from the page."""
    return address(Path(os.path.relpath(path, folder)).as_posix(), line)


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"
