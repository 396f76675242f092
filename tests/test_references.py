"""The literature that cards cite."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.references import Reference, read_references
from tests.notes import write_notes


def read(folder: Path, text: str) -> tuple[dict[str, Reference], list[str]]:
    file = write_notes(folder, text, "references.bib")
    references, problems = read_references(file, "references.bib")
    return references, [str(problem) for problem in problems]


HOWARD = """\
@article{howard2017,
  title  = {{MobileNets}: Efficient Convolutional
            Neural Networks},
  author = {Howard, Andrew G. and Zhu, Menglong and Chen, Bo},
  year   = {2017},
  eprint = {1704.04861},
}
"""


def test_a_source_has_authors_a_year_a_title_and_a_link(tmp_path: Path) -> None:
    references, problems = read(tmp_path, HOWARD)
    assert not problems
    assert references == {
        "howard2017": Reference(
            key="howard2017",
            authors="Howard et al.",
            year="2017",
            title="MobileNets: Efficient Convolutional Neural Networks",
            url="https://arxiv.org/abs/1704.04861",
        )
    }


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ioffe, Sergey", "Ioffe"),
        ("Sergey Ioffe", "Ioffe"),
        ("Ioffe, Sergey and Szegedy, Christian", "Ioffe and Szegedy"),
        ("Sergey Ioffe\n  and Christian Szegedy", "Ioffe and Szegedy"),
        ("A. One and B. Two and C. Three", "One et al."),
        ("{PyTorch contributors}", "PyTorch contributors"),
        ("{NVIDIA Corporation} and Ioffe, Sergey", "NVIDIA Corporation and Ioffe"),
        ("Plato", "Plato"),
    ],
)
def test_authors_are_called_by_their_family_names(tmp_path: Path, author: str, expected: str) -> None:
    references, problems = read(tmp_path, f"@misc{{a, title={{T}}, year={{2020}}, author={{{author}}}}}")
    assert not problems
    assert references["a"].authors == expected


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ("url={https://a.org/b}, doi={10.1/x}", "https://a.org/b"),
        ("doi={10.1/x}, eprint={1704.1}", "https://doi.org/10.1/x"),
        ("eprint={1704.1}", "https://arxiv.org/abs/1704.1"),
        ("month=jan", ""),
    ],
)
def test_the_link_is_the_url_or_the_doi_or_arxiv(tmp_path: Path, fields: str, url: str) -> None:
    references, problems = read(tmp_path, f"@misc{{a, title={{T}}, year={{2020}}, author={{B}}, {fields}}}")
    assert not problems
    assert references["a"].url == url


def test_a_source_is_shown_in_one_line_with_the_place_in_it() -> None:
    reference = Reference("a", "Q & A", "2020", "a < b", 'https://a.org/?x=1&y="2"')
    link = '<a href="https://a.org/?x=1&amp;y=&quot;2&quot;">a &lt; b</a>'
    assert reference.as_html("Table <4>") == f"Q &amp; A (2020): {link}, Table &lt;4&gt;"
    assert reference.as_html(None) == f"Q &amp; A (2020): {link}"
    assert Reference("a", "B", "2020", "T", "").as_html(None) == "B (2020): T"


def test_without_a_file_there_are_no_sources(tmp_path: Path) -> None:
    assert read_references(tmp_path / "references.bib", "references.bib") == ({}, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HOWARD + "\n" + HOWARD,
            "references.bib:9: the key 'howard2017' stands at references.bib:1 already\n"
            "  hint: rename one of them",
        ),
        (
            "% a comment\n@misc{a, title={T}, year={2020}}",
            "references.bib:2: the entry 'a' has no author\n"
            "  hint: add it, so that a card can name its source",
        ),
        (
            "@misc{a, title={T}}",
            "references.bib:1: the entry 'a' has no author and no year\n"
            "  hint: add it, so that a card can name its source",
        ),
        (
            HOWARD + "\r\n@misc{b, title={T\n",
            "references.bib:9: the entry 'b' cannot be read\n  hint: check its braces and commas",
        ),
    ],
)
def test_a_refusal_says_where_and_what_and_how_to_mend_it(tmp_path: Path, text: str, expected: str) -> None:
    _, problems = read(tmp_path, text)
    assert problems == [expected]


def test_comments_and_strings_are_no_sources(tmp_path: Path) -> None:
    text = '@string{x = "X"}\n@comment{none}\n@preamble{"p"}\n' + HOWARD
    references, problems = read(tmp_path, text)
    assert not problems
    assert list(references) == ["howard2017"]


def test_a_file_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_bytes(b"@misc{a,\n title={caf\xe9}}")
    references, problems = read_references(tmp_path / "references.bib", "references.bib")
    assert not references
    assert [str(problem) for problem in problems] == [
        "references.bib:2: not valid UTF-8: byte 0xe9\n  hint: save the file in UTF-8"
    ]
