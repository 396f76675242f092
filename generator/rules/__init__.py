"""The rules for cards that a machine can check: a family per module, an explanation per rule in `texts/`.

Each family has a `RULES` tuple, which registers its codes, and functions that find. The rules are those of
CONTRIBUTING.md, by number; a letter tells apart the checks of one rule.
"""
