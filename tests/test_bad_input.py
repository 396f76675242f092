"""Whatever is wrong with the notes: it is said where and how to mend it, and what was there before stays.

Every case is added to a folder that holds a good deck, its ledger and its records.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import generator.__main__ as generator
import verify.__main__ as verify
from tests.workplace import Ran, run_tool, snapshot, write

GOOD = """\
---
deck: Good
---

# Good notes

They were built and measured before.

## How many are six times seven? {#good-product}

```python claim
product = 6 * 7
```

[42](claim:product), as [1.5](cite:known2020) says.

## Where does it show? {#good-figure}

![A figure](figure.svg)
"""
BIB = "@article{known2020,\n  author = {Known, Ann},\n  title = {Sums},\n  year = {2020}\n}\n"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with notes that were verified and built."""
    place = tmp_path_factory.mktemp("good")
    write(place / "cards/good.md", GOOD)
    write(place / "cards/references.bib", BIB)
    write(place / "cards/figure.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert run_tool("verify", "run", cwd=place).code == 0
    assert run_tool("generator", "build", cwd=place).code == 0
    return place


@pytest.fixture
def place(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the good folder to stand in."""
    folder = tmp_path / "place"
    shutil.copytree(good, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    return folder


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that is wrong with a file, and what is said about it."""

    text: str | bytes
    """The file."""
    where: str
    """The place that is named, `new.md:3`."""
    what: str
    """The beginning of what is said."""
    hint: str
    """What the hint contains."""
    file: str = "new.md"
    """The file's name in the folder of notes."""
    tools: tuple[str, ...] = ("generator", "verify")
    """Which of the tools looks at it."""


BLOCK = "```python claim\nx = 1\n```\n"
ALONE = ("generator",)


def note(body: str, braces: str = "{#new-note}", heading: str = "What is new?") -> str:
    """A file of one note, whose body begins in line 5."""
    return f"# New\n\n## {heading} {braces}\n\n{body}"


MALFORMED = {
    "an id that another file has": Bad(
        note("A.\n", "{#good-product}"),
        "new.md:3",
        "the id 'good-product' belongs to the note at cards/good.md:9 already",
        "an id of its own",
    ),
    "an id that the same file has": Bad(
        note("A.\n\n## Again? {#new-note}\n\nB.\n"),
        "new.md:7",
        "the id 'new-note' belongs to the note at cards/new.md:3",
        "an id of its own",
    ),
    "no id": Bad(note("A.\n", ""), "new.md:3", "the note has no id", "generator ids --write"),
    "an id with a slash": Bad(
        note("A.\n", "{#a/b}"), "new.md:3", "cannot read the attributes {#a/b}", "{#id}"
    ),
    "an unknown kind": Bad(
        note("A.\n", "{#a .revrsed}"), "new.md:3", "there is no kind of note called '.revrsed'", "'reversed'"
    ),
    "an unknown attribute": Bad(note("A.\n", "{#a tag=x}"), "new.md:3", "unknown attribute 'tag'", "'tags'"),
    "braces that are never closed": Bad(
        note("A.\n", '{#a tags="x}'), "new.md:3", "cannot read the attributes", "{#id}"
    ),
    "a claim that no code binds": Bad(
        note(BLOCK + "\n[1](claim:y) and [1](claim:product)\n"),
        "new.md:9",
        "no claim block that this text can see binds 'y'",
        "known: x",
    ),
    "a claim in a note without code": Bad(
        note("First.\n\nThen [1](claim:x).\n"),
        "new.md:7",
        "claim 'x', but the note has no claim block",
        "```python claim",
    ),
    "a claim without a text": Bad(
        note(BLOCK + "\n[](claim:x)\n"), "new.md:9", "a claim link without a text", "[?]"
    ),
    "a claim that is no name": Bad(
        note(BLOCK + "\n[1](claim:x.y)\n"), "new.md:9", "'x.y' is not a name", "claim:"
    ),
    "a figure's claim that is no name": Bad(
        note(BLOCK + '\n![F](f.svg "claim:x y")\n'), "new.md:9", "'x y' is not a name", "claim:"
    ),
    "a claim link that is torn": Bad(
        note(BLOCK + "\nSo [1] (claim:x).\n"),
        "new.md:9",
        "a claim link that is shown as text",
        "without any space",
    ),
    "YAML that is broken": Bad("---\ndeck: D\ntags: [a\n---\n\n# T\n", "new.md:3", "broken YAML", "quote"),
    "YAML that is a list": Bad(
        "---\n- a\n---\n\n# T\n", "new.md:2", "the front matter is not a list of keys", "key"
    ),
    "front matter that is never closed": Bad(
        "---\ndeck: D\n\n# T\n", "new.md:1", "the front matter is never closed", "---"
    ),
    "a deck without a name": Bad(
        "---\ndeck: 'A::'\n---\n\n# T\n", "new.md:2", "the deck has no usable name", "::"
    ),
    "a tag with a space": Bad(
        "---\ntags: [a b]\n---\n\n# T\n", "new.md:2", "the tag 'a b' contains a space", "hyphen"
    ),
    "a topic that comes first and is none": Bad(
        "---\nrequires: [goood]\n---\n\n# T\n", "new.md:", "requires 'goood', which is no topic", "'good'"
    ),
    "two titles": Bad(
        note("A.\n\n# Newer\n"), "new.md:7", "a second title, 'Newer' after 'New'", "one topic"
    ),
    "no title": Bad("## Q? {#q}\n\nA.\n", "new.md:1", "the file has no title", "# Title"),
    "a fence that is never closed": Bad(
        note("```python\nx = 1\n\n## Next? {#next}\n"),
        "new.md:5",
        "the code fence that opens here is never closed",
        "```",
    ),
    "display math that is never closed": Bad(
        note("So:\n\n$$\nx^2\n\n## Next? {#next}\n\nA.\n"), "new.md:7", "display math", "$$"
    ),
    "a deletion that is never closed": Bad(
        note("It is\n{{c1::there.\n"), "new.md:6", "a deletion that opens here is never closed", "}}"
    ),
    "a deletion that ends outside the math": Bad(
        note("It is $a = {{c1::b$.\n"),
        "new.md:5",
        "a deletion that opens inside math is not closed",
        "{{c1::$",
    ),
    "a deletion that ends outside display math": Bad(
        note("$$\na = {{c1::b\n$$\n"),
        "new.md:5",
        "a deletion that opens inside math is not closed",
        "{{c1::$",
    ),
    "a cloze note without a deletion": Bad(
        note("A.\n", "{#a .cloze}"), "new.md:3", "a cloze note without a deletion has no card", "{{c1::"
    ),
    "a deletion in the extra": Bad(
        note("{{c1::A}}\n\n---\n\n{{c2::B}}\n"),
        "new.md:",
        "a deletion in the extra is never asked",
        "above '---'",
    ),
    "a deletion in the heading": Bad(
        note("A.\n", heading="What is {{c1::new}}?"),
        "new.md:3",
        "a deletion in the heading is never asked",
        "---",
    ),
    "an answer that is missing": Bad(
        note("---\n\nBecause.\n"), "new.md:3", "the note has no answer", "above the '---'"
    ),
    "a question that is missing": Bad(
        "# T\n\n## {#q}\n\nA.\n", "new.md:3", "the note has no question", "after '##'"
    ),
    "an empty file": Bad("", "new.md:1", "the file is empty", "delete the file"),
    "a file of spaces": Bad(" \n\n\t\n", "new.md:1", "the file is empty", "delete the file"),
    "bytes that are no UTF-8": Bad(
        note("Caf\xe9.\n").encode("latin-1"),
        "new.md:5",
        "not valid UTF-8: byte 0xe9",
        "save the file in UTF-8",
    ),
    "UTF-16": Bad(note("A.\n").encode("utf-16"), "new.md:1", "not valid UTF-8: byte 0xff", "UTF-8"),
    "a heading by accident": Bad(
        note("The answer.\n---\n\nBecause.\n"),
        "new.md:5",
        "the text above a line of dashes became a heading",
        "blank line",
    ),
    "code that is no Python": Bad(
        note("```python claim\na = 1\nb = (2\n```\n\n[1](claim:a)\n"),
        "new.md:7",
        "the claim's code is no Python",
        "mend",
    ),
    "code with a zero byte": Bad(
        note("```python claim\na = 1\0\n```\n\n[1](claim:a)\n"), "new.md:6", "the claim's code is no", ""
    ),
    "code that is nested too deep": Bad(
        note(f"```python claim\na = {'-' * 20_000}1\n```\n\n[1](claim:a)\n"),
        "new.md:6",
        "the claim's code is nested too",
        "split",
    ),
    "a sum that is too long": Bad(
        note(f"```python claim\na = {' + '.join('1' * 5_000)}\n```\n\n[1](claim:a)\n"),
        "new.md:6",
        "the claim's code is nested",
        "",
    ),
    "a need that nobody knows": Bad(
        note("```python claim needs=tpu\nx = 1\n```\n\n[1](claim:x)\n"),
        "new.md:5",
        "nothing is known about needs=tpu",
        "cuda, tensorrt",
    ),
    "a timeout that is no time": Bad(
        note("```python claim timeout=soon\nx = 1\n```\n\n[1](claim:x)\n"),
        "new.md:5",
        "cannot read 'timeout=soon'",
        "timeout=120",
    ),
    "a claim block in a list": Bad(
        note("- So:\n\n  ```python claim\n  x = 1\n  ```\n\n  [1](claim:x)\n"),
        "new.md:7",
        "a claim block inside a list",
        "margin",
    ),
    "a source that is not listed": Bad(
        note("[7](cite:knwon2020)\n"), "new.md:5", "no entry 'knwon2020' in references.bib", "'known2020'"
    ),
    "a source that is listed twice": Bad(
        BIB + BIB,
        "references.bib:6",
        "the key 'known2020' stands at cards/references.bib:1 already",
        "rename",
        "references.bib",
    ),
    "a source that is broken": Bad(
        BIB + "@article{broken2020,\n  title = {T",
        "references.bib:6",
        "the entry 'broken2020'",
        "braces",
        "references.bib",
    ),
    "a source without a year": Bad(
        BIB + "@book{old,\n  author = {A, B},\n  title = {T}\n}\n",
        "references.bib:6",
        "the entry 'old' has no year",
        "add it",
        "references.bib",
    ),
    "an image that is missing": Bad(
        note("First.\n\nSee ![it](gone.svg).\n"),
        "new.md:7",
        "the image gone.svg does not exist",
        "path",
        tools=ALONE,
    ),
    "an image outside": Bad(
        note("![it](../outside.svg)\n"),
        "new.md:5",
        "the image ../outside.svg lies outside",
        "move it into cards/",
        tools=ALONE,
    ),
    "an image at an absolute path": Bad(
        note("![it](/etc/hostname)\n"), "new.md:5", "the image /etc/hostname", "move", tools=ALONE
    ),
    "an image on the network": Bad(
        note("![it](https://example.org/a.png)\n"),
        "new.md:5",
        "the image https://example.org/a.png is not",
        "save it",
        tools=ALONE,
    ),
    "an image in the text": Bad(note("![it](data:image/png;base64,AAAA)\n"), "new.md:5", "", "", tools=ALONE),
    "an image of no kind": Bad(
        note("![it](good.md)\n"),
        "new.md:5",
        "good.md is nothing that Anki shows or plays",
        "png",
        tools=ALONE,
    ),
    "a typed answer that is a list": Bad(
        note("- A\n- B\n", "{#a .typed}"),
        "new.md:3",
        "a typed answer is one paragraph of plain text",
        "---",
        tools=ALONE,
    ),
    "a figure drawn outside": Bad(
        note(BLOCK + '\n![F](../../f.svg "claim:x")\n'),
        "new.md:9",
        "the image ../../f.svg lies outside",
        "move it into",
    ),
    "a figure that is no SVG": Bad(
        note(BLOCK + '\n![F](f.png "claim:x")\n'),
        "new.md:9",
        "the figure f.png is no .svg",
        "SVG",
        tools=("verify",),
    ),
    "a measure that verify has not": Bad(
        note("```python claim\nfrom verify import paramters\nx = 1\n```\n\n[1](claim:x)\n"),
        "new.md:6",
        "verify has no 'paramters'",
        "parameters",
        tools=("verify",),
    ),
}


def both(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    return printed.out + printed.err


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_card_is_named_and_nothing_is_written(
    place: Path, capsys: pytest.CaptureFixture[str], bad: Bad
) -> None:
    write(place / "outside.svg", "<svg/>")
    (place / "cards" / bad.file).write_bytes(bad.text if isinstance(bad.text, bytes) else bad.text.encode())
    before = snapshot(place)
    for tool in bad.tools:
        code = generator.main(["build"]) if tool == "generator" else verify.main(["run"])
        said = both(capsys)
        problem = re.search(
            rf"^cards/{re.escape(bad.where)}\d*: {re.escape(bad.what)}.*\n  hint: (?P<hint>.+)$",
            said,
            re.MULTILINE,
        )
        assert problem is not None, said
        assert bad.hint in problem["hint"]
        assert code == 3
        assert "nothing was written" in said and "Traceback" not in said
    assert snapshot(place) == before


def test_every_mistake_of_all_files_is_shown_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "cards/one.md", note("A.\n", ""))
    write(place / "cards/two.md", note("![it](gone.svg) and [7](cite:nobody)\n", "{#two}"))
    assert generator.main(["build"]) == 3
    said = both(capsys)
    for place_ in (
        "one.md:3: the note has no id",
        "two.md:5: the image gone.svg",
        "two.md:5: no entry 'nobody'",
    ):
        assert f"cards/{place_}" in said
    assert "generator: 3 errors; nothing was written" in said


@pytest.mark.parametrize("target", ["../../outside.svg", "/etc/hostname", "../../missing.svg"])
def test_an_image_by_a_link_to_the_outside_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    write(place / "outside.svg", "<svg/>")
    (place / "cards/link.svg").symlink_to(target)
    write(place / "cards/new.md", note("![it](link.svg)\n"))
    before = snapshot(place / "decks")
    assert generator.main(["build"]) == 3
    assert "cards/new.md:5: the image link.svg lies outside the collection\n  hint: " in both(capsys)
    assert snapshot(place / "decks") == before


def test_a_note_by_a_link_to_the_outside_is_no_part_of_the_collection(place: Path) -> None:
    write(place / "secret.md", note("A.\n", "{#secret}"))
    (place / "cards/secret.md").symlink_to(place / "secret.md")
    before = snapshot(place / "decks")
    assert generator.main(["build"]) == 0
    assert snapshot(place / "decks") == before


DEEP = {
    "brackets": "[" * 3_000,
    "closed brackets": "[" * 2_000 + "x" + "](y)" * 2_000,
    "quotes": ">" * 3_000 + " x",
    "lists": "- " * 1_000 + "x",
    "deletions": "{{c1::" * 2_000 + "x" + "}}" * 2_000,
    "emphasis": "*a **b " * 3_000,
    "dollars": "$" * 3_001,
    "braces": "[x]{" * 2_000,
    "images": "![" * 2_000 + "x" + "](y)" * 2_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("tool", [generator.main, verify.main], ids=["generator", "verify"])
def test_a_text_that_is_nested_senselessly_is_no_trouble(
    place: Path, capsys: pytest.CaptureFixture[str], text: str, tool: Callable[[list[str]], int]
) -> None:
    write(place / "cards/new.md", note(text + "\n"))
    assert tool(["check"]) in (0, 3)


# ----- files that the tools write


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def conflict(file: Path) -> None:
    file.write_bytes(b"<<<<<<< HEAD\n" + file.read_bytes())


def newer(file: Path) -> None:
    file.write_bytes(re.sub(rb'"format": \d+', b'"format": 99', file.read_bytes()))


@pytest.mark.parametrize(
    ("damage", "what", "hint"),
    [
        (truncate, "{file}: the {name} damaged", "restore it from version control"),
        (conflict, "{file}: the {name} damaged", "restore it from version control"),
        (newer, "{file}: format 99, and this tool knows ", "update this tool"),
    ],
)
@pytest.mark.parametrize(
    ("tool", "arguments", "file", "name"),
    [
        (generator.main, ["build"], "decks/ledger.json", "ledger is"),
        (verify.main, ["run", "--update"], "decks/measured/bench.json", "records are"),
        (verify.main, ["check"], "decks/measured/bench.json", "records are"),
    ],
)
def test_a_file_of_the_tools_that_cannot_be_read_is_never_overwritten(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
    what: str,
    hint: str,
    tool: Callable[[list[str]], int],
    arguments: list[str],
    file: str,
    name: str,
) -> None:
    damage(place / file)
    write(place / "cards/new.md", note(BLOCK + "\n[?](claim:x)\n"))
    before = snapshot(place)
    assert tool(arguments) == 5
    said = both(capsys)
    assert what.format(file=file, name=name) in said
    assert f"\n  hint: {hint}" in said
    assert snapshot(place) == before


def test_a_damaged_package_is_simply_made_again(place: Path) -> None:
    before = snapshot(place / "decks")
    truncate(place / "decks/good.apkg")
    assert generator.main(["build"]) == 0
    assert snapshot(place / "decks") == before


# ----- claims that cannot be run, all in one run


@dataclass(frozen=True, slots=True)
class Fails:
    """A claim that fails, and what is said about it."""

    code: str
    """The code; its first line is line 6 of the file."""
    what: str
    """What is said."""
    hint: str
    """What the hint contains."""
    line: int = 6
    """The line that is named."""
    text: str = "[8.7×](claim:x)"
    """The text that states the value."""
    info: str = ""
    """Attributes of the block."""


FAILING = {
    "raises": Fails("a = 0\nx = 1 / a", "ZeroDivisionError: division by zero", "mend", 7),
    "misspells": Fails("x = 1\ny = nmae", "NameError: name 'nmae' is not defined", "mend", 7),
    "imports-nothing": Fails(
        "import nowhere\nx = 1", "ModuleNotFoundError: No module named 'nowhere'", "pip install"
    ),
    "hangs": Fails("x = 1\nwhile True: pass", "took longer than 1 s", "timeout=", 7, info=" timeout=1"),
    "leaves": Fails(
        "import sys\nx = sys.exit(0)", "the code called sys.exit(0)", "ends with its last line", 7
    ),
    "leaves-at-once": Fails("import os\nx = os._exit(0)", "the process ended by itself", "last line"),
    "crashes": Fails(
        "import ctypes\nx = ctypes.string_at(0)",
        "the process was killed by SIGSEGV",
        "mend the claim's code",
        7,
    ),
    "kills-itself": Fails(
        "import os, signal\nx = os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL", "smaller"
    ),
    "eats-memory": Fails("x = bytearray(1 << 45)", "ran out of memory", "smaller"),
    "recurses": Fails("def f():\n    return f()\nx = f()", "RecursionError", "mend", 7),
    "prints-forever": Fails(
        "x = 1\nprint('x' * 10_000_000)\nraise ValueError('so')", "ValueError: so", "mend", 8
    ),
    "is-a-module": Fails("import math\nx = math", "a module cannot be compared with a text", "an int", 10),
    "is-a-list": Fails("x = [1, 2]", "a list cannot be compared with a text", "join it", 9),
    "is-none": Fails("x = None", "None cannot be compared with a text", "an int", 9),
    "is-nan": Fails("x = float('nan')", "nan cannot be compared with a text", "finite", 9),
    "is-never-bound": Fails("if False:\n    x = 1", "the code gives no value the name `x`", "", 10),
    "is-no-number": Fails("x = 8.7", '"nearly nine" states no number', "8.7×", 9, "[nearly nine](claim:x)"),
    "is-in-no-unit": Fails(
        "x = 8.7", '"4.2 ms" is in ms, and the value has no unit', "unit", 9, "[4.2 ms](claim:x)"
    ),
    "is-no-formula": Fails(
        "from sympy import Symbol\nx = 2 * Symbol('K')", "", "LaTeX", 10, "[$\\frac{K}{$](claim:x)"
    ),
    "is-a-bool-without-words": Fails(
        "x = True", "a bool cannot say which words to write", "words", 9, "[?](claim:x)"
    ),
    "is-no-figure": Fails("x = 8.7", "", "", 9, '![F](f.svg "claim:x")'),
}


def failing_note(name: str, fails: Fails) -> str:
    return note(f"```python claim{fails.info}\n{fails.code}\n```\n\n{fails.text}\n", f"{{#{name}}}")


@pytest.fixture(scope="module")
def failed(good: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran, dict[str, bytes]]:
    """The good folder with all failing claims, after one run; what the run said; the files before it."""
    folder = tmp_path_factory.mktemp("failing") / "place"
    shutil.copytree(good, folder)
    for name, fails in FAILING.items():
        write(folder / f"cards/{name}.md", failing_note(name, fails))
    write(folder / "cards/refuted.md", failing_note("refuted", Fails("x = 8.7\nassert x > 9", "", "")))
    before = snapshot(folder)
    return folder, run_tool("verify", "run", cwd=folder), before


@pytest.mark.parametrize(("name", "fails"), FAILING.items(), ids=FAILING)
def test_a_claim_that_cannot_be_run_is_said_with_its_line(
    failed: tuple[Path, Ran, dict[str, bytes]], name: str, fails: Fails
) -> None:
    _, ran, _ = failed
    lines = ran.out.splitlines()
    about = [number for number, line in enumerate(lines) if line.startswith(f"cards/{name}.md:")]
    assert about, ran.out
    told = "\n".join(lines[about[0] : about[-1] + 3])
    assert fails.what in told
    assert f"cards/{name}.md:{fails.line}: " in told
    assert re.search(rf"^    hint: .*{re.escape(fails.hint)}", told, re.MULTILINE), told
    assert re.search(rf"^cards/{name}\.md:\d+: failed", told, re.MULTILINE), told


def test_claims_that_fail_cost_nobody_else_anything(failed: tuple[Path, Ran, dict[str, bytes]]) -> None:
    folder, ran, before = failed
    assert ran.code == 4
    assert "Traceback" not in ran.err
    assert re.search(
        r"^cards/refuted\.md:7: the assertion `x > 9` is false: x = 8\.7$", ran.out, re.MULTILINE
    )
    assert f"1 refuted, {len(FAILING)} failed, 1 holds" in ran.out.splitlines()[-1]
    after = snapshot(folder)
    changed = {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)}
    assert changed == {"decks/measured/bench.json"}
    (record,) = (
        line for line in before["decks/measured/bench.json"].splitlines() if b'"good-product"' in line
    )
    kept = after["decks/measured/bench.json"].splitlines()
    assert record.rstrip(b",") in [line.rstrip(b",") for line in kept]


# ----- what looks wrong and is right


def fields(package: Path, note_id: str) -> str:
    """All fields of a note in a package."""
    with zipfile.ZipFile(package) as archive:
        name = next(name for name in archive.namelist() if name.startswith("collection.anki2"))
        database = package.parent / "unpacked.anki2"
        database.write_bytes(archive.read(name))
    with sqlite3.connect(database) as connection:
        rows = [row[0] for row in connection.execute("select flds from notes")]
    database.unlink()
    (found,) = (row for row in rows if note_id in row.split("\x1f"))
    return str(found)


@pytest.mark.parametrize(
    ("body", "shown", "warning"),
    [
        ("{{c1::$\\frac{1}{\\text{N}}$}} and more", "{{c1::\\(\\frac{1}{\\text{N} }\\)}} and more", ""),
        ("Where a<b.", "Where a&lt;b.", ""),
        (
            "<script>alert(1)</script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "cards/new.md:5: warning: raw HTML is shown as text: <script>",
        ),
        ("`{{c1::x}}` is written so", "{{c1::x}}", ""),
        ("It costs $5 or $10.", "It costs $5 or $10.", ""),
        ("Line one\u2028line two", "Line one\u2028line two", ""),
        ("```text\n## no heading {#x}\n---\n```", "## no heading {#x}", ""),
    ],
)
def test_what_looks_wrong_and_is_right_is_built(
    place: Path, capsys: pytest.CaptureFixture[str], body: str, shown: str, warning: str
) -> None:
    write(place / "cards/new.md", note(f"{body}\n").replace("# New", "---\ndeck: New\n---\n# New", 1))
    assert generator.main(["build"]) == 0
    said = both(capsys)
    assert warning.replace(":5:", ":8:") in said
    assert ("warning" in said) is bool(warning)
    assert shown in fields(place / "decks/new.apkg", "new-note")
    assert verify.main(["check"]) == 0
