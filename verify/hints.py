"""What an author can do about a value that is not what the text says, where the code itself is the reason."""

from __future__ import annotations

from dataclasses import replace

from verify.agreement import agree
from verify.claims import Task
from verify.numbers import read
from verify.records import Record
from verify.values import Refusal, Value
from verify.verdicts import Judgement, is_bound

UNSEEDED = "neither code nor versions changed, and the value did: seed what the code draws, or claim a spread"


def of_percent(judgement: Judgement, record: Record) -> Judgement:
    """The judgement, with a hint where `71.8 %` stands for 71.8 and not for the share 0.718."""
    value = record.values.get(judgement.claim.name)
    text = judgement.claim.text.strip()
    if judgement.verdict != "changed" or judgement.hint or "%" not in text:
        return judgement
    if value is None or value.number is None or value.unit:
        return judgement
    try:
        written, share = read(text), _hundredth(value)
        if not (written.until or written).label.startswith("%") or agree(written, share).state == "changed":
            return judgement
    except Refusal:
        return judgement
    name, digits = judgement.claim.name, f"{float(share.exactly):.6g}"
    return replace(judgement, hint=f"`%` takes a share: let {name} be {digits}, a hundredth of what it is")


def of_drift(judgement: Judgement, earlier: Judgement, task: Task, record: Record) -> Judgement:
    """The judgement, with a hint where the same code gave another value than the last time; not for timings.

    Args:
        judgement: by what was measured just now.
        earlier: of the same link, by the record of the run before, of the same code and the same versions.
        task: the code.
        record: what was measured just now.
    """
    value = record.values.get(judgement.claim.name)
    if value is None or task.job.alone or is_bound(task, value, record):
        return judgement
    # By what would be written: a last bit that differs is no other value.
    if judgement.verdict != "changed" or judgement.hint or judgement.measured == earlier.measured:
        return judgement
    return replace(judgement, hint=UNSEEDED)


def _hundredth(value: Value) -> Value:
    """The value, read as so many percent."""
    ends = {
        name: end / 100 for name in ("number", "low", "high") if (end := getattr(value, name)) is not None
    }
    return replace(value, **ends)
