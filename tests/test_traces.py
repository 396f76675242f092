"""What is shown of a claim's output: nothing of ours, and no traceback that repeats the line above it."""

from __future__ import annotations

from pathlib import Path

import verify
from verify.traces import told

OURS = str(Path(verify.__file__).parent)
START = "Traceback (most recent call last):\n"
SANDBOX = f'  File "{OURS}/sandbox.py", line 103, in _execute\n    exec(code)\n'
CARD = '  File "cards/t.md", line 57, in <module>\n    z = 1 / 0\n        ~~^~~\n'
HELPER = '  File "cards/t.md", line 50, in half\n    return x / 0\n'
END = "ZeroDivisionError: division by zero\n"


def test_a_traceback_of_one_frame_says_nothing_new() -> None:
    assert told(START + SANDBOX + CARD + END) == ""
    assert told("printed\n" + START + SANDBOX + CARD + END) == "printed"


def test_a_traceback_through_functions_stays_without_our_frames() -> None:
    assert told(START + SANDBOX + CARD + HELPER + END) == (START + CARD + HELPER + END).rstrip("\n")


def test_frames_of_measures_stay_since_authors_call_them() -> None:
    measure = f'  File "{OURS}/measures/counting.py", line 9, in parameters\n    raise TypeError\n'
    assert measure in told(START + SANDBOX + CARD + measure + END)


def test_an_error_behind_an_error_stays() -> None:
    between = "\nDuring handling of the above exception, another exception occurred:\n\n"
    text = START + CARD + END + between + START + SANDBOX + CARD + "KeyError: 1\n"
    assert told(text).count(START) == 2 and OURS not in told(text)


def test_output_without_any_traceback_is_left_alone() -> None:
    assert told("one\n\ntwo\n") == "one\n\ntwo"


def test_frames_of_libraries_are_left_out() -> None:
    library = (
        '  File "/usr/lib/python3.11/urllib/request.py", line 1351, in do_open\n    raise URLError(err)\n'
    )
    package = '  File "/venv/site-packages/torch/nn.py", line 9, in f\n    return g()\n    ^^^^^^^^^^\n'
    assert told(START + SANDBOX + CARD + HELPER + library + package + END) == told(
        START + CARD + HELPER + END
    )
