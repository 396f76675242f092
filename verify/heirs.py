"""Which records belong to code that is called otherwise by now: renamed notes, moved files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TypeVar

from verify.claims import Task

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Heirs:
    """The owners of a collection's tasks, and by what else their records can be found."""

    digests: Mapping[str, str]
    """The digest of each task's code, by owner."""
    former: Mapping[str, str]
    """The id that a renamed note had before, `was=old`, by owner."""

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> Heirs:
        """The heirs among these tasks, which are all of a collection's."""
        listed = list(tasks)
        digests = {task.job.owner: task.job.digest for task in listed}
        former = {task.job.owner: task.note.was for task in listed if task.note is not None and task.note.was}
        return cls(digests, former)

    def settle(self, records: MutableMapping[str, Entry], digests: Mapping[str, str]) -> None:
        """Give each owner without a record the one that it left behind under another name.

        The id that a note says it had comes first; then the record of the very same code under a name that
        nothing has any more. What is left belongs to nobody, and stays.

        Args:
            records: by owner; changed in place.
            digests: the digest of each record's code, by the same owners.
        """
        orphans = {owner for owner in records if owner not in self.digests}
        for owner in [owner for owner in self.former if owner not in records]:
            if self.former[owner] in orphans:
                orphans.remove(self.former[owner])
                records[owner] = records.pop(self.former[owner])
        by_digest = {digests[orphan]: orphan for orphan in sorted(orphans, reverse=True)}
        for owner, digest in sorted(self.digests.items()):
            if owner not in records and digest in by_digest:
                records[owner] = records.pop(by_digest.pop(digest))

    def strangers(self, owners: Iterable[str]) -> list[str]:
        """Those of these owners that the collection does not have."""
        return sorted(owner for owner in owners if owner not in self.digests)
