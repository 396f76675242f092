"""A claim that this machine cannot measure now: skipped aloud, nothing is forgotten, nothing is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from tests.workplace import run_tool, write
from verify import Unavailable, Unreliable

CARD = """# T

About it.

## Q? {#q}

```python claim
from pathlib import Path
from verify import Unavailable

if not Path("%s").exists():
    raise Unavailable("runtime 'x' is not installed", "pip install x")
value = 7
```

[%s](claim:value)
"""


def test_what_is_missing_skips_a_claim_with_the_line_that_brings_it(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", CARD % (tmp_path / "installed", "?"))
    done = run_tool("verify", "run", cwd=tmp_path)
    assert done.code == 0, done
    assert re.search(r"cards/t\.md:16: skipped +\?  \(value\)", done.out)
    assert "runtime 'x' is not installed: pip install x" in done.out
    assert done.out.splitlines()[-1].startswith("1 claim: 1 skipped")


def test_an_earlier_measurement_stays_when_a_later_run_cannot_be_made(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    file = write(tmp_path / "cards/t.md", CARD % (installed, "?"))
    installed.touch()
    assert run_tool("verify", "run", "--update", cwd=tmp_path).code == 0
    measured = file.read_text(encoding="utf-8")
    assert "[7](claim:value)" in measured
    installed.unlink()
    done = run_tool("verify", "run", "--update", "--force", cwd=tmp_path)
    assert done.code == 0
    assert file.read_text(encoding="utf-8") == measured
    assert run_tool("verify", "check", cwd=tmp_path).code == 0


def test_both_kinds_say_what_and_what_to_do() -> None:
    for kind in (Unavailable, Unreliable):
        error = kind("the GPU was throttled", "wait")
        assert (error.what, error.hint, str(error)) == (
            "the GPU was throttled", "wait", "the GPU was throttled: wait",
        )  # fmt: skip
