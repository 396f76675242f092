"""The note types and decks of Anki's newer packages, as the JSON that the older ones hold.

There each is a row of its own with a message in Protocol Buffers' wire format; the numbers of its fields are
those of Anki's `proto/anki/notetypes.proto` and `decks.proto`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

SCHEMA = 18
_OTHER = 255
"""The field that keeps, as JSON, what add-ons wrote and Anki does not know."""
_SEPARATOR = "\x1f"
_STYLE = {3: "css", 5: "latexPre", 6: "latexPost"}
_FIELD_TEXTS = {3: "font", 5: "description"}
_FIELD_FLAGS = {
    1: "sticky",
    2: "rtl",
    6: "plainText",
    7: "collapsed",
    8: "excludeFromSearch",
    11: "preventDeletion",
}
_TEMPLATE_TEXTS = {1: "qfmt", 2: "afmt", 3: "bqfmt", 4: "bafmt", 6: "bfont"}

Message = dict[int, int | bytes]


def message(data: bytes) -> Message:
    """The fields of a message by number; of a repeated one, the last.

    Raises:
        ValueError: it is damaged.
    """
    found: Message = {}
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == 0:
            value, position = _varint(data, position)
        else:
            length, position = (
                _varint(data, position) if kind == 2 else ({1: 8, 5: 4}.get(kind, -1), position)
            )
            if length < 0 or position + length > len(data):
                raise ValueError("a message is cut off")
            value = data[position : position + length]
            position += length
        found[number] = value
    return found


def messages(data: bytes, number: int) -> Iterator[Message]:
    """The messages in a repeated field of a message.

    Raises:
        ValueError: one is damaged.
    """
    position = 0
    while position < len(data):
        key, start = _varint(data, position)
        if key & 7 != 2:
            raise ValueError("a list holds something else")
        length, start = _varint(data, start)
        position = start + length
        if position > len(data):
            raise ValueError("a message is cut off")
        if key >> 3 == number:
            yield message(data[start:position])


def notetypes(database: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    """Anki's JSON of each note type, by id.

    Raises:
        ValueError: one is damaged.
    """
    types: dict[int, dict[str, Any]] = {}
    for key, name, mod, config in database.execute("SELECT id, name, mtime_secs, config FROM notetypes"):
        given = message(config)
        types[key] = _other(given) | {
            "id": key, "name": name, "type": given.get(1, 0), "mod": mod, "usn": 0, "sortf": given.get(2, 0),
            "did": None, "tmpls": [], "flds": [], "latexsvg": bool(given.get(7)), "req": [],
            "originalStockKind": given.get(9, 0),
        } | {name: _text(given, number) for number, name in _STYLE.items()}  # fmt: skip
        if 10 in given:
            types[key]["originalId"] = given[10]
    for key, ordinal, name, config in database.execute(
        "SELECT ntid, ord, name, config FROM fields ORDER BY ntid, ord"
    ):
        if key not in types:
            continue  # left behind by a note type that is gone
        given = message(config)
        types[key]["flds"].append(
            _other(given)
            | {
                "name": name,
                "ord": ordinal,
                "size": given.get(4, 0),
                "id": given.get(9),
                "tag": given.get(10),
            }
            | {name: _text(given, number) for number, name in _FIELD_TEXTS.items()}
            | {name: bool(given.get(number)) for number, name in _FIELD_FLAGS.items()}
        )
    rows = database.execute("SELECT ntid, ord, name, config FROM templates ORDER BY ntid, ord")
    for key, ordinal, name, config in rows:
        if key not in types:
            continue
        given = message(config)
        types[key]["tmpls"].append(
            _other(given)
            | {
                "name": name,
                "ord": ordinal,
                "did": given.get(5) or None,
                "bsize": given.get(7, 0),
                "id": given.get(8),
            }
            | {name: _text(given, number) for number, name in _TEMPLATE_TEXTS.items()}
        )
    return types


def decks(database: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    """Id, name and description of each deck, by id; the description is HTML.

    Raises:
        ValueError: one is damaged.
    """
    found = {}
    for key, name, kind in database.execute("SELECT id, name, kind FROM decks"):
        normal = message(kind).get(1, b"")
        described = _text(message(normal), 4) if isinstance(normal, bytes) else ""
        found[key] = {"id": key, "name": str(name).replace(_SEPARATOR, "::"), "desc": described}
    return found


def media(data: bytes) -> dict[str, str]:
    """The list of media: the name of each file by the member of the zip that holds it.

    Raises:
        ValueError: it is damaged.
    """
    return {str(index): _text(entry, 1) for index, entry in enumerate(messages(data, 1))}


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A signed 64-bit number, seven bits to a byte, and where it ends."""
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value - (1 << 64) if value >> 63 else value), position
        shift += 7
    raise ValueError("a number is cut off")


def _text(given: Message, number: int) -> str:
    value = given.get(number, b"")
    if not isinstance(value, bytes):
        raise ValueError(f"the field {number} is no text")
    return value.decode()


def _other(given: Message) -> dict[str, Any]:
    found = json.loads(_text(given, _OTHER) or "{}")
    return found if isinstance(found, dict) else {}
