"""`verify run` killed, interrupted, or started twice: what was finished stays, and nothing is broken."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workplace import environment_of_tools, hear_interrupts, write
from verify.__main__ import INTERRUPTED
from verify.records import Records

NOTES = 30

NOTE = """\
## How much is {number} and {number}? {{#sum-{number}}}

```python claim
import time
while int(open("{gate}").read()) <= {number}:
    time.sleep(0.01)
with open("{log}", "a") as log:
    log.write("sum-{number}\\n")
time.sleep(0.04)
total = {number} + {number}
```

[{total}](claim:total)
"""


class Place:
    """A collection whose claims leave a line in a log each time that they are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self.log.chmod(0o666)
        self.gate = folder / "gate"
        self.open(NOTES)
        notes = (
            NOTE.format(number=number, total=2 * number, log=self.log, gate=self.gate)
            for number in range(NOTES)
        )
        write(folder / "cards" / "sums.md", "# Sums\n\n" + "\n".join(notes))
        for module in ("torch", "sympy", "numpy"):  # not needed here, and slow to import
            write(folder / "without" / f"{module}.py", "raise ImportError")

    def open(self, number: int) -> None:
        """Let the first claims be run, and those after them wait."""
        new = self.gate.with_suffix(".new")
        new.write_text(str(number))
        new.replace(self.gate)

    def start(self) -> subprocess.Popen[str]:
        """Begin a run."""
        environment = environment_of_tools()
        environment["PYTHONPATH"] = f"{self.folder / 'without'}:{environment['PYTHONPATH']}"
        return subprocess.Popen(
            [sys.executable, "-m", "verify", "run", "-j", "2", "--machine", "bench"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_interrupts,
        )

    def ran(self) -> list[str]:
        """The claims that were begun so far, in order."""
        return self.log.read_text().split()

    def wait_for(self, begun: int) -> None:
        """Wait until so many claims were begun."""
        deadline = time.monotonic() + 120
        while len(set(self.ran())) < begun and time.monotonic() < deadline:
            time.sleep(0.005)

    def recorded(self) -> set[str]:
        """The claims that have a record."""
        return set(Records(self.folder / "decks" / "measured", "bench").by_owner)

    def files(self) -> list[str]:
        """What stands where records stand."""
        return sorted(file.name for file in (self.folder / "decks" / "measured").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_run_killed_at_any_moment_loses_nothing_that_was_finished(place: Place) -> None:
    luck = random.Random(4)
    known: set[str] = set()
    for round_ in range(5):
        before = len(place.ran())
        place.open(5 * round_ + 5)  # those that wait keep the run from ending before it is killed
        run = place.start()
        place.wait_for(5 * round_ + luck.randint(1, 5))
        time.sleep(luck.uniform(0, 0.08))
        run.kill()
        run.communicate()
        found = place.recorded()
        assert found >= known, "what was recorded stays"
        assert not known & set(place.ran()[before:]), "what was recorded is not run again"
        known = found
    assert 5 <= len(known) < NOTES
    before = len(place.ran())
    place.open(NOTES)
    run = place.start()
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, out + err
    assert not known & set(place.ran()[before:])
    assert place.recorded() == {f"sum-{number}" for number in range(NOTES)}
    assert place.files() == ["bench.json"]


def test_an_interrupted_run_says_so_and_the_next_one_goes_on(place: Place) -> None:
    place.open(6)
    run = place.start()
    place.wait_for(6)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=120)
    assert run.returncode == INTERRUPTED
    assert "what was finished is recorded, and the next run goes on from there" in err
    known, before = place.recorded(), len(place.ran())
    assert known and place.files() == ["bench.json"]
    place.open(NOTES)
    again = place.start()
    again.communicate(timeout=120)
    assert again.returncode == 0
    assert not known & set(place.ran()[before:])


def test_two_runs_at_once_record_everything_and_break_nothing(place: Place) -> None:
    runs = [place.start(), place.start()]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert run.returncode == 0, out + err
        assert f"{NOTES} holds" in out
    assert place.recorded() == {f"sum-{number}" for number in range(NOTES)}
    assert place.files() == ["bench.json"]
