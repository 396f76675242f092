"""Ten small texts that other tools garble, each through a package and the real Anki."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generator.build import build
from tests.anki_engine import Learner
from tests.notes import visible, write_notes

CASES = {
    "prices": ("It costs $5 now and $10 later.", "It costs $5 now and $10 later."),
    "emphasis": ("So $a_1 * b_2 * c_3$ it is.", r"So \(a_1 * b_2 * c_3\) it is."),
    "thin-space": (r"So $a\,b$ it is.", r"So \(a\,b\) it is."),
    "matrix": (
        r"So $$\begin{pmatrix} a & b \\ c & d \end{pmatrix}$$ it is.",
        r"So \[\begin{pmatrix} a & b \\ c & d \end{pmatrix}\] it is.",
    ),
    "less": ("So $a<b$ and $c>d$ it is.", r"So \(a<b\) and \(c>d\) it is."),
    "one-line": ("$$E=mc^2$$", r"\[E=mc^2\]"),
    "several-lines": ("$$\nE\n= mc^2\n$$", r"\[E = mc^2\]"),
    "shell": ("```sh\necho $HOME $PATH\n```", "echo $HOME $PATH"),
    "code": ("`$x$` and `word_with_underscores`", "$x$ and word_with_underscores"),
    "braces": ("`{{ user }}` and\n\n```html\n{{ user }}\n```", "{{ user }} and {{ user }}"),
}
CLOZES = {
    "math": (r"{{c1::$\frac{a}{\text{b}}$}} is", "[...] is", r"\(\frac{a}{\text{b} }\) is"),
    "code": ("{{c1::`std::vector`}} is", "[...] is", "std::vector is"),
    "template": ("{{c1::`{{ user }}`}} is", "[...] is", "{{ user }} is"),
    "prices": ("{{c1::$5}} and $10", "[...] and $10", "$5 and $10"),
}
CHEMISTRY = {
    "inline": (r"So $\ce{2H2 + O2 -> 2H2O}$.", r"So \(\ce{2H2 + O2 -> 2H2O}\)."),
    "display": (r"$$\ce{^{227}_{90}Th+}$$", r"\[\ce{^{227}_{90}Th+}\]"),
    "table": ("| a |\n|---|\n| $\\ce{H2O}$ |", r"a \(\ce{H2O}\)"),
    "list": ("- $\\ce{SO4^2-}$\n- b", r"\(\ce{SO4^2-}\) b"),
}


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learner]:
    folder = tmp_path_factory.mktemp("collection")
    text = "# Markup\n"
    for prefix, cases in (("case", CASES), ("ce", CHEMISTRY)):
        for name, (body, _) in cases.items():
            text += f"\n## About {name}? {{#{prefix}-{name}}}\n\n{body}\n"
    for name, (body, _, _) in CLOZES.items():
        text += f"\n## About {name} {{#cloze-{name}}}\n\n{body}\n"
    text += "\n## What is $\\ce{H2O}$ in `a::b`? {#heading}\n\nWater.\n"
    write_notes(folder / "cards", text)
    report = build(folder / "cards", folder / "decks")
    assert not report.warnings, "\n".join(map(str, report.warnings))
    person = Learner(folder / "anki")
    person.imports(folder / "decks" / "cards.apkg")
    yield person
    person.closes()


@pytest.mark.parametrize("name", CASES)
def test_a_text_is_seen_as_it_was_written(learner: Learner, name: str) -> None:
    card = learner.note(f"case-{name}").cards()[0]
    assert visible(card.answer()) == f"Markup About {name}? {CASES[name][1]}"


@pytest.mark.parametrize("name", CHEMISTRY)
def test_chemistry_reaches_mathjax_unchanged(learner: Learner, name: str) -> None:
    card = learner.note(f"ce-{name}").cards()[0]
    assert visible(card.answer()) == f"Markup About {name}? {CHEMISTRY[name][1]}"


@pytest.mark.parametrize("name", CLOZES)
def test_a_deletion_hides_all_that_it_holds(learner: Learner, name: str) -> None:
    card = learner.note(f"cloze-{name}").cards()[0]
    _, question, answer = CLOZES[name]
    assert visible(card.question()) == f"Markup About {name} {question}"
    assert visible(card.answer()) == f"Markup About {name} {answer}"


def test_a_heading_may_hold_math_and_code(learner: Learner) -> None:
    card = learner.note("heading").cards()[0]
    assert visible(card.question()) == r"Markup What is \(\ce{H2O}\) in a::b?"
