"""What a rule wants, and why, with a bad and a good note: `generator check --explain R05a`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from textwrap import indent

from generator.rules.finding import Rule
from generator.rules.registry import RULES, covers

ALL = "all"
_TEXT = re.compile(
    r"(?P<why>.*?)\n\nbad:\n\n````markdown\n(?P<bad>.*?)\n````\n\ngood:\n\n````markdown\n(?P<good>.*?)\n````\s*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The long text about a rule."""

    rule: Rule
    """The rule."""
    why: str
    """What is wrong with breaking it."""
    bad: str
    """A note, or a file of notes, that breaks it."""
    good: str
    """The same, mended."""

    def __str__(self) -> str:
        code = self.rule.code
        ways = f'{{#id ignore="{code}"}}, ignore: [{code}] in the front matter,'
        return (
            f"{code}  {self.rule.severity}: {self.rule.title}\n\n{self.why}\n\n"
            f"bad:\n\n{indent(self.bad, '    ')}\n\ngood:\n\n{indent(self.good, '    ')}\n\n"
            f'to opt out: {ways}\n            [check] ignore = ["{code}"] in groundtruth.toml\n'
        )


def explanation(code: str) -> Explanation:
    """The explanation of one check."""
    text = files("generator.rules").joinpath("texts", f"{code}.md").read_text(encoding="utf-8")
    found = _TEXT.fullmatch(text)
    assert found is not None, f"texts/{code}.md: not of the form why, bad, good"
    return Explanation(RULES[code], found["why"], found["bad"], found["good"])


def explain(asked: str) -> str:
    """What `--explain` prints: one check, all checks of a rule (`R05`), or the list of everything.

    Raises:
        KeyError: there is no such rule; the argument is a hint.
    """
    if asked.lower() == ALL:
        return "".join(f"{rule.code}  {rule.severity:<7}  {rule.title}\n" for rule in RULES.values())
    code = asked[:1].upper() + asked[1:]
    chosen = [known for known in RULES if covers(code, known)]
    if not chosen:
        near = get_close_matches(code, RULES, 1)
        raise KeyError(f"did you mean '{near[0]}'?" if near else "`generator check --explain all` lists them")
    return "\n".join(str(explanation(known)) for known in chosen)
