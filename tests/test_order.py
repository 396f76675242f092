"""Topics come behind those that they require."""

from __future__ import annotations

from pathlib import Path

from generator.collection import load
from generator.errors import Problem


def order(tmp_path: Path, **requires: str) -> tuple[list[str], list[Problem]]:
    """The study order of files that require each other so, and what is wrong with it."""
    for name, required in requires.items():
        text = f"---\nrequires: [{required}]\n---\n\n# {name}\n\n## Q? {{#{name}}}\n\nA.\n"
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    collection = load(tmp_path)
    return [topic.file.stem for topic in collection.topics], list(collection.problems)


def test_without_requirements_the_order_is_that_of_the_paths(tmp_path: Path) -> None:
    assert order(tmp_path, b="", a="", c="")[0] == ["a", "b", "c"]


def test_what_is_required_comes_first_and_the_rest_stays_where_it_was(tmp_path: Path) -> None:
    assert order(tmp_path, a="d", b="", c="a", d="")[0] == ["d", "a", "b", "c"]


def test_a_long_chain_is_no_trouble(tmp_path: Path) -> None:
    names = [f"t{number:04}" for number in range(1500)]
    chain = dict(zip(names, [*names[1:], ""], strict=True))
    assert order(tmp_path, **chain)[0] == names[::-1]


def test_a_circle_is_named(tmp_path: Path) -> None:
    names, problems = order(tmp_path, a="b", b="c", c="a", d="")
    assert sorted(names) == ["a", "b", "c", "d"]
    (problem,) = problems
    assert problem.what == "requirements go round: a → b → c → a"
    assert problem.severity == "error"


def test_a_topic_that_requires_itself_is_a_circle(tmp_path: Path) -> None:
    (problem,) = order(tmp_path, a="a")[1]
    assert problem.what == "requirements go round: a → a"
