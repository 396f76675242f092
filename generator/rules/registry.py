"""Every rule by its code."""

from __future__ import annotations

from generator.rules import answers, clozes, evidence, likeness, screen, topics, wording
from generator.rules.finding import Rule

OPT_OUTS = (
    Rule("R00a", "warning", "an opt-out that suppresses nothing"),
    Rule("R00b", "warning", "an opt-out from a rule that there is not"),
)

RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in sorted(
        (
            *OPT_OUTS,
            *wording.RULES,
            *answers.RULES,
            *clozes.RULES,
            *topics.RULES,
            *likeness.RULES,
            *evidence.RULES,
            *screen.RULES,
        ),
        key=lambda rule: rule.code,
    )
}
"""By code, in order."""


def covers(opted: str, code: str) -> bool:
    """Whether an opt-out covers a code: `R05` covers `R05a` and `R05b`."""
    return code == opted or (code.startswith(opted) and len(opted) == len("R05"))


def is_known(opted: str) -> bool:
    """Whether an opt-out names a rule, or a check of one."""
    return any(covers(opted, code) for code in RULES)
