"""Markdown notes compiled into Anki packages that can be imported again and again."""

from pathlib import Path

__version__ = "0.1.0"


def usual_folder() -> str | None:
    """The folder of notes when nobody names one: `cards`, or this one if it says so; else None."""
    if Path("cards").is_dir():
        return "cards"
    here = any(Path(name).is_file() for name in ("groundtruth.toml", "references.bib"))
    return "." if here else None
