"""Results for other programs: JSON, and the XML that JUnit made a standard of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from verify.listing import row_of, rows
from verify.running import Result

_FAULTS = {
    "changed": "failure",
    "new": "failure",
    "unstable": "failure",
    "refuted": "failure",
    "failed": "error",
    "skipped": "skipped",
    "elsewhere": "skipped",
}


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """All claims with their verdicts, and the blocks that were run."""
    blocks = [
        {"owner": result.task.job.owner, "state": result.record.state, "seconds": result.record.seconds}
        | ({"what": result.record.what} if result.record.what else {})
        for result in results
        if result.ran and result.record is not None
    ]
    return {"format": 1, "claims": rows(results), "ran": blocks}


def as_junit(results: Sequence[Result]) -> str:
    """A test case for each claim link, a suite for each file."""
    root = ElementTree.Element("testsuites")
    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault(result.task.topic.path, []).append(result)
    for path, members in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", name=path)
        for result in members:
            _cases(suite, result)
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(plural, str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(suite: ElementTree.Element, result: Result) -> None:
    seconds = result.record.seconds if result.ran and result.record is not None else 0.0
    for judgement in result.judgements:
        claim = judgement.claim
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=claim.note or result.task.job.owner,
            name=claim.name,
            file=claim.location.path,
            line=str(claim.location.line),
            time=f"{seconds / len(result.judgements):.3f}",
        )
        kind = _FAULTS.get(judgement.verdict)
        if kind is not None:
            row = row_of(judgement)
            text = "\n".join(
                f"{key}: {row[key]}" for key in ("text", "measured", "what", "hint") if key in row
            )
            fault = ElementTree.SubElement(case, kind, message=judgement.what or judgement.verdict)
            fault.text = text
    if not result.judgements and result.record is not None:
        name = "the assertions"
        case = ElementTree.SubElement(suite, "testcase", classname=result.task.job.owner, name=name)
        if result.record.state != "done":
            kind = "failure" if result.record.state == "refuted" else "error"
            ElementTree.SubElement(case, kind, message=result.record.what)
