"""Every name, signature and enum of TensorRT that the code and the cards use is there, in 10 and in 11."""

from __future__ import annotations

import inspect
import shutil
import warnings
from pathlib import Path

import pytest

from generator.collection import load
from tests.tensorrt_api import FETCH, Use, bindings, held_against, uses, without_a_type
from verify.measures import tensorrt_engine, tensorrt_session

SOURCES = [inspect.getsource(module) for module in (tensorrt_engine, tensorrt_session)]


def claims() -> list[str]:
    """The blocks of the collection that import tensorrt themselves."""
    topics = load(Path(__file__).parent.parent / "cards").topics
    blocks = [block for topic in topics for block in topic.blocks]
    blocks += [block for topic in topics for note in topic.notes for block in note.blocks]
    return [block.code for block in blocks if "import tensorrt as trt" in block.code]


def of_the_code() -> set[Use]:
    return {use for code in SOURCES for use in uses(code)}


def need_bindings() -> list[str]:
    for lacking, brings in ((not bindings(), FETCH), (not shutil.which("gcc"), "apt-get install gcc")):
        if lacking:
            reason = f"TensorRT's names were not checked; this brings what it takes: {brings}"
            warnings.warn(reason, stacklevel=2)
            pytest.skip(reason)
    return bindings()


def test_every_use_of_tensorrt_fits_the_real_bindings(tmp_path: Path) -> None:
    used = of_the_code() | {use for code in claims() for use in uses(code) if use.how != "read"}
    for folder in need_bindings():
        version, wrong = held_against(folder, used, tmp_path)
        assert wrong == {}, f"TensorRT {version}"
        print(f"TensorRT {version} has all {len(used)} uses: {', '.join(sorted({use.name for use in used}))}")


REMOVED = """
def build() -> None:
    builder: trt.Builder = trt.Builder(logger)
    config: trt.IBuilderConfig = builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.FP16)
    config.int8_calibrator = calibrator
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    fast = builder.platform_has_fast_int8
"""


def test_what_11_removed_is_found_there_and_not_in_10(tmp_path: Path) -> None:
    gone = {
        "BuilderFlag.FP16", "IBuilderConfig.int8_calibrator", "Builder.platform_has_fast_int8",
        "NetworkDefinitionCreationFlag.EXPLICIT_BATCH",
    }  # fmt: skip
    seen = set()
    for folder in need_bindings():
        version, wrong = held_against(folder, uses(REMOVED), tmp_path)
        seen.add(version.partition(".")[0])
        assert set(wrong) == (set() if version.startswith("10.") else gone), f"TensorRT {version}"
    assert seen & {"10", "11"}


MISUSED = """
def build() -> None:
    config: trt.IBuilderConfig = make()
    cache: trt.ITimingCache = make()
    engine: trt.ICudaEngine = make()
    config.set_timing_cache(cache, ignore=False)
    config.set_timing_cache(cache)
    config.create_timing_cache(b"", 1)
    engine.num_layers = 3
    engine.serialize
    trt.BuilderFlag.TF64
    trt.DataType.HALF()
    trt.Builder()
    trt.Engine
"""


def test_wrong_arguments_enums_and_read_only_attributes_are_found(tmp_path: Path) -> None:
    for folder in need_bindings():
        _, wrong = held_against(folder, uses(MISUSED), tmp_path)
        assert set(wrong) == {
            "IBuilderConfig.set_timing_cache", "IBuilderConfig.create_timing_cache", "ICudaEngine.num_layers",
            "ICudaEngine.serialize", "BuilderFlag.TF64", "DataType.HALF", "Builder", "Engine",
        }  # fmt: skip
        assert wrong["ICudaEngine.num_layers"] == "cannot be set"
        assert wrong["ICudaEngine.serialize"] == "is a method, and read like a value"
        assert wrong["DataType.HALF"] == "cannot be called"
        assert wrong["BuilderFlag.TF64"] == "is not there"


def test_the_uses_are_found_wherever_the_code_has_them() -> None:
    assert {
        Use("__version__", "read"), Use("Builder", "call", 1), Use("Builder.create_network", "call", 1),
        Use("NetworkDefinitionCreationFlag.STRONGLY_TYPED", "read"), Use("OnnxParser.num_errors", "read"),
        Use("ParserError.desc", "call"), Use("ILogger.log", "define"), Use("ILogger.Severity.ERROR", "read"),
        Use("BuilderFlag.TF32", "read"), Use("DataType.BF16", "read"), Use("ITimingCache.serialize", "call"),
        Use("IBuilderConfig.set_timing_cache", "call", 1, ("ignore_mismatch",)),
        Use("IBuilderConfig.profiling_verbosity", "assign"), Use("ICudaEngine.device_memory_size_v2", "read"),
        Use("EngineInspector.get_engine_information", "call", 1), Use("LayerInformationFormat.JSON", "read"),
        Use("Runtime.deserialize_cuda_engine", "call", 1), Use("ICudaEngine.get_tensor_shape", "call", 1),
        Use("IExecutionContext.execute_async_v3", "call", 1),
        Use("IExecutionContext.set_tensor_address", "call", 2),
    } <= of_the_code()  # fmt: skip


def test_every_object_of_tensorrt_has_its_type_written_beside_it() -> None:
    for code in SOURCES:
        assert without_a_type(code) == []
    assert without_a_type("builder = trt.Builder(logger)") == ["builder = trt.Builder(logger)"]
