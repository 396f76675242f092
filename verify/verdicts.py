"""Text × record → verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from generator.notes import MARKS, Claim, Table
from verify.agreement import agree, fitted
from verify.claims import Task, formula_of
from verify.figures import fingerprint, shows
from verify.filling import fill
from verify.markup import escaped, unescaped
from verify.numbers import Written, read, read_question, states_number
from verify.records import Record
from verify.sessions import standing
from verify.values import Refusal, Value
from verify.writing import write

Verdict = Literal[
    "holds", "changed", "changed?", "new", "elsewhere", "skipped", "unstable", "refuted", "failed"
]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one claim link."""

    claim: Claim
    """The link."""
    verdict: Verdict
    """What it is worth."""
    measured: str = ""
    """What ought to stand in the brackets, or the cells that differ; empty where nothing can be said."""
    title: str | None = None
    """The title that the link ought to have."""
    what: str = ""
    """What is wrong, where a verdict does not say it all."""
    hint: str = ""
    """What the author can do about it."""
    line: int | None = None
    """The line at which the code stopped, for one that did."""
    table: str = ""
    """The Markdown that ought to stand in the table's place; empty for every other claim."""


def judge(claim: Claim, task: Task, record: Record, device: str, away: str = "") -> Judgement:
    """Hold a link's text against what was measured.

    Args:
        claim: the link.
        task: the code that it rests on.
        record: what running that code found.
        device: the device that the record comes from, as cards name it.
        away: the machine whose timings the texts are meant to state, where the record comes from another one.
    """
    named = device_of(claim.title) if claim.title and claim.title not in MARKS else ""
    if record.state == "refuted" and task.job.alone and named and named != device:
        return Judgement(claim, "elsewhere", title="refuted", what=f"on {device}: {record.what}")
    if record.state != "done":
        verdict: Verdict = "refuted" if record.state == "refuted" else "failed"
        return Judgement(claim, verdict, title=verdict, what=record.what, hint=record.hint, line=record.line)
    if claim.name in record.unportrayable:
        what, _, hint = record.unportrayable[claim.name].partition("; ")
        return _failed(claim, what, hint or "let the code compute what the text states")
    value = record.values.get(claim.name)
    if value is None:
        return _failed(claim, f"the record has no value for {claim.name}", "run it again with --force")
    title = place(record, device) if is_bound(task, value, record) else None
    try:
        found = _compare(claim, task, record, value, title)
    except Refusal as error:
        found = _failed(claim, error.what, error.hint)
    if title and (named != device if named else away):
        # What would become of the text here stays in the judgement, for whoever wants to take it over.
        what = f"on {device}: {found.measured or found.what}"
        hint = "" if named else f"measure it on {away}, the reference machine, or take this over with --adopt"
        return replace(found, verdict="elsewhere", what=what, hint=hint)
    if found.verdict == "holds" and claim.title in MARKS:
        hint = "`verify run --update` takes the mark away"
        return replace(found, what=f"still marked '{claim.title}', which keeps its note back", hint=hint)
    return found


def is_bound(task: Task, value: Value, record: Record) -> bool:
    """Whether a value belongs to the machine that it was measured on: a timing, or words that rest on one."""
    timed = any(cell.kind == "timing" for row in value.cells for cell in row)
    # A file's code may import a timer that a note does not use.
    used = record.evidence or any(each.kind == "timing" for each in record.values.values())
    judged = bool(task.job.needs) or (task.job.alone and bool(used))
    return timed or value.kind == "timing" or (judged and value.kind == "truth")


def place(record: Record, device: str) -> str:
    """What a card says about where a timing was measured: `NVIDIA H200, torch 2.11.0, 2026-11`."""
    versions = [
        f"{name} {record.environment[name].partition('+')[0]}"
        for name in ("torch", "onnxruntime", "onnxruntime-gpu", "tensorrt")
        if name in record.environment
    ]
    return ", ".join([device, *versions, record.date[:7]])


def device_of(title: str) -> str:
    """The device that a title names."""
    return title.partition(",")[0].strip()


def _compare(claim: Claim, task: Task, record: Record, value: Value, title: str | None) -> Judgement:
    text = claim.text.strip()
    if claim.is_figure:
        return _figure(claim, task, record)
    if claim.table is not None:
        return _table(claim, claim.table, value, title)
    if value.kind == "table":
        hint = f"write 'Table: [what it shows](claim:{claim.name})' above or below the table"
        return _failed(claim, f"{claim.name} is a table, and '{text}' is no caption of one", hint)
    if claim.asks:
        return Judgement(claim, "new", _first_text(value, text), title)
    latex = formula_of(text)
    if latex is not None and not states_number(text):
        return _formula(claim, record, value, latex, title)
    if value.kind == "truth":
        if states_number(text):
            hint = f"claim the number: let {claim.name} be it, or put words into the brackets"
            return _failed(claim, f"'{text}' is a number, and a bool cannot vouch for one", hint)
        if value.truth:
            return Judgement(claim, "holds", claim.text, title)
        what = f"'{text}' stands only while {claim.name} is true, and it is false"
        return Judgement(
            claim, "refuted", title="refuted", what=what, hint="say what is true, or mend the code"
        )
    if value.kind == "text":
        same = unescaped(text) == value.text
        return Judgement(
            claim, "holds" if same else "changed", claim.text if same else escaped(value.text), title
        )
    if value.kind == "formula":
        return _failed(
            claim,
            f"'{text}' is no formula, and {claim.name} is",
            f"write [${value.formula}$](claim:{claim.name})",
        )
    written = read(text)
    agreement = agree(written, value)
    if agreement.state == "unstable":
        digits = agreement.digits or 0
        what = f"the spread carries {digits} digit{'s' * (digits != 1)}: {_interval(value)}"
        return Judgement(
            claim,
            "unstable",
            write(value, written),
            title,
            what,
            "write fewer digits, or measure more samples",
        )
    if agreement.state == "changed" and value.kind == "timing":
        return _timing(claim, record, value, written, title)
    if agreement.state == "changed":
        return Judgement(claim, "changed", write(value, written), title)
    return Judgement(claim, "holds", claim.text, title)


def _timing(claim: Claim, record: Record, value: Value, written: Written, title: str | None) -> Judgement:
    """A timing outside the interval of its text: sessions differ, and only two in a row change a text."""
    past = record.history.get(claim.name, ())
    found = standing(fitted(written, value), value, past)
    measured = write(value, written)
    if found == "confirmed":
        what = f"two sessions in a row, the one before on {past[-1].date}" if past else ""
        return Judgement(claim, "changed", measured, title, what)
    if found == "agrees":
        return Judgement(claim, "holds", measured, title)
    what = f"this session measured {measured}; the text stands until a second one in a row says so, too"
    again = f"`verify run --force {claim.location} --update` measures again"
    return Judgement(claim, "changed?", measured, title, what, again)


def _formula(claim: Claim, record: Record, value: Value, latex: str, title: str | None) -> Judgement:
    if latex == value.formula:  # sympy's own spelling of the claim, as `--update` writes it
        return Judgement(claim, "holds", claim.text, title)
    found = next((d for d in record.derivations if (d.name, d.latex.strip()) == (claim.name, latex)), None)
    if found is None:
        return _failed(claim, "the formula has not been held against the claim", "run `verify run`")
    if found.state == "proved":
        return Judgement(claim, "holds", claim.text, title)
    if found.state == "refuted" and value.formula:
        return Judgement(claim, "changed", f"${value.formula}$", title, what=found.detail)
    if found.state == "refuted":
        return Judgement(claim, "changed", write(value), title, what=found.detail)
    if found.state == "open":
        return _failed(claim, "not proved, and not refuted either", "write the formula closer to the code's")
    return _failed(claim, found.detail, "write LaTeX that sympy can read, or claim a number instead")


def _table(claim: Claim, table: Table, value: Value, title: str | None) -> Judgement:
    found = fill(table, value)
    if found.state == "unstable":
        what, hint = "more digits than the spread carries", "write fewer digits, or measure more samples"
        return Judgement(claim, "unstable", found.told, title, what, hint, table=found.text)
    return Judgement(claim, found.state, found.told or claim.text, title, table=found.text)


def _figure(claim: Claim, task: Task, record: Record) -> Judgement:
    target = dict(task.figures)[claim.name]
    if not target.is_file():
        return Judgement(claim, "new", what=f"{target.name} is not drawn yet")
    if shows(record, claim.name, fingerprint(target)):
        return Judgement(claim, "holds", claim.text)
    return Judgement(claim, "changed", what=f"{target.name} shows something else than the code draws")


def _first_text(value: Value, text: str) -> str:
    """What replaces a `?`."""
    if value.kind == "truth":
        raise Refusal(
            "a bool cannot say which words to write", "write the words: they stand while it is true"
        )
    if value.kind == "text":
        return escaped(value.text)
    if value.formula and (value.kind == "formula" or text.endswith("$")):
        return f"${value.formula}$"
    return write(value, read_question(text))


def _interval(value: Value) -> str:
    low, high = value.interval
    return f"{float(low):.4g} to {float(high):.4g}"


def _failed(claim: Claim, what: str, hint: str) -> Judgement:
    return Judgement(claim, "failed", title="failed", what=what, hint=hint)
