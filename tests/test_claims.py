"""What is to be run: which code belongs to which note, and when it has to be run again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.workplace import read_topic
from verify import claims
from verify.claims import Task, check_figures, check_imports, formula_of, plan

CARDS = """\
---
deck: Vision
---

# Convolutions

About convolutions.

```python claim
from verify import parameters
from torch.nn import Conv2d

M, N = 128, 256
standard = parameters(Conv2d(M, N, 3, bias=False))
```

```python claim
pi = 3.14
```

## How many weights? {#weights}

[294,912](claim:standard) of them.

## How many outputs? {#outputs}

```python claim timeout=5
outputs = N * 56 * 56
M = 64
```

[802,816](claim:outputs), from [64](claim:M) channels; once more [294,912](claim:standard),
and [802,816](claim:outputs).

## And the circle? {#circle}

```python claim
area = pi * 2**2
```

[12.6](claim:area)
"""


def tasks_of(folder: Path, text: str = CARDS, name: str = "cards/topic.md") -> dict[str, Task]:
    """What is to be run for a file of notes, by owner."""
    root = folder / "cards"
    return {task.job.owner: task for task in plan([read_topic(folder, text, name)], root, folder / "drawn")}


def digests(folder: Path, text: str = CARDS, name: str = "cards/topic.md") -> dict[str, str]:
    return {owner: task.job.digest for owner, task in tasks_of(folder, text, name).items()}


CACHES = (claims._module_text, claims._module_shape, claims._closure, claims._table)


@pytest.fixture
def fresh_modules() -> Iterator[None]:
    """Forget what was read of the measuring library, before and after."""
    for cached in CACHES:
        cached.cache_clear()
    yield
    for cached in CACHES:
        cached.cache_clear()


def test_a_file_and_each_note_with_code_is_one_task(tmp_path: Path) -> None:
    assert list(tasks_of(tmp_path)) == ["file:topic.md", "outputs", "circle"]


def test_a_name_belongs_to_the_note_that_binds_it_and_else_to_the_file(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path)
    assert tasks["file:topic.md"].job.names == ("standard",)
    assert [claim.note for claim in tasks["file:topic.md"].claims] == ["weights", "outputs"]
    assert tasks["outputs"].job.names == ("outputs", "M")
    assert [claim.name for claim in tasks["outputs"].claims] == ["outputs", "M", "outputs"]


def test_a_note_runs_only_the_code_of_the_file_that_it_rests_on(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path)
    codes = {
        owner: [source.code.splitlines()[-1] for source in task.job.sources] for owner, task in tasks.items()
    }
    assert codes["outputs"] == ["standard = parameters(Conv2d(M, N, 3, bias=False))", "M = 64"]
    assert codes["circle"] == ["pi = 3.14", "area = pi * 2**2"]


def test_each_piece_of_code_knows_its_line_in_the_card(tmp_path: Path) -> None:
    lines = CARDS.split("\n")
    for task in tasks_of(tmp_path).values():
        for source in task.job.sources:
            assert lines[source.line - 1] == source.code.split("\n")[0]
            assert source.path == "cards/topic.md"


def test_code_of_a_file_that_states_nothing_is_not_run_by_itself(tmp_path: Path) -> None:
    text = "# T\n\n```python claim\nx = 1\n```\n\n## Q? {#q}\n\nA.\n"
    assert tasks_of(tmp_path, text) == {}
    assert list(tasks_of(tmp_path, text.replace("x = 1", "x = 1\nassert x == 1"))) == ["file:topic.md"]


def test_time_and_needs_of_all_blocks_are_added_up(tmp_path: Path) -> None:
    text = (
        "# T\n\n```python claim needs=cuda timeout=5\nx = 1\n```\n\n"
        "## Q? {#q}\n\n```python claim needs=tensorrt,cuda timeout=300\ny = x\n```\n\n[1](claim:y)\n"
    )
    job = tasks_of(tmp_path, text)["q"].job
    assert job.needs == ("cuda", "tensorrt")
    assert job.timeout == 300
    assert tasks_of(tmp_path)["file:topic.md"].job.timeout == claims.TIMEOUT


def test_a_claim_that_needs_a_gpu_gets_more_time_unless_it_says_otherwise(tmp_path: Path) -> None:
    text = "# T\n\n## Q? {#q}\n\n```python claim needs=cuda%s\ny = 1\n```\n\n[1](claim:y)\n"
    for attribute, seconds in (("", claims.TIMEOUT_WITH_DEVICE), (" timeout=7", 7)):
        assert tasks_of(tmp_path, text % attribute)["q"].job.timeout == seconds


@pytest.mark.parametrize("code", ["from verify import compare", "import verify\nx = verify.compare({})"])
def test_a_timing_runs_alone(tmp_path: Path, code: str) -> None:
    text = f"# T\n\n## Q? {{#q}}\n\n```python claim\n{code}\ny = 1\n```\n\n[1](claim:y)\n"
    assert tasks_of(tmp_path, text)["q"].job.alone
    assert not tasks_of(tmp_path)["file:topic.md"].job.alone


def test_formulas_and_figures_are_asked_for_with_the_values(tmp_path: Path) -> None:
    text = (
        "# T\n\n## Q? {#q}\n\n```python claim\ncost = plot = 1\n```\n\n"
        '[$K^2$](claim:cost), [?](claim:cost), ![Cost](figures/cost.svg "claim:plot")\n'
    )
    task = tasks_of(tmp_path, text)["q"]
    assert task.job.formulas == (("cost", "K^2"),)
    assert task.job.names == ("cost", "plot")
    ((name, drawn),) = task.job.figures
    assert name == "plot" and Path(drawn).is_relative_to(tmp_path / "drawn")
    assert task.figures == (("plot", tmp_path / "cards/figures/cost.svg"),)


@pytest.mark.parametrize(
    ("text", "latex"),
    [("$K^2$", "K^2"), (" $ K $ ", "K"), ("8.7×", None), ("$a$ and $b$", None), ("$", None), ("?", None)],
)
def test_a_formula_is_a_text_that_is_math_from_end_to_end(text: str, latex: str | None) -> None:
    assert formula_of(text) == latex


UNCHANGED = {
    "a comment": ("M, N = 128, 256", "# channels\nM, N = 128, 256  # in, out"),
    "layout": ("M, N = 128, 256", "\nM,   N = (128,\n  256)\n"),
    "prose": ("About convolutions.", "Something else, and more of it.\n\nMuch more."),
    "a question": ("How many weights?", "How many numbers does the layer learn?"),
    "an answer": ("[294,912](claim:standard) of them", "[?](claim:standard) weights"),
    "time to run": ("timeout=5", "timeout=50"),
    "front matter": ("deck: Vision", "deck: Efficient Vision\ntags: [a]"),
}


@pytest.mark.parametrize("edit", UNCHANGED.values(), ids=UNCHANGED)
def test_what_changes_no_value_asks_for_no_new_run(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert edit[0] in CARDS
    assert digests(tmp_path, CARDS.replace(*edit)) == digests(tmp_path)


def test_a_docstring_asks_for_no_new_run(tmp_path: Path) -> None:
    bare = CARDS.replace("pi = 3.14\n", "def f():\n    return 3\npi = f()\n")
    told = bare.replace("def f():\n", "def f():\n    'Three.'\n")
    assert told != bare
    assert digests(tmp_path, told) == digests(tmp_path, bare)


def test_a_moved_file_asks_for_no_new_run(tmp_path: Path) -> None:
    moved = digests(tmp_path, CARDS, "cards/elsewhere/renamed.md")
    assert list(moved.values()) == list(digests(tmp_path).values())


def test_a_moved_note_asks_for_no_new_run(tmp_path: Path) -> None:
    head, weights, outputs, circle = CARDS.split("\n## ")
    moved = "\n## ".join((head, circle, outputs, weights))
    assert digests(tmp_path, moved) == digests(tmp_path)


CHANGED = {
    "a constant": ("2**2", "3**2", {"circle"}),
    "a value of the file": ("pi = 3.14", "pi = 3.1416", {"file:topic.md", "circle"}),
    "an operator": ("N * 56", "N + 56", {"outputs"}),
    "a name": ("bias=False", "bias=None", {"file:topic.md", "outputs"}),
    "what it needs": ("claim timeout=5", "claim needs=cuda", {"outputs"}),
}


@pytest.mark.parametrize(("old", "new", "owners"), CHANGED.values(), ids=CHANGED)
def test_what_may_change_a_value_asks_for_a_new_run(
    tmp_path: Path, old: str, new: str, owners: set[str]
) -> None:
    before, after = digests(tmp_path), digests(tmp_path, CARDS.replace(old, new))
    assert {owner for owner in before if after[owner] != before[owner]} == owners


@pytest.mark.usefixtures("fresh_modules")
@pytest.mark.parametrize(
    ("module", "edit", "rerun"),
    [
        ("measures/counting.py", "\nLARGER = 1\n", True),
        ("measures/forward.py", "\nLARGER = 1\n", True),  # counting rests on it
        ("measures/counting.py", "\n# a remark\n", False),
        ("measures/receptive_field.py", "\nLARGER = 1\n", False),
        ("rewrite.py", "\nLARGER = 1\n", False),
    ],
)
def test_an_edit_of_the_measure_that_a_claim_uses_asks_for_a_new_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, edit: str, rerun: bool
) -> None:
    before = digests(tmp_path)
    edited = tmp_path / "verify"
    shutil.copytree(Path(claims.__file__).parent, edited, ignore=shutil.ignore_patterns("__pycache__"))
    with (edited / module).open("a", encoding="utf-8") as file:
        file.write(edit)
    monkeypatch.setattr(claims, "_HERE", edited)
    for cached in CACHES:
        cached.cache_clear()
    after = digests(tmp_path)
    assert (after["file:topic.md"] != before["file:topic.md"]) is rerun
    assert after["circle"] == before["circle"]


@pytest.mark.parametrize(
    "code",
    [
        "from verify import parameters\nx = parameters",
        "import verify\nx = verify.parameters",
        "from verify.measures.counting import parameters\nx = parameters",
        "def count():\n    from verify import parameters\nx = count",
    ],
)
def test_a_measure_is_seen_however_it_is_imported(tmp_path: Path, code: str) -> None:
    text = f"# T\n\n## Q? {{#q}}\n\n```python claim\n{code}\n```\n\n[1](claim:x)\n"
    assert "torch" in tasks_of(tmp_path, text)["q"].packages


FAMILIES = "verify.measures.models."


@pytest.mark.parametrize(
    ("code", "families"),
    [
        ('model("vgg16")', {"plain"}),
        ('[model(name) for name in ("resnet18", "vgg11")]', {"plain", "resnet"}),
        ('[model(f"efficientnet-b{i}") for i in range(8)]', {"efficientnet"}),
        ('model("mobilenet-v" + str(3) + "-large")', None),  # no whole word: all of them
        ("[model(name) for name in names]", None),
    ],
)
def test_a_claim_rests_on_the_families_of_models_that_it_names(code: str, families: set[str] | None) -> None:
    found = claims.chosen({"verify.measures.models"}, [code])
    chosen = {name.removeprefix(FAMILIES) for name in found if name.startswith(FAMILIES)}
    every = set(import_module("verify.measures.models").CHOSEN_BY_WORD.values())
    expected = {name.removeprefix(FAMILIES) for name in every} if families is None else families
    assert chosen - {"networks", "hub"} == expected


@pytest.mark.usefixtures("fresh_modules")
@pytest.mark.parametrize(("family", "rerun"), [("plain", True), ("networks", True), ("resnet", False)])
def test_an_edit_of_one_family_asks_for_a_new_run_of_the_claims_that_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, rerun: bool
) -> None:
    code = "from verify import model\nx = model('vgg16')"
    text = f"# T\n\n## Q? {{#q}}\n\n```python claim\n{code}\n```\n\n[1](claim:x)\n"
    before = digests(tmp_path, text)
    edited = tmp_path / "verify"
    shutil.copytree(Path(claims.__file__).parent, edited, ignore=shutil.ignore_patterns("__pycache__"))
    with (edited / f"measures/models/{family}.py").open("a", encoding="utf-8") as file:
        file.write("\nLARGER = 1\n")
    monkeypatch.setattr(claims, "_HERE", edited)
    for cached in CACHES:
        cached.cache_clear()
    assert (digests(tmp_path, text) != before) is rerun


def test_the_packages_are_those_of_the_code_and_of_the_measures(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path)
    assert "torch" in tasks["file:topic.md"].packages
    assert tasks["circle"].packages == ()
    assert not {"verify", "generator"} & set(tasks["file:topic.md"].packages)


@pytest.mark.parametrize(
    ("code", "name", "line"),
    [
        ("x = 1\nfrom verify import parameters, parametres", "parametres", 6),
        ("from verify import *", "*", 5),
        ("import verify\n\nx = verify.speed", "speed", 7),
        ("from verify.records import Records", "Records", 5),
    ],
)
def test_what_verify_does_not_offer_is_a_problem_at_its_line(
    tmp_path: Path, code: str, name: str, line: int
) -> None:
    topic = read_topic(tmp_path, f"# T\n\n## Q? {{#q}}\n```python claim\n{code}\n```\n\nA.\n")
    (problem,) = check_imports([topic])
    assert str(problem.location) == f"cards/topic.md:{line}"
    assert problem.what == f"verify has no '{name}'"
    assert "parameters" in problem.hint


def test_what_verify_offers_is_no_problem(tmp_path: Path) -> None:
    assert check_imports([read_topic(tmp_path, CARDS)]) == []


def test_a_file_is_named_by_its_path_in_the_collection_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = read_topic(tmp_path, CARDS, "cards/a/topic.md")
    monkeypatch.chdir(tmp_path)
    from_above = plan([topic], Path("cards"), tmp_path)
    monkeypatch.chdir(tmp_path / "cards")
    from_inside = plan([topic], Path(), tmp_path)
    assert from_above[0].job.owner == from_inside[0].job.owner == "file:a/topic.md"


@pytest.mark.parametrize(
    ("image", "what"),
    [
        ("../../figure.svg", "the image ../../figure.svg lies outside the collection"),
        ("/etc/figure.svg", "the image /etc/figure.svg lies outside the collection"),
        ("https://example.com/f.svg", "the image https://example.com/f.svg is not in the collection"),
        ("figure.png", "the figure figure.png is no .svg"),
    ],
)
def test_a_figure_is_drawn_into_the_collection_and_nowhere_else(
    tmp_path: Path, image: str, what: str
) -> None:
    topic = read_topic(
        tmp_path, f'# T\n\n```python claim\nf = 1\n```\n\n## Q? {{#q}}\n\n![F]({image} "claim:f")\n'
    )
    (problem,) = check_figures([topic], tmp_path / "cards")
    assert (str(problem.location), problem.what) == ("cards/topic.md:9", what)


@pytest.mark.parametrize("image", ["![F](<a b/f.svg> 'claim:f')", '![F](a%20b/f.svg "claim:f")'])
def test_the_place_of_a_figure_is_read_as_markdown_reads_it(tmp_path: Path, image: str) -> None:
    text = f"# T\n\n## Q? {{#q}}\n\n```python claim\nf = 1\n```\n\n{image}\n"
    assert check_figures([read_topic(tmp_path, text)], tmp_path / "cards") == []
    assert tasks_of(tmp_path, text)["q"].figures == (("f", tmp_path / "cards/a b/f.svg"),)
