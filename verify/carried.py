"""`verify run-jobs`: jobs that were carried here, where there are neither notes nor what reads them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from generator.errors import UsageError
from verify.environment import this_machine
from verify.errands import Errand, append_result, mend_results, read_jobs, read_results, run_errands

_FAILED = 4


def run_jobs(options: argparse.Namespace) -> int:
    """Run the jobs of a file on this machine; no notes are needed."""
    errands = _shard(read_jobs(Path(options.jobs)), options.shard)
    results = Path(options.output)
    machine = this_machine(options.machine)
    mend_results(results)
    done = {
        (found.owner, found.record.digest)
        for found in (read_results(results) if results.exists() else ())
        if found.record is not None and found.machine == machine.name
    }
    left = [errand for errand in errands if (errand.job.owner, errand.job.digest) not in done]
    failed = written = 0
    findings = run_errands(
        left, machine, workers=options.processes, command=f"verify run-jobs {options.jobs}"
    )
    for number, finding in enumerate(findings, start=1):
        if finding.record is not None:
            append_result(results, finding)
            written += 1
        state = finding.record.state if finding.record is not None else f"skipped, {finding.what}"
        failed += finding.record is not None and finding.record.state != "done"
        print(f"[{number}/{len(left)}] {finding.owner}: {state}", file=sys.stderr, flush=True)
    if not written:
        found = (
            f"{results} has what an earlier run found" if len(left) < len(errands) else "there is no result"
        )
        print(f"verify: nothing ran, and nothing was written; {found}", file=sys.stderr)
    # A file of that name may be of other jobs.
    if written or len(left) < len(errands):
        print(results)
    return _FAILED if failed else 0


def _shard(errands: list[Errand], shard: str) -> list[Errand]:
    """The part of the jobs that `2/8` names: every eighth one, from the second on."""
    if not shard:
        return errands
    part, _, parts = shard.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UsageError(f"--shard {shard}: names no part", "write --shard 2/8, from 1/8 to 8/8")
    return errands[int(part) - 1 :: int(parts)]
