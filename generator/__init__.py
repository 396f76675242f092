"""Markdown notes compiled into Anki packages that can be imported again and again."""
