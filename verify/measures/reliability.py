"""Whether a timing can be believed: the control, the clocks, and what the driver said meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from verify.measures.modes import Device
from verify.measures.nvml import POWER_CAP, THROTTLES
from verify.measures.rounds import Round
from verify.values import Spread

CONTROL_TOLERANCE = {"cpu": 0.02, "cuda": 0.01}
"""How far a candidate may seem from itself in a reliable run; on a shared CPU, 1 % is too strict."""

USELESS = {"cpu": 0.10, "cuda": 0.01}
"""How far it may seem from itself before a run says nothing at all. Between the two, on a CPU that others
use, the run counts: its interval is wide, and the record says what the control was."""

DROPPED = 0.2
"""The share of rounds that may be dropped because the GPU was throttled."""

QUIETER = "run it again when the machine is quiet and the GPU is nobody else's"


def bearable(doubts: Sequence[str], a_a: Spread, device: Device) -> bool:
    """Whether a run counts: nothing speaks against it, or nothing but a control that is a little off."""
    off, most = abs(a_a.value - 1), USELESS[device]
    return not doubts or (len(doubts) == 1 and CONTROL_TOLERANCE[device] < off <= most)


def spoiling(processes: Sequence[Sequence[Round]]) -> frozenset[str]:
    """What speaks against a round, of all that held the GPU's clocks back.

    Heat and faults always do. The power cap does while it comes and goes; where it holds in more rounds than
    may be dropped, it is how this GPU sustains this work, and the record says in how many.
    """
    rounds = [each for process in processes for each in process]
    capped = sum(POWER_CAP in each.throttled for each in rounds)
    sustained = {POWER_CAP} if capped > DROPPED * len(rounds) else set()
    return frozenset(THROTTLES.values()) - sustained


def doubts_of(processes: Sequence[Sequence[Round]]) -> list[str]:
    """What clocks and driver said against a run."""
    rounds = [each for process in processes for each in process]
    doubts = []
    spoils = spoiling(processes)
    throttled = [each for each in rounds if spoils.intersection(each.throttled)]
    if len(throttled) > DROPPED * len(rounds):
        reasons = sorted({reason for each in throttled for reason in each.throttled})
        doubts.append(
            f"the GPU was throttled in {len(throttled)} of {len(rounds)} rounds: {', '.join(reasons)}"
        )
    if any(each.foreign for each in rounds):
        doubts.append("another process was on the GPU")
    wrong = [block.doubt for each in rounds for block in each.blocks if block.doubt]
    if len(wrong) > DROPPED * len(rounds):
        doubts.append(f"{wrong[0]} (and {len(wrong) - 1} more blocks)" if len(wrong) > 1 else wrong[0])
    return doubts
