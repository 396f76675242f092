"""Claims of one run, and of the next one, share their trainings through real sandboxed processes."""

from __future__ import annotations

from pathlib import Path

from verify.jobs import Job, Source
from verify.runner import run

CODE = """
import torch
from torch import nn
from verify import digits, train

taken = 0
step = torch.optim.SGD.step

def counted(*args, **rest):
    global taken
    taken += 1
    return step(*args, **rest)

torch.optim.SGD.step = counted

def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

net = train(make, digits(), seed=0, epochs=2, batch=479)
total = sum(weight.sum().item() for weight in net.parameters())
"""


def job(name: str, more: str = "") -> Job:
    return Job(name, (Source(CODE + more, "card.md", 1),), ("taken", "total"))


def found(jobs: list[Job], trainings: Path | None) -> tuple[list[int], set[float]]:
    """The optimizer steps that each job took, sorted, and the sums of the weights that they got."""
    outcomes = list(run(jobs, workers=2, trainings=trainings))
    assert all(outcome.state == "done" for outcome in outcomes), [outcome.what for outcome in outcomes]
    steps = sorted(int(outcome.values["taken"]["number"]) for outcome in outcomes)
    return steps, {float(outcome.values["total"]["number"]) for outcome in outcomes}


def test_claims_with_the_same_training_train_once_even_side_by_side(tmp_path: Path) -> None:
    jobs = [job(f"note-{number}", "\n" * number + f"other = {number}") for number in range(4)]
    steps, sums = found(jobs, tmp_path)
    assert steps == [0, 0, 0, 6]
    assert [file.suffix for file in tmp_path.iterdir()] == [".training"]
    # Without a folder, as under --force, nothing of earlier runs is used: one of the claims trains again.
    assert found(jobs[:2], None) == ([0, 6], sums)
    assert len(sums) == 1


def test_a_claim_that_ends_in_its_training_leaves_the_others_to_train(tmp_path: Path) -> None:
    torn = Job("torn", (Source("import os\n" + CODE.replace("taken += 1", "os._exit(7)"), "card.md", 1),))
    first, second = run([torn, job("note")], workers=1, trainings=tmp_path)
    assert first.state == "failed"
    assert second.values["taken"]["number"] == "6"
