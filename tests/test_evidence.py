"""A timing's record says how it was made: modes, seed, control, and every block."""

from __future__ import annotations

import json
from pathlib import Path

from tests.workplace import run_tool, write
from verify.evidence import rounded
from verify.measures.clocks import Block
from verify.measures.nvml import GpuState
from verify.measures.rounds import Round, evidence_of

CARD = """# T

About it.

## Q? {#q}

```python claim
from verify import compare

work = {"long": lambda: sum(range(2000)), "short": lambda: sum(range(1000))}
found = compare(work, processes=2, blocks=2, calls=2, seconds_per_block=1e-4, seed=3, strict=False)
slower = found.ratio.value > 0
```

[slower](claim:slower)
"""


def test_a_record_keeps_modes_seed_control_and_the_raw_times(tmp_path: Path) -> None:
    write(tmp_path / "cards/t.md", CARD)
    assert run_tool("verify", "run", cwd=tmp_path).code == 0
    [file] = (tmp_path / "decks/measured").glob("*.json")
    [evidence] = json.loads(file.read_text(encoding="utf-8"))["records"]["q"]["evidence"]
    assert (evidence["measure"], evidence["seed"]) == ("compare", 3)
    assert evidence["modes"] == "cpu, host clock, hot cache, 1 thread, gradients recorded"
    assert evidence["candidates"] == ["long", "short"]
    assert evidence["control"] > 0
    for process in evidence["rounds"]:
        assert sorted(order for order, _, _ in process) == ["AA", "AB", "BA"]
        assert all(seconds > 0 for _, *times in process for seconds in times)
    assert len(evidence["rounds"]) == 2
    shown = run_tool("verify", "show", "q", cwd=tmp_path).out
    assert f"compare: {evidence['modes']}, 6 rounds in 2 processes, seed 3, control" in shown
    assert (
        run_tool("verify", "run", cwd=tmp_path).err.count("need no run") == 0
    )  # read back, and still current


def test_of_a_gpu_the_extremes_are_kept_and_how_often_it_was_throttled() -> None:
    def one(mhz: int, *throttled: str) -> Round:
        state = GpuState(mhz, 3201, 650.0, 60, throttled, 2)
        return Round(("a", "b"), (Block((1e-3,)), Block((2e-3,))), throttled, 0, state)

    found = evidence_of([[one(1980), one(1500, "power cap")]], ("a", "b"))
    assert found["rounds"] == [[["AB", 1e-3, 2e-3], ["AB", 1e-3, 2e-3]]]
    assert found["gpu"]["sm_mhz"] == [1500, 1980]
    assert found["throttled"] == {"power cap": 1}


def test_floats_are_kept_to_five_digits_at_any_depth() -> None:
    assert rounded({"a": [1.23456789e-7, (2, "x")]}) == {"a": [1.2346e-7, [2, "x"]]}
