"""A stand-in for `tensorrt` where there is none: it runs the ONNX model on the CPU, in place.

It shows that the way from a module to an output is there, and what was asked on it; that the real one has all
these names, `test_tensorrt_api.py` shows.
"""

from __future__ import annotations

import ctypes
import json
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

__version__ = "11.4.0"
NetworkDefinitionCreationFlag = IntEnum("NetworkDefinitionCreationFlag", {"STRONGLY_TYPED": 1})
BuilderFlag = IntEnum("BuilderFlag", {"TF32": 1})
ProfilingVerbosity = IntEnum("ProfilingVerbosity", {"DETAILED": 2})
LayerInformationFormat = IntEnum("LayerInformationFormat", {"JSON": 1})
DataType = IntEnum("DataType", {"FLOAT": 1, "HALF": 10, "BF16": 16, "INT64": 7})
"""With the numbers that ONNX has for them."""

asked: list[Any] = []
"""The configurations that engines were built with, in order."""


class ILogger:
    """What is told of errors."""

    Severity = IntEnum("Severity", {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2})

    def log(self, severity: Any, msg: str) -> None:
        raise NotImplementedError


class TimingCache:
    """Times of kernels, as bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def serialize(self) -> bytes:
        return self.content


class Config:
    """What a build may do."""

    profiling_verbosity: int = 0
    builder_optimization_level: int = 3

    def __init__(self) -> None:
        self.flags = {BuilderFlag.TF32}  # the builder's default, as in the real one
        self.cache = TimingCache(b"")

    def clear_flag(self, flag: Any) -> None:
        self.flags.discard(flag)

    def create_timing_cache(self, content: bytes) -> TimingCache:
        return TimingCache(content)

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        self.cache = cache
        return cache.content != b"of another version"

    def get_timing_cache(self) -> TimingCache:
        return TimingCache(self.cache.content + b"timed")


class Builder:
    """Makes engines out of networks."""

    def __init__(self, logger: ILogger) -> None:
        self.logger = logger

    def create_network(self, flags: int) -> SimpleNamespace:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return SimpleNamespace(model=b"")

    def create_builder_config(self) -> Config:
        return Config()

    def build_serialized_network(self, network: SimpleNamespace, config: Config) -> bytes | None:
        asked.append(config)
        if config.builder_optimization_level > 5:
            self.logger.log(ILogger.Severity.ERROR, "no such level")
            return None
        return bytes(network.model)


class OnnxParser:
    """Reads a model into a network."""

    num_errors = 1

    def __init__(self, network: SimpleNamespace, logger: ILogger) -> None:
        self.network = network

    def parse(self, model: bytes) -> bool:
        self.network.model = model
        return b"TopK" not in model

    def get_error(self, index: int) -> SimpleNamespace:
        said = {"node_operator": "TopK", "node_name": "/TopK", "desc": "not supported"}
        return SimpleNamespace(**{name: lambda text=text: text for name, text in said.items()})


class Runtime:
    """Loads engines."""

    def __init__(self, logger: ILogger) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
        if plan:
            return Engine(plan)
        self.logger.log(ILogger.Severity.ERROR, "the plan is empty")
        return None


class Engine:
    """A model that can be run."""

    device_memory_size_v2 = 4096

    def __init__(self, plan: bytes) -> None:
        self.model = onnx.load_from_string(plan)
        graph = self.model.graph
        self.types = {each.name: each.type.tensor_type for each in (*graph.input, *graph.output)}

    def get_tensor_dtype(self, name: str) -> Any:
        return DataType(self.types[name].elem_type)

    def get_tensor_shape(self, name: str) -> list[int]:
        return [each.dim_value for each in self.types[name].shape.dim]

    def create_execution_context(self) -> Context:
        return Context(self)

    def create_engine_inspector(self) -> SimpleNamespace:
        layers = [{"Name": node.op_type} for node in self.model.graph.node]
        return SimpleNamespace(get_engine_information=lambda form: json.dumps({"Layers": layers}))


class Context:
    """An engine with its tensors in place."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return name in self.engine.types

    def execute_async_v3(self, stream: int) -> bool:
        if not stream:
            return False  # the default stream is the one on which TensorRT would synchronise
        [found] = ReferenceEvaluator(self.engine.model).run(None, {"input": self._memory("input")})
        self._memory("output")[...] = found
        return True

    def _memory(self, name: str) -> Any:
        kind = np.dtype(helper.tensor_dtype_to_np_dtype(self.engine.types[name].elem_type))
        shape = self.engine.get_tensor_shape(name)
        size = int(np.prod(shape)) * kind.itemsize
        memory = (ctypes.c_char * size).from_address(self.addresses[name])
        return np.frombuffer(memory, dtype=kind).reshape(shape)
