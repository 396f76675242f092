"""`--update`: what was found is written into the notes, and figures are put in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from generator.collection import shown
from generator.errors import StateError
from generator.files import write_atomically
from generator.notes import MARKS, Topic
from verify.claims import Task
from verify.rewrite import apply, edit_of
from verify.running import Result
from verify.verdicts import Judgement, Verdict


def update(results: Sequence[Result], adopt: bool, tell: Callable[[str, int], None]) -> list[Result]:
    """Write the answers into the files; returns the results as the texts are now.

    Args:
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
    for result in results:
        _place_figures(result.task, result.judgements, tell)
    if stuck:
        raise stuck[0]
    return [
        replace(result, judgements=tuple(_mended(judgement, adopt) for judgement in result.judgements))
        for result in results
    ]


def _place_figures(task: Task, judgements: Sequence[Judgement], tell: Callable[[str, int], None]) -> None:
    drawn = dict(task.job.figures)
    for judgement in judgements:
        if judgement.claim.is_figure and judgement.verdict in ("new", "changed"):
            name = judgement.claim.name
            source, target = Path(drawn[name]), dict(task.figures)[name]
            if source.is_file():
                write_atomically(target, source.read_bytes())
                tell(shown(target), 1)


def _mended(judgement: Judgement, adopt: bool) -> Judgement:
    """The judgement of the text as it is now."""
    match judgement.verdict:
        case "new" | "changed":
            return replace(judgement, verdict="holds")
        case "unstable" if judgement.table or judgement.measured != judgement.claim.text:
            return replace(judgement, verdict="holds")
        case "elsewhere" if adopt:
            mark: Verdict = "refuted" if judgement.title == "refuted" else "failed"
            return replace(judgement, verdict=mark if judgement.title in MARKS else "holds")
    return judgement
