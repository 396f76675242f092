"""Claims on a cluster of two machines: two network namespaces, and a cable that is cut in the middle."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from verify.cluster import NoCluster, run_on_ray

REPOSITORY = Path(__file__).parent.parent
LEFT, RIGHT, PORT = "10.77.119.1", "10.77.119.2", "6399"
SETTINGS = {
    # A cluster gives a silent node half a minute; here a few seconds do.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
}
DRIVER = f"""
import json, sys
from verify.cluster import run_on_ray
from verify.errands import Errand
from verify.jobs import Job, Source

def errand(owner, code, **more):
    return Errand(Job(owner, (Source(code, "t.md", 1),), ("x",), **more), ())

errands = [errand(**each) for each in json.loads(sys.argv[1])]
for finding in run_on_ray(errands, address="{LEFT}:{PORT}", prefer="right"):
    print(json.dumps(finding.to_json()), flush=True)
"""
TIMED = "import time; a = time.time(); time.sleep(0.5); x = f'{a} {time.time()}'"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Two nodes, each in a network of its own."""

    left: str
    """The namespace of the head."""
    right: str
    """The namespace of the other node, which has a GPU by its own account."""
    environment: dict[str, str]
    """For processes on the left."""

    def runs(self, errands: list[dict[str, Any]]) -> subprocess.Popen[str]:
        """Start a run; findings come line by line."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.left, sys.executable, "-c", DRIVER, json.dumps(errands)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env=self.environment,
        )  # fmt: skip

    def cut(self) -> None:
        """Cut the cable."""
        call("ip", "netns", "exec", self.left, "ip", "link", "set", "cable-l", "down")


def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=True, env={**os.environ, **environment}
    )


def lacking() -> str:
    if not importlib.util.find_spec("ray"):
        return "needs Ray: pip install '.[ray]'"
    if not shutil.which("ip"):
        return "needs the program ip: install iproute2"
    probe = f"groundtruth-{os.getpid()}"
    try:
        call("ip", "netns", "add", probe)
        call("ip", "netns", "del", probe)
    except (OSError, subprocess.SubprocessError) as error:
        return f"needs the right to make network namespaces: run as root ({error})"
    return ""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    why = lacking()
    if why:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("cluster")
    fake = folder / "bin/nvidia-smi"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'Test GPU, 1.0'\n")
    fake.chmod(0o755)
    names = tuple(f"gt-{side}-{os.getpid()}" for side in ("left", "right"))
    # Sockets have short paths: pytest's folders are too deep for them.
    home = Path(f"/tmp/gt-ray-{os.getpid()}")
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    base = {**SETTINGS, "PYTHONPATH": str(REPOSITORY)}
    try:
        for name in names:
            call("ip", "netns", "add", name)
        call("ip", "link", "add", "cable-l", "netns", names[0], "type", "veth",
             "peer", "name", "cable-r", "netns", names[1])  # fmt: skip
        for name, end, address in zip(names, ("cable-l", "cable-r"), (LEFT, RIGHT), strict=True):
            inside = ["ip", "netns", "exec", name, "ip"]
            call(*inside, "addr", "add", f"{address}/24", "dev", end)
            for link in ("lo", end):
                call(*inside, "link", "set", link, "up")
        call("ip", "netns", "exec", names[0], *ray, "start", "--head", f"--node-ip-address={LEFT}",
             f"--port={PORT}", "--num-cpus=1", "--include-dashboard=false", f"--temp-dir={home}",
             GROUNDTRUTH_MACHINE="left", **base)  # fmt: skip
        call("ip", "netns", "exec", names[1], *ray, "start", f"--address={LEFT}:{PORT}",
             f"--node-ip-address={RIGHT}", "--num-cpus=1", "--num-gpus=1", '--resources={"right": 1}',
             GROUNDTRUTH_MACHINE="right", PATH=f"{fake.parent}:{os.environ['PATH']}", **base)  # fmt: skip
        yield Cluster(names[0], names[1], {**os.environ, **base})
    finally:
        for name in names:
            pids = subprocess.run(
                ["ip", "netns", "pids", name], capture_output=True, text=True
            ).stdout.split()
            subprocess.run(["kill", "-9", *pids], capture_output=True)
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def test_claims_go_to_the_machines_that_they_need(cluster: Cluster) -> None:
    errands: list[dict[str, Any]] = [{"owner": f"quick-{n}", "code": f"x = {n}"} for n in range(6)]
    errands += [{"owner": f"gpu-{n}", "code": TIMED, "needs": ["cuda"]} for n in range(3)]
    errands += [{"owner": "alone", "code": TIMED, "alone": True}, {"owner": "wrong", "code": "assert 1 == 2"}]
    process = cluster.runs(errands)
    out, err = process.communicate(timeout=240)
    found = {finding["owner"]: finding for finding in map(json.loads, out.splitlines())}
    assert sorted(found) == sorted(errand["owner"] for errand in errands), err
    assert found["quick-4"]["record"]["values"] == {"x": {"kind": "exact", "number": "4"}}
    assert found["wrong"]["record"]["state"] == "refuted"
    assert {found[f"quick-{n}"]["machine"] for n in range(6)} == {"left", "right"}
    gpu = [found[f"gpu-{n}"] for n in range(3)]
    assert {(each["machine"], each["device"]) for each in gpu} == {("right", "Test GPU")}
    assert gpu[0]["record"]["environment"]["driver"] == "1.0"
    spans = sorted(tuple(map(float, each["record"]["values"]["x"]["text"].split())) for each in gpu)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans)), "one at a time"


def test_a_lost_machine_costs_the_claim_that_ran_on_it(cluster: Cluster) -> None:
    code = "import time; time.sleep(2); x = {}"
    errands = [{"owner": f"slow-{n}", "code": code.format(n), "timeout": 10.0} for n in range(8)]
    process = cluster.runs(errands)
    assert process.stdout is not None
    found: list[dict[str, Any]] = []
    for line in process.stdout:
        found.append(json.loads(line))
        if found[-1]["machine"] == "right":
            cluster.cut()
            break
    out, err = process.communicate(timeout=240)
    found += map(json.loads, out.splitlines())
    assert sorted(finding["owner"] for finding in found) == [f"slow-{n}" for n in range(8)], err
    lost = [finding for finding in found if finding["record"] is None]
    assert len(lost) == 1 and "its node was lost" in lost[0]["what"], found
    after = time.monotonic()
    assert process.wait(30) == 0 and time.monotonic() - after < 30


def test_without_a_cluster_the_way_to_one_is_named() -> None:
    if not importlib.util.find_spec("ray"):
        pytest.skip("needs Ray: pip install '.[ray]'")
    with pytest.raises(NoCluster, match="no Ray cluster answers"):
        list(run_on_ray([], address="127.0.0.1:1"))
