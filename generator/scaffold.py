"""A new file of notes: everything in its place, and one note that works."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import yaml

from generator.collection import Collection, deck_of_folder, shown
from generator.errors import UsageError
from generator.files import write_atomically
from generator.ids import slug_of

_TEXT = """\
---
{front}---

# {title}

Two or three sentences that explain the topic before anything is asked. Say what it is, and what it is for.

```python claim
channels, size = 64, 3
weights = channels * channels * size**2
```

## {title}: how many weights does a 3×3 convolution from 64 to 64 channels have, without biases? {{#{id}}}

[36,864](claim:weights)

---

One filter of [3×3]{{.given}} for each of the [64 × 64]{{.given}} pairs of channels.
"""


def start_topic(collection: Collection, topic: str, deck: str = "") -> str:
    """Write a file for a new topic.

    Args:
        collection: the notes that are there.
        topic: its title, with folders before it: `vision/Depthwise convolution`.
        deck: the deck of its notes; empty for that of the folder.

    Returns:
        The file's path, as people see it.

    Raises:
        UsageError: the topic names no file in the collection, or one that is there.
        StateError: the file cannot be written.
    """
    *folders, title = [part.strip() for part in PurePosixPath(topic.strip()).parts] or [""]
    title = " ".join(title.removesuffix(".md").split())
    stem = slug_of(title, 8, frozenset())
    if (
        not stem
        or topic.startswith("/")
        or any(part in ("..", "") or part.startswith(".") for part in folders)
    ):
        raise UsageError(
            f"'{topic}' names no topic", "write 'Depthwise convolution' or 'vision/Stride', in a-z"
        )
    if not title[0].isupper() and "-" in title and " " not in title:
        title = title.replace("-", " ")
    file = collection.root.joinpath(*folders, f"{stem}.md")
    if not file.resolve().is_relative_to(collection.root.resolve()):
        raise UsageError(f"{shown(file)}: lies outside the collection", "name a folder in it")
    if file.exists():
        raise UsageError(f"{shown(file)}: is there already", "edit it, or give the new topic another name")
    name = deck.strip() or deck_of_folder(file, collection.root, collection.settings)
    front = yaml.safe_dump({"deck": name}, allow_unicode=True, width=10_000) + f"tags: [{stem}]\n"
    taken = {note.id.lower() for _, note in collection.notes()}
    identity, number = f"{stem}-weights", 1
    while identity in taken:
        number += 1
        identity = f"{stem}-weights-{number}"
    heading = re.sub(r"([\\`*_{}\[\]<>$#&!|])", r"\\\1", title[0].upper() + title[1:])
    text = _TEXT.format(front=front, title=heading, id=identity)
    write_atomically(file, text.encode())
    return shown(file)
