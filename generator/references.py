"""The literature that cards cite: `references.bib`, read by bibtexparser."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from generator.errors import Problem
from generator.notes import Location
from generator.source import read_source

_ENTRY = re.compile(r"^[ \t]*@(\w+)[ \t]*\{[ \t]*([^,\s}]+)", re.MULTILINE)
_BRACES = re.compile(r"[{}]")
_GROUP = re.compile(r"\{[^{}\\]*\}")
"""An author in braces of its own, `{{PyTorch contributors}}`: a group, without a family name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One source."""

    key: str
    """How cards cite it."""
    authors: str
    """Family names: `Howard et al.`, `Ioffe and Szegedy`."""
    year: str
    """Year of publication."""
    title: str
    """Title without braces."""
    url: str
    """A link to it (DOI, arXiv, or the URL given); may be empty."""

    def as_html(self, place: str | None) -> str:
        """The source in one line, with the place in it (`Table 4`)."""
        title = html.escape(self.title, quote=False)
        linked = f'<a href="{html.escape(self.url)}">{title}</a>' if self.url else title
        where = f", {html.escape(place, quote=False)}" if place else ""
        return f"{html.escape(self.authors, quote=False)} ({self.year}): {linked}{where}"


def read_references(file: Path, path: str) -> tuple[dict[str, Reference], list[Problem]]:
    """Read a BibTeX file; a file that is not there holds no references.

    Args:
        file: where it is.
        path: how it is shown to people.
    """
    if not file.exists():
        return {}, []
    source = read_source(file, path)
    if isinstance(source, Problem):
        return {}, [source]
    from bibtexparser import loads
    from bibtexparser.bparser import BibTexParser

    parser = BibTexParser(common_strings=True, ignore_nonstandard_types=False)
    found = {entry["ID"]: entry for entry in loads(source.body, parser=parser).entries}
    problems: list[Problem] = []
    seen: dict[str, Location] = {}
    for match in _ENTRY.finditer(source.text):
        kind, key, place = match[1].lower(), match[2], source.location(match.start(1))
        if kind in ("comment", "string", "preamble"):
            continue
        if key in seen:
            problems.append(
                Problem(place, f"the key '{key}' stands at {seen[key]} already", "rename one of them")
            )
        elif key not in found:
            problems.append(
                Problem(place, f"the entry '{key}' cannot be read", "check its braces and commas")
            )
        seen[key] = place
    references = {key: _reference(key, entry) for key, entry in found.items()}
    for key, entry in found.items():
        missing = [name for name in ("author", "title", "year") if not entry.get(name)]
        if missing:
            what = f"the entry '{key}' has no {' and no '.join(missing)}"
            problems.append(
                Problem(seen.get(key, Location(path, 1)), what, "add it, so that a card can name its source")
            )
    return references, problems


def _reference(key: str, entry: dict[str, str]) -> Reference:
    doi, eprint = entry.get("doi", ""), entry.get("eprint", "")
    url = entry.get("url") or (
        f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{eprint}" if eprint else ""
    )
    names = [_family(name) for name in re.split(r"\s+and\s+", entry.get("author", "").strip()) if name]
    joined = " and ".join(names) if len(names) <= 2 else f"{names[0]} et al."
    return Reference(key, joined, entry.get("year", ""), _plain(entry.get("title", "")), url)


def _family(name: str) -> str:
    if _GROUP.fullmatch(name):
        return _plain(name)
    name = _plain(name)
    return name.partition(",")[0].strip() if "," in name else name.split()[-1] if name.split() else name


def _plain(text: str) -> str:
    return " ".join(_BRACES.sub("", text).split())
