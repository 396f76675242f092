"""The claims of a file as HTML: verdict, written against measured, drawings, code, machine."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from generator.notes import Claim, Note
from verify.jobs import Source
from verify.numbers import read
from verify.records import Record
from verify.report import plot
from verify.report.colour import coloured
from verify.report.facts import Chapter, Entry, Row, searched
from verify.report.spell import anchor, code, exactly, link, plain
from verify.running import Evidence
from verify.sessions import Past
from verify.values import Refusal, Value
from verify.verdicts import is_bound

LARGEST_FIGURE = 200_000
"""Bytes that the drawing of a claim may have to be shown in the page."""

Where = Callable[[str, int], str]
"""From a file's path and a line to the address that a link of the page leads to."""


def chapter(found: Chapter, where: Where) -> str:
    """A file with all that rests on its code."""
    entries = "\n".join(_entry(entry, where) for entry in found.entries)
    path = plain(found.topic.path)
    title = plain(found.topic.title)
    return (
        f'<section class="file" id="{anchor(found.topic.path)}">\n'
        f'<h2>{title} <a class="path" href="{where(found.topic.path, 1)}">{path}</a></h2>\n'
        f"{entries}\n</section>"
    )


def _entry(entry: Entry, where: Where) -> str:
    rows = "\n".join(_row(row, entry, where) for row in entry.rows)
    heading = " ".join(_note(note, where) for note in entry.notes[:1]) or code(entry.owner)
    if entry.result.task.note is None:
        heading = f'<span class="own">Shared by the file</span> {code(entry.owner)}'
    return (
        f'<article class="block" id="{anchor(entry.owner)}">\n<h3>{heading}</h3>\n'
        f'<ul class="claims">\n{rows}\n</ul>\n{_evidence(entry, where)}\n</article>'
    )


def _row(row: Row, entry: Entry, where: Where) -> str:
    head = f'<li class="claim" data-verdict="{row.verdict}" data-words="{plain(searched(row, entry))}">'
    badge = f'<span class="verdict {row.verdict}">{row.verdict}</span>'
    judgement, evidence = row.judgement, row.evidence
    if judgement is None:
        return f'{head}{badge}<div class="written">{plain(row.name)}</div></li>'
    claim = judgement.claim
    text = f'<span class="text">{plain(claim.text) or "(empty)"}</span>'
    if judgement.verdict in ("changed", "new", "unstable") and judgement.measured:
        text += f' <span class="to">→</span> <span class="text">{plain(judgement.measured)}</span>'
    place = link(where(claim.location.path, claim.location.line), f"line {claim.location.line}")
    left = [f'<div class="written">{text}</div>', f'<div class="name">{code(row.name)} {place}</div>']
    if claim.title:
        left.append(f'<div class="what">says: {plain(claim.title)}</div>')
    for kind, said in (("what", judgement.what), ("hint", judgement.hint)):
        if said:
            left.append(f'<div class="{kind}">{plain(said)}</div>')
    value = evidence.record.values.get(claim.name) if evidence else None
    right = ""
    if value is not None and evidence is not None:
        on = (
            f" <i>on {plain(evidence.device)}</i>"
            if is_bound(entry.result.task, value, evidence.record)
            else ""
        )
        right = (
            f"<div><i>measured</i> {plain(exactly(value))}{on}{_drawn(claim, value, evidence, entry)}</div>"
        )
    return f"{head}{badge}<div>{''.join(left)}</div>{right}</li>"


def _drawn(claim: Claim, value: Value, evidence: Evidence, entry: Entry) -> str:
    """The sessions of a timing, the samples of a spread, or the figure itself."""
    if claim.is_figure:
        return _figure(claim, entry)
    if value.number is None or value.low is None or value.high is None:
        return ""
    low, high = float(value.low), float(value.high)
    earlier = evidence.record.history.get(claim.name, ())
    if earlier:
        now = Past(evidence.record.date, float(value.number), low, high)
        label = f"{claim.name} over {len(earlier) + 1} sessions"
        drawing = plot.history((*earlier, now), _stated(claim), label)
        return f"{drawing}<i>{len(earlier) + 1} sessions since {plain(earlier[0].date)}; dashed: the text</i>"
    if len(value.samples) > 1:
        label = f"{len(value.samples)} samples of {claim.name}"
        return plot.samples(value.samples, low, high, _stated(claim), label)
    return ""


def _stated(claim: Claim) -> float | None:
    """The number that a text states, in its value's unit."""
    try:
        return float(read(claim.text.strip()).number)
    except (Refusal, OverflowError):
        return None


def _figure(claim: Claim, entry: Entry) -> str:
    file = dict(entry.result.task.figures)[claim.name]
    if not file.is_file() or file.stat().st_size > LARGEST_FIGURE:
        return ""
    # As an image, a drawing can neither run scripts nor fetch anything.
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    return f'<img alt="{plain(claim.text)}" src="data:image/svg+xml;base64,{content}">'


def _evidence(entry: Entry, where: Where) -> str:
    """What can be unfolded: who shows the values, the machines, the code."""
    parts = [_record(known, entry, where) for known in entry.result.known]
    parts = parts or ['<p class="soft">Never run with this code.</p>']
    if entry.result.task.note is None or len(entry.notes) > 1:
        notes = ", ".join(_note(note, where) for note in entry.notes)
        parts.append(f'<p class="soft">Shown by {notes or "no note"}.</p>')
    parts += [_source(source, where) for source in entry.result.task.job.sources]
    return f"<details><summary>{_summary(entry)}</summary>\n" + "\n".join(parts) + "\n</details>"


def _summary(entry: Entry) -> str:
    if not entry.result.known:
        return "Code"
    record, device = entry.result.known[0].record, entry.result.known[0].device
    others = len(entry.result.known) - 1
    more = f" and on {others} more" if others else ""
    return f"Code, run on {plain(device)}{more}, {plain(record.date)}, {record.seconds:.2f} s"


def _record(known: Evidence, entry: Entry, where: Where) -> str:
    record = known.record
    versions = ", ".join(f"{name} {version}" for name, version in sorted(record.environment.items()))
    said = f"{record.state} on {known.device} ({known.machine}), {record.date}, {record.seconds:.2f} s"
    found = [f'<p class="soft">{plain(said)}<br>{plain(versions)}</p>']
    if record.what:
        path = entry.result.task.topic.path
        place = f"{link(where(path, record.line), f'{path}:{record.line}')}: " if record.line else ""
        found.append(f'<p class="stopped">{place}{plain(record.what)}</p>')
    if record.hint:
        found.append(f'<p class="soft">{plain(record.hint)}</p>')
    if len(entry.result.known) > 1:
        found.append(_values(record, entry.result.task.job.names))
    return "\n".join(found)


def _values(record: Record, names: Sequence[str]) -> str:
    """What one of several machines found."""
    rows = [
        f"<tr><td>{code(name)}</td><td>{plain(exactly(record.values[name]))}</td></tr>"
        for name in names
        if name in record.values
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _note(note: Note, where: Where) -> str:
    words = "".join(child.content if child.content else " " for child in note.question)
    place = where(note.location.path, note.location.line)
    return f"{link(place, ' '.join(words.split()) or note.id)} {code(note.id)}"


def _source(source: Source, where: Where) -> str:
    place = link(where(source.path, source.line), f"{source.path}:{source.line}")
    text = coloured(source.code.rstrip("\n"))
    return f'<p class="place">{place}</p>\n<pre tabindex="0"><code>{text}</code></pre>'
