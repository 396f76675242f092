"""`verify report`: one page that says all there is about the claims, whatever the notes hold."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.collection import load
from tests.workplace import environment_of_tools, write
from verify.__main__ import OK, STATE, main
from verify.claims import plan
from verify.records import Record, Records
from verify.report.colour import coloured
from verify.report.spell import address, exactly, plain
from verify.values import Value

HOSTILE = "</script><img src=x onerror=alert(1)>"
NOTES = f"""\
# Odd </title><script>alert(1)</script>

About it.

```python claim
shared = 4
assert shared
```

## Which `a<b` & {HOSTILE}? {{#odd}}

```python claim
words = "{HOSTILE}"  # {HOSTILE}
third = 1 / 3
```

[</script>](claim:words), [0.33](claim:third) and [4](claim:shared); 77.

## How many times? {{#timed}}

```python claim
ratio = 1.8
```

[1.5×](claim:ratio "Bench 1, 2026-11"), [1.8×](claim:ratio "Other 2, 2026-11")

## Does it hold? {{#broken}}

```python claim
gone = 1 / 0
```

[7](claim:gone)

## Later? {{#later}}

```python claim
later = 1
```

[1](claim:later)
"""
WAY_OUT = "mend the <b>code</b>"


def timing(number: float) -> Value:
    return Value("timing", number=number, low=number - 0.01, high=number + 0.01, samples=(number,) * 8)


def found(digest: str, values: dict[str, Value], date: str = "2026-11-20") -> Record:
    return Record(digest, {"python": "3.11", "torch": "2.13.0"}, date, 1.25, "done", values)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Notes, and records of two machines; one claim has none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDTRUTH_MACHINE", "bench")
    write(tmp_path / "cards/odd.md", NOTES)
    digests: dict[str, str] = {}
    for task in plan(load(tmp_path / "cards").topics, tmp_path / "cards", tmp_path):
        digests[task.job.owner] = task.job.digest
    here = Records(tmp_path / "decks/measured", "bench")
    here.put(
        "file:odd.md",
        found(digests["file:odd.md"], {"shared": Value("exact", number=Fraction(4))}),
        "Bench 1",
    )
    texts = {"words": Value("text", text=HOSTILE), "third": Value("number", number=1 / 3)}
    here.put("odd", found(digests["odd"], texts), "Bench 1")
    for day, number in ((18, 1.79), (19, 1.81), (20, 1.8)):
        here.put("timed", found(digests["timed"], {"ratio": timing(number)}, f"2026-11-{day}"), "Bench 1")
    broken = replace(
        found(digests["broken"], {}), state="failed", what=f"it says {HOSTILE}", hint=WAY_OUT, line=34
    )
    here.put("broken", broken, "Bench 1")
    there = Records(tmp_path / "decks/measured", "other")
    there.put("timed", found(digests["timed"], {"ratio": timing(1.8)}), "Other 2")
    yield tmp_path


@pytest.fixture
def page(place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The page that the command writes."""
    assert main(["report"]) == OK
    assert capsys.readouterr().out == "report.html\n"
    return (place / "report.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            a for name, a in self.elements if name == tag and all(a.get(k) == v for k, v in wanted.items())
        ]


def rows(page: str) -> list[str]:
    """The visible text of each claim."""
    parts = re.findall(r'<li class="claim".*?</li>', page, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split()) for part in parts]


def test_every_claim_stands_with_verdict_written_and_measured_value(page: str) -> None:
    assert rows(page)[0] == "holds 4 shared line 17 measured 4"
    assert [row.split()[0] for row in rows(page)] == [
        "holds",
        "changed",
        "holds",
        "changed",
        "holds",
        "failed",
        "new",
    ]
    assert rows(page)[2] == "holds 0.33 third line 17 measured 0.33333333"
    assert "measured 1.8 (1.79 to 1.81, 8 samples) on Bench 1" in rows(page)[3]
    assert "on Other 2" in rows(page)[4]


def test_the_summary_counts_verdicts_files_machines_and_numbers(page: str) -> None:
    text = " ".join(Reader(page).text.split())
    assert "7 claims in 1 file, the last one measured on 2026-11-20." in text
    assert "changed 2" in text and "holds 3" in text and "failed 1" in text and "new 1" in text
    assert "85.7% of 7 numbers vouched for: 6 measured, 0 cited, 0 given, 1 bare" in text
    assert "Machines: Bench 1, Other 2" in text
    assert "Slowest: broken, 1.25 s" in text


def test_nothing_in_a_note_becomes_an_element_of_the_page(page: str) -> None:
    read = Reader(page)
    assert len(read.all("script")) == 1 and not read.all("img")
    assert len(read.all("title")) == 1 + 3  # the page's, and one for each session
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
    assert read.text.count(HOSTILE) >= 4  # heading, code, value, reason
    assert WAY_OUT in read.text and "<b>" not in page


def test_the_page_fetches_nothing_and_runs_nothing_but_its_own_script(page: str) -> None:
    read = Reader(page)
    assert not read.all("link") and not read.all("iframe") and not read.all("object")
    assert all((image["src"] or "").startswith("data:") for image in read.all("img"))
    (policy,) = read.all("meta", **{"http-equiv": "Content-Security-Policy"})
    for tag, kind in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in str(policy["content"])
    assert str(policy["content"]).startswith("default-src 'none'")
    assert not [a for _, attributes in read.elements for a in attributes if a == "style"]


def test_every_link_leads_to_its_line_or_to_a_place_in_the_page(page: str, place: Path) -> None:
    read = Reader(page)
    names = {attributes.get("id") for _, attributes in read.elements}
    text = (place / "cards/odd.md").read_text(encoding="utf-8").split("\n")
    lines = set()
    for link in read.all("a"):
        path, _, line = str(link["href"]).partition("#")
        if path:
            assert (place / unquote(path)).is_file()
            lines.add(int(line.removeprefix("L")))
        else:
            assert line in names
    assert {text[line - 1].split("(")[0] for line in lines} >= {"[</script>]", "[7]", "gone = 1 / 0"[:12]}


def test_links_fit_the_folder_that_the_page_lies_in(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-o", "out/deep/claims.html"]) == OK
    for link in Reader((place / "out/deep/claims.html").read_text(encoding="utf-8")).all("a"):
        path = str(link["href"]).partition("#")[0]
        assert not path or (place / "out/deep" / path).is_file()


def test_a_timing_shows_its_sessions_and_the_text(page: str) -> None:
    drawing, *_ = re.findall(r'<svg class="plot".*?</svg>', page, re.DOTALL)
    assert re.findall(r"<title>(\S+): (\S+) ", drawing) == [
        ("2026-11-18", "1.79"),
        ("2026-11-19", "1.81"),
        ("2026-11-20", "1.8"),
    ]
    heights = [float(y) for y in re.findall(r'<circle class="dot" cx="\S+" cy="(\S+)"', drawing)]
    assert heights[1] < heights[2] < heights[0]  # upwards is more
    (stated,) = re.findall(r'class="stated" d="M0 (\S+?)H', drawing)
    assert float(stated) > heights[0]  # the text says 1.5
    assert "3 sessions since 2026-11-18" in page


def test_the_same_records_give_the_same_bytes(place: Path) -> None:
    pages = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "verify", "report", "-o", "-"],
            env=environment_of_tools() | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        pages.add(done.stdout)
    assert len(pages) == 1


def test_a_report_can_be_about_some_claims(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-o", "-", "timed"]) == OK
    assert len(rows(capsys.readouterr().out)) == 2


def test_a_report_needs_nothing_heavy_and_no_pygments(place: Path) -> None:
    program = (
        "import sys\nfrom verify.__main__ import main\nmain(['report'])\n"
        "print(*sorted({'torch', 'sympy', 'numpy', 'pygments', 'genanki'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_of_tools(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "report.html\n\n"


def test_a_page_that_cannot_be_written_is_an_error_with_a_way_out(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "-o", "cards/odd.md/x.html"]) == STATE
    assert "cards/odd.md/x.html" in capsys.readouterr().err


def test_notes_without_claims_make_a_page_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cards/t.md", "# T\n\n## Q? {#q}\n\nA.\n")
    assert main(["report"]) == OK
    assert "There are no claims." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_code_is_coloured_by_what_it_is() -> None:
    found = re.findall(
        r'<span class="(\w+)">(.*?)</span>', coloured("if x == '#1':  # no\n    y = rb'2' + 0x1F\n")
    )
    assert found == [
        ("keyword", "if"),
        ("string", "'#1'"),
        ("comment", "# no"),
        ("string", "rb'2'"),
        ("number", "0x1F"),
    ]
    assert coloured('"""a\n"b" """ + \'it\\\'s\'').count("string") == 2


@given(st.text(alphabet="ab1 \"'#\\\n<&rf_.+", max_size=40))
def test_coloured_code_is_the_code_character_for_character(code: str) -> None:
    assert unescape(re.sub(r"</?span[^>]*>", "", coloured(code))) == code


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value("exact", number=Fraction(294912)), "294,912"),
        (Value("exact", number=Fraction(8, 3)), "2.66667 (8/3)"),
        (Value("exact", number=Fraction(10**400, 3)), "about 1e399"),
        (Value("number", number=1 / 3), "0.33333333"),
        (Value("number", number=-0.5), "-0.5"),
        (Value("measured", number=0.972, low=0.968, high=0.976, samples=(0.97, 0.974)), None),
        (Value("measured", number=4.2e-3, low=4.2e-3, high=4.2e-3, unit="s"), "0.0042 s"),
        (Value("truth", truth=False), "False"),
        (Value("text", text="a: b"), "a: b"),
        (Value("formula", text="K**2", formula="K^{2}"), "K^{2}"),
        (Value("figure"), "a figure"),
    ],
)
def test_values_are_spelled_in_full(value: Value, text: str | None) -> None:
    assert exactly(value) == (text or "0.972 (0.968 to 0.976, 2 samples)")


def test_texts_and_addresses_are_made_harmless() -> None:
    assert plain("a\x00\u202e<\"'&") == "a\ufffd\ufffd&lt;&quot;&#x27;&amp;"
    assert address('javascript:alert("x").md', 3) == "./javascript%3Aalert%28%22x%22%29.md#L3"
    assert address("../a b.md") == "../a%20b.md"
