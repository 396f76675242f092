"""What a claim's code finds in its process, and what is read from it."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from verify.explain import compile_source
from verify.jobs import Job, Outcome, Source
from verify.runner import run
from verify.walls import environment
from verify.warm import worth_importing

PATH = "cards/card.md"

SEEDED = """
import random, numpy, torch
python, array, tensor = random.random(), float(numpy.random.rand()), float(torch.rand(1))
order = str(hash("groundtruth"))
threads = torch.get_num_threads()
reproducible = torch.are_deterministic_algorithms_enabled()
"""

ROOM = """
import os, sys, tempfile
from pathlib import Path
here = str(Path.cwd())
empty = not os.listdir()
home = str(Path.home())
temporary = tempfile.gettempdir()
variables = " ".join(sorted(os.environ))
nothing = sys.stdin.read()
main = __name__
"""

LOOPBACK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    with socket.create_connection(server.getsockname()) as client:
        client.sendall(b"heard")
        heard = server.accept()[0].recv(5).decode()
"""

INTROSPECTION = """
import dataclasses, inspect, pickle

@dataclasses.dataclass
class Layer:
    width: "int"

def area(width):
    return width * width

same = pickle.loads(pickle.dumps(Layer(3))) == Layer(3)
source = inspect.getsource(area)
layer = inspect.getsource(Layer)
text_stays_text = Layer.__annotations__["width"] == "int" and area.__code__.co_flags & 0x1000000 == 0
"""

VALUES = """
from fractions import Fraction
from torch.nn import Conv2d
layer = Conv2d(1, 1, 1)
share = Fraction(1, 3)
lost = float("nan")
wide = share < 1
wider = list(range(10))
"""

FORMULAS = """
from sympy import symbols
K, M, N = symbols("K M N", positive=True)
ratio = (K**2 * M + M * N) / (K**2 * M * N)
"""

FIGURE = """
import matplotlib.pyplot as plt
plot, axes = plt.subplots()
axes.plot([1, 2, 4], label="latency")
axes.fill_between([0, 1, 2], [1, 2, 4], hatch="/", clip_on=True)
axes.legend()
number = 3
"""

FILE_CODE = "width = 3\ndef area():\n    assert width > 5\n    return width"


def a_job(owner: str, code: str, *names: str) -> Job:
    """A job of one block, whose code begins at line 7 of its card."""
    return Job(owner, (Source(code.lstrip("\n"), PATH, 7),), names, timeout=30.0)


@pytest.fixture(scope="module")
def figure_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")


@pytest.fixture(scope="module")
def outcomes(figure_folders: tuple[Path, Path]) -> dict[str, Outcome]:
    seeded = ("python", "array", "tensor", "order", "threads", "reproducible")
    figures = [
        tuple((name, str(folder / "new" / f"{name}.svg")) for name in ("plot", "axes", "number", "absent"))
        for folder in figure_folders
    ]
    formulas = (
        ("ratio", r"\frac{1}{N} + \frac{1}{K^2}"),
        ("ratio", r"\frac{1}{N} + \frac{1}{K}"),
        ("ratio", r"\frac{1}{N"),
        ("absent", "N"),
    )
    jobs = [
        a_job("seeded", SEEDED, *seeded),
        a_job("seeded again", SEEDED, *seeded),
        replace(a_job("timed", SEEDED, *seeded), alone=True),
        a_job("room", ROOM, "here", "empty", "home", "temporary", "variables", "nothing", "main"),
        a_job("loopback", LOOPBACK, "heard"),
        a_job("introspection", INTROSPECTION, "same", "source", "layer", "text_stays_text"),
        a_job("values", VALUES, "layer", "share", "lost", "wide", "width", "entirely_different"),
        replace(a_job("formulas", FORMULAS, "ratio"), formulas=formulas),
        replace(a_job("figures", FIGURE), figures=figures[0]),
        replace(a_job("figures again", FIGURE), figures=figures[1]),
        Job("two blocks", (Source(FILE_CODE, PATH, 5), Source("x = width\ny = area()", PATH, 60)), ("x",)),
        Job("no code", (), ("x",)),
        a_job("large", "text = 'word ' * (5 << 20)", "text"),
        a_job(
            "verify",
            "from verify import parameters\nfrom torch.nn import Linear\nn = parameters(Linear(3, 2))",
            "n",
        ),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "hush")
        patch.setenv("PYTHONOPTIMIZE", "2")
        before = dict(os.environ)
        found = {outcome.job.owner: outcome for outcome in run(jobs, workers=2)}
        assert dict(os.environ) == before
    return found


def test_generators_start_from_the_same_seeds(outcomes: dict[str, Outcome]) -> None:
    import torch

    first, again = outcomes["seeded"].values, outcomes["seeded again"].values
    assert first == again
    torch.manual_seed(0)
    assert first["tensor"]["number"] == float(torch.rand(1))


def test_one_thread_and_reproducible_algorithms_except_where_time_is_measured(
    outcomes: dict[str, Outcome],
) -> None:
    settings = {name: outcomes[name].values for name in ("seeded", "timed")}
    assert [values["threads"]["number"] for values in settings.values()] == ["1", "1"]
    assert [values["reproducible"]["truth"] for values in settings.values()] == [True, False]


def test_code_runs_in_an_empty_folder_that_is_its_home(outcomes: dict[str, Outcome]) -> None:
    values = outcomes["room"].values
    here = values["here"]["text"]
    assert values["empty"]["truth"]
    assert values["home"]["text"] == values["temporary"]["text"] == here
    assert not Path(here).exists()


def test_code_sees_no_variable_that_it_was_not_meant_to_see(outcomes: dict[str, Outcome]) -> None:
    variables = outcomes["room"].values["variables"]["text"].split()
    assert "SECRET_TOKEN" not in variables
    assert {"PATH", "HOME", "OMP_NUM_THREADS"} <= set(variables)


def test_the_environment_is_a_list_of_what_is_wanted() -> None:
    parent = {"PATH": "/bin", "LC_ALL": "C", "API_KEY": "hush", "PYTHONOPTIMIZE": "1", "OMP_NUM_THREADS": "8"}
    found = environment(parent, Path("/home/claim"))
    assert found["PATH"] == "/bin" and found["LC_ALL"] == "C"
    assert found["OMP_NUM_THREADS"] == "1"
    assert not {"API_KEY", "PYTHONOPTIMIZE"} & set(found)


def test_standard_input_is_empty_and_the_module_is_called_claim(outcomes: dict[str, Outcome]) -> None:
    values = outcomes["room"].values
    assert (values["nothing"].get("text", ""), values["main"]["text"]) == ("", "claim")


def test_the_loopback_device_works(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["loopback"].values["heard"]["text"] == "heard"


def test_dataclasses_pickle_and_inspect_work_as_in_a_file(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["introspection"]
    assert outcome.values["same"]["truth"]
    assert outcome.values["source"]["text"] == "def area(width):\n    return width * width\n"
    assert outcome.values["layer"]["text"].startswith("@dataclasses.dataclass\nclass Layer:")
    assert outcome.values["text_stays_text"]["truth"]


def test_code_may_use_the_measuring_library(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["verify"].values["n"]["number"] == "8"


def test_a_value_that_cannot_be_read_costs_its_name_alone(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["values"]
    assert outcome.state == "done"
    assert set(outcome.values) == {"share", "wide"}
    assert set(outcome.unportrayable) == {"layer", "lost", "width", "entirely_different"}
    assert "Conv2d" in outcome.unportrayable["layer"]
    assert "nan" in outcome.unportrayable["lost"]
    assert outcome.unportrayable["width"] == (
        "the code gives no value the name `width`; did you mean `wide`?"
    )
    assert outcome.unportrayable["entirely_different"].endswith("the name `entirely_different`")


def test_formulas_are_proved_and_refuted(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["formulas"]
    states = [(each.name, each.state) for each in outcome.derivations]
    assert states == [("ratio", "proved"), ("ratio", "refuted"), ("ratio", "malformed")]
    assert "K" in outcome.derivations[1].detail
    assert outcome.derivations[2].detail
    assert set(outcome.unportrayable) == {"absent"}


def test_a_figure_is_drawn_as_the_same_bytes_every_time(
    outcomes: dict[str, Outcome], figure_folders: tuple[Path, Path]
) -> None:
    first, second = (folder / "new" for folder in figure_folders)
    assert outcomes["figures"].state == outcomes["figures again"].state == "done"
    assert sorted(path.name for path in first.iterdir()) == ["axes.svg", "plot.svg"]
    picture = (first / "plot.svg").read_bytes()
    assert picture == (second / "plot.svg").read_bytes()
    assert b"<svg" in picture
    assert b"<dc:date>" not in picture and b"Matplotlib" not in picture.partition(b"<svg")[2]


def test_what_is_no_figure_costs_its_name_alone(outcomes: dict[str, Outcome]) -> None:
    wrong = outcomes["figures"].unportrayable
    assert set(wrong) == {"number", "absent"}
    assert wrong["number"] == "TypeError: a matplotlib figure was expected, not int"


def test_blocks_share_one_namespace_and_keep_their_own_lines(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["two blocks"]
    assert outcome.what == "the assertion `width > 5` is false: width = 3"
    assert (outcome.state, outcome.path, outcome.line) == ("refuted", PATH, 7)
    assert "line 61, in <module>\n    y = area()" in outcome.output


def test_no_code_gives_no_values(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["no code"].state == "done"
    assert outcomes["no code"].unportrayable["x"] == "the code gives no value the name `x`"


def test_a_value_is_no_place_for_a_book(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["large"]
    assert (outcome.state, outcome.what) == ("failed", "the values take more than 16 MiB")


def test_compiled_code_has_the_lines_of_its_card() -> None:
    code = compile_source(Source("a = 1\n\nb = 2\n", PATH, 12))
    assert {line for _, _, line in code.co_lines() if line} == {12, 14}
    with pytest.raises(SyntaxError) as caught:
        compile_source(Source("a = 1\nb = (\n", PATH, 12))
    assert caught.value.lineno == 13


def test_the_server_imports_what_the_claims_will_need() -> None:
    plain, figure = a_job("plain", "x = 1"), a_job("figure", "import matplotlib.pyplot as plt")
    assert worth_importing([plain]) == []
    assert "matplotlib.pyplot" in worth_importing([plain, figure])
    seeds = a_job("seeds", "from verify import paired, spread")
    assert worth_importing([seeds]) == ["verify.measures.counting", "scipy.stats"]
    for module in worth_importing([replace(plain, formulas=(("x", "1"),)), figure]):
        import_module(module)


def test_a_job_survives_json() -> None:
    job = Job(
        "note",
        (Source("x = 1", PATH, 3),),
        ("x",),
        (("x", "1"),),
        (("plot", "/figures/plot.svg"),),
        ("cuda",),
        9.0,
        True,
        "digest",
    )
    assert Job.from_json(job.to_json()) == job
