"""The measures themselves, one idea per module; `from verify import …` finds them by name."""
