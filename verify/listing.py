"""Claims as rows of a list, and all that is known of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.records import Record
from verify.running import Result
from verify.values import Value
from verify.verdicts import Judgement


def rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """A row for each claim link, in the order of the files and lines."""
    judged = [judgement for result in results for judgement in result.judgements]
    judged.sort(key=lambda judgement: (judgement.claim.location, judgement.claim.span))
    return [row_of(judgement) for judgement in judged]


def row_of(judgement: Judgement) -> dict[str, Any]:
    """What a list says of one link; everything that JSON needs."""
    claim = judgement.claim
    found = {
        "place": str(claim.location),
        "note": claim.note,
        "name": claim.name,
        "text": claim.text,
        "title": claim.title,
        "verdict": judgement.verdict,
        "measured": judgement.measured,
        "what": judgement.what,
        "hint": judgement.hint,
    }
    return {key: value for key, value in found.items() if value or key in ("note", "text")}


def describe(result: Result, wanted: str) -> str:
    """Code, record, environment, and the links that show the values, for people."""
    job = result.task.job
    lines = [f"{job.owner}  ({result.task.topic.path})"]
    for source in job.sources:
        lines += ["", f"{source.path}:{source.line}"]
        lines += [f"    {line}" for line in source.code.rstrip("\n").split("\n")]
    lines += ["", *_recorded(result.record)]
    for judgement in result.judgements:
        claim = judgement.claim
        if wanted in (job.owner, claim.name, claim.note):
            title = f'  "{claim.title}"' if claim.title else ""
            lines.append(f"{claim.location}: {judgement.verdict:<9}  {claim.text}{title}  ({claim.name})")
            value = result.record.values.get(claim.name) if result.record is not None else None
            if value is not None:
                lines.append(f"    {spelled(value)}")
            lines += [f"    {text}" for text in (judgement.what, judgement.hint) if text]
    return "\n".join(lines)


def _recorded(record: Record | None) -> list[str]:
    if record is None:
        return ["never run, or with other code", ""]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(record.environment.items()))
    timed = [_timed(each) for each in record.evidence]
    return [f"{record.state} on {record.date} in {record.seconds:.2f} s with {versions}", *timed, ""]


def _timed(evidence: Mapping[str, Any]) -> str:
    """How one timing of a record was made, in a line."""
    processes = evidence.get("rounds", ())
    rounds = f"{sum(map(len, processes))} rounds in {len(processes)} processes"
    text = f"{evidence.get('measure')}: {evidence.get('modes')}, {rounds}, seed {evidence.get('seed')}"
    control = evidence.get("control")
    return text + (f", control {control:.4g}" if isinstance(control, int | float) else "")


def spelled(value: Value) -> str:
    """A value in full, with its interval and its samples."""
    if value.kind in ("truth", "text"):
        return f"{value.kind}: {value.truth if value.kind == 'truth' else value.text}"
    if value.kind == "figure":
        return "a figure"
    if value.kind == "table":
        rows = [", ".join(spelled(cell) for cell in row) for row in value.cells]
        return "\n    ".join([f"a table of {len(rows)} × {len(value.cells[0])}", *rows])
    unit = f" {value.unit}" if value.unit else ""
    number = value.formula if value.number is None else f"{value.number}{unit}"
    text = f"{value.kind}: {number}"
    if value.low is not None and value.high is not None:
        text += f", {value.low:.6g} to {value.high:.6g}{unit}"
    if value.samples:
        text += f", from {len(value.samples)} samples"
    return text
