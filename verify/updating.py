"""`--update`: what was found is written into the notes, and figures are put in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from generator.collection import shown
from generator.errors import StateError
from generator.files import write_atomically
from generator.notes import MARKS, Topic
from verify.figures import fingerprint
from verify.opening import Session
from verify.records import Records
from verify.rewrite import apply, edit_of
from verify.running import Result
from verify.verdicts import Judgement, Verdict


def update(
    session: Session, results: Sequence[Result], adopt: bool, tell: Callable[[str, int], None]
) -> list[Result]:
    """Write the answers into the files; returns the results as the texts are now.

    Args:
        session: what the command works on.
        results: what became of the tasks.
        adopt: take over texts that speak of another machine.
        tell: told of each file that was written, with the number of answers.

    Raises:
        StateError: a file could not be rewritten; the others were.
    """
    by_topic: dict[Path, tuple[Topic, list[Judgement]]] = {}
    for result in results:
        by_topic.setdefault(result.task.topic.file, (result.task.topic, []))[1].extend(result.judgements)
    stuck: list[StateError] = []
    for topic, judgements in by_topic.values():
        edits = [edit for judgement in judgements if (edit := edit_of(judgement, adopt)) is not None]
        try:
            if apply(topic, edits):
                tell(topic.path, len(edits))
        except StateError as error:
            stuck.append(error)
    placed = [(result, place_figures(result, tell)) for result in results]
    keep_figures(session, placed)
    if stuck:
        raise stuck[0]
    return [
        replace(result, judgements=tuple(_mended(judgement, adopt, names) for judgement in result.judgements))
        for result, names in placed
    ]


def place_figures(result: Result, tell: Callable[[str, int], None] = lambda file, count: None) -> list[str]:
    """Put what a task drew just now in the place of what shows something else; returns the figures' names."""
    drawn, places = dict(result.task.job.figures), dict(result.task.figures)
    names = [
        judgement.claim.name
        for judgement in result.judgements
        if judgement.claim.is_figure
        and judgement.verdict in ("new", "changed")
        and Path(drawn[judgement.claim.name]).is_file()
    ]
    for name in names:
        places[name].parent.mkdir(parents=True, exist_ok=True)
        write_atomically(places[name], Path(drawn[name]).read_bytes())
        tell(shown(places[name]), 1)
    return names


def keep_figures(session: Session, placed: Sequence[tuple[Result, list[str]]]) -> None:
    """Let the records say of figures that were put in their places that these files show them."""
    for result, names in placed:
        if names and result.machine:
            places = dict(result.task.figures)
            records = Records(session.folder, result.machine, session.heirs)
            records.amend(result.task.job.owner, {name: fingerprint(places[name]) for name in names})


def _mended(judgement: Judgement, adopt: bool, placed: Sequence[str]) -> Judgement:
    """The judgement of the text as it is now."""
    match judgement.verdict:
        case "new" | "changed" if judgement.claim.is_figure:
            return replace(judgement, verdict="holds") if judgement.claim.name in placed else judgement
        case "new" | "changed":
            return replace(judgement, verdict="holds")
        case "unstable" if judgement.table or judgement.measured != judgement.claim.text:
            return replace(judgement, verdict="holds")
        case "elsewhere" if adopt:
            mark: Verdict = "refuted" if judgement.title == "refuted" else "failed"
            return replace(judgement, verdict=mark if judgement.title in MARKS else "holds")
    return judgement
