"""What comes first: topics in an order in which each stands behind those that it requires."""

from __future__ import annotations

from collections.abc import Sequence

from generator.errors import Problem
from generator.notes import Location, Topic


def study_order(topics: Sequence[Topic]) -> tuple[list[Topic], list[Problem]]:
    """The topics, each behind those it requires, otherwise in the order in which they came.

    Returns:
        All topics, and a problem for each circle of requirements.
    """
    named: dict[str, list[Topic]] = {}
    for topic in topics:
        named.setdefault(topic.file.stem, []).append(topic)
    ordered: list[Topic] = []
    done: set[str] = set()
    problems: list[Problem] = []
    for start in topics:
        # A walk of our own stack: a long chain of requirements must not end in a RecursionError.
        path = [start]
        while path:
            topic = path[-1]
            ahead = None if topic.path in done else _next(topic, named, done, path, problems)
            if ahead is not None:
                path.append(ahead)
                continue
            path.pop()
            if topic.path not in done:
                done.add(topic.path)
                ordered.append(topic)
    return ordered, problems


def _next(
    topic: Topic, named: dict[str, list[Topic]], done: set[str], path: list[Topic], problems: list[Problem]
) -> Topic | None:
    """A topic that this one requires and that has not been placed yet; a circle is a problem and is cut."""
    under_way = [open_topic.path for open_topic in path]
    for name in topic.requires:
        for required in named.get(name, ()):
            if required.path in done:
                continue
            if required.path not in under_way:
                return required
            circle = [*path[under_way.index(required.path) :], required]
            what = f"requirements go round: {' → '.join(step.file.stem for step in circle)}"
            if not any(problem.what == what for problem in problems):
                problems.append(Problem(Location(topic.path, 1), what, "take one of them out"))
    return None
