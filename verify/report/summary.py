"""The top of a report: verdicts, machines, slowest code, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from generator.errors import count
from verify.coverage import Coverage, share
from verify.report import plot
from verify.report.facts import Chapter, Facts, Machine, machines, slowest
from verify.report.spell import anchor, code, plain
from verify.show import ORDER, counted

SLOWEST = 10
"""Pieces of code that the list of the slowest names."""

MANY = 8
"""Rows of a table beyond which it is folded."""


def summary(facts: Facts) -> str:
    """The summary of a report."""
    known = machines(facts)
    verdicts = facts.verdicts
    claims = f"{count(verdicts.total(), 'claim')} in {count(len(facts.chapters), 'file')}"
    newest = max((machine.last for machine in known), default="")
    measured = f", the last one measured on {newest}" if newest else ", none of them measured yet"
    chips = "".join(
        f'<li><button type="button" data-verdict="{verdict}" aria-pressed="false">'
        f'<span class="verdict {verdict}">{verdict}</span> {verdicts[verdict]:,}</button></li>'
        for verdict in ORDER
        if verdicts[verdict]
    )
    return "\n".join(
        part
        for part in (
            f'<p class="soft">{plain(claims + measured)}.</p>',
            f'<ul class="chips">{chips}</ul>',
            _coverage(facts.coverage),
            _machines(known, facts.reference),
            _slowest(facts),
            _files(facts.chapters),
        )
        if part
    )


def _coverage(found: Coverage) -> str:
    parts = [("measured", found.measured), ("cited", found.cited), ("given", found.given)]
    bar = plot.shares([*parts, ("bare", len(found.bare))], counted(found))
    numbers = f"{share(found):.1%} of {count(found.numbers, 'number')} vouched for: {counted(found)}"
    return f'<div class="coverage">{bar}<p class="soft">{plain(numbers)}</p></div>'


def _machines(known: Sequence[Machine], reference: str) -> str:
    if not known:
        return ""
    rows = []
    for machine in known:
        name = code(machine.name)
        if reference and reference in (machine.name, machine.device):
            name += " <em>reference</em>"
        days = machine.first if machine.first == machine.last else f"{machine.first} to {machine.last}"
        versions = ", ".join(f"{package} {' / '.join(found)}" for package, found in machine.versions.items())
        rows.append((plain(machine.device), name, f"{machine.claims:,}", plain(days), plain(versions)))
    named = ", ".join(machine.device for machine in known)
    return _table(
        f"Machines: {named}", len(known) <= MANY, ("Device", "Name", "Claims", "Measured", "Versions"), rows
    )


def _slowest(facts: Facts) -> str:
    found = slowest(facts.entries, SLOWEST)
    rows = [
        (f'<a href="#{anchor(entry.owner)}">{code(entry.owner)}</a>', f"{entry.seconds:.2f} s")
        for entry in found
    ]
    if not rows:
        return ""
    title = f"Slowest: {found[0].owner}, {found[0].seconds:.2f} s"
    return _table(title, False, ("Code of", "Seconds"), rows)


def _files(chapters: Iterable[Chapter]) -> str:
    rows = []
    for chapter in chapters:
        verdicts = chapter.verdicts
        counts = ", ".join(f"{verdicts[verdict]:,} {verdict}" for verdict in ORDER if verdicts[verdict])
        seconds = sum(entry.seconds for entry in chapter.entries)
        path = f'<a href="#{anchor(chapter.topic.path)}">{plain(chapter.topic.path)}</a>'
        rows.append(
            (path, f"{verdicts.total():,}", counts, f"{share(chapter.coverage):.1%}", f"{seconds:.1f} s")
        )
    return _table(
        f"Files: {len(rows)}",
        len(rows) <= MANY,
        ("File", "Claims", "Verdicts", "Vouched for", "Seconds"),
        rows,
    )


def _table(title: str, opened: bool, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that can be folded away; its cells are HTML."""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "\n".join(f"<tr>{''.join(map(_cell, heads, row))}</tr>" for row in rows)
    return (
        f"<details{' open' * opened}><summary>{plain(title)}</summary>\n"
        f'<table class="facts"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></details>'
    )


def _cell(head: str, content: str) -> str:
    kind = ' class="day"' if head in ("Name", "Measured") else ""
    return f'<td{kind} data-head="{head}">{content}</td>'
