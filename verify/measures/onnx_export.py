"""A module as an ONNX model, and that model quantized to INT8 with explicit Q/DQ."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from verify.measures.forward import copy_with, tensor_of
from verify.unmeasured import Unavailable

Exporter = Literal["torchscript", "dynamo"]

FUSED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add")
"""Operators with which TensorRT fuses what follows them, unless a pair of Q and DQ stands between."""


def export_onnx(
    module: nn.Module,
    example: Tensor,
    *,
    exporter: Exporter = "torchscript",
    opset: int | None = None,
    folded: bool = True,
) -> bytes:
    """The module as a serialised ONNX model: one `input` of `example`'s shape and type, one `output`.

    In eval mode, checked by `onnx`. `exporter="torchscript"` traces the module; `"dynamo"` is torch's newer
    exporter, which goes through `torch.export` and needs onnxscript. The opset is by default 20, the
    TorchScript exporter's highest official one, and 22 for BF16, the first whose convolutions take it.
    `folded=False` keeps that exporter from folding batch norms and constants, so that runtimes can.

    Raises ValueError for tensors on the meta device or another exporter; RuntimeError when the module does
    not go through, or its model would pass 2 GB; Unavailable without onnx or onnxscript.
    """
    if exporter not in get_args(Exporter):
        raise ValueError(f"the exporters are {' and '.join(get_args(Exporter))}, not {exporter!r}")
    if any(tensor.is_meta for tensor in (example, *module.parameters(), *module.buffers())):
        raise ValueError('on the meta device there are no numbers to export: model(name, "cpu")')
    for package in ("onnx", *(("onnxscript",) if exporter == "dynamo" else ())):
        _need(package)
    import onnx

    opset = opset or (22 if example.dtype == torch.bfloat16 else 20)
    copy = copy_with(module, lambda _, tensor: tensor.detach().to(example.device))
    copy.register_forward_hook(lambda _, __, output: tensor_of(output))
    names: dict[str, Any] = {"input_names": ["input"], "output_names": ["output"], "opset_version": opset}
    try:
        with warnings.catch_warnings(action="ignore"):  # that it is deprecated, and what it holds constant
            if exporter == "dynamo":
                program = torch.onnx.export(copy, (example,), dynamo=True, verbose=False, **names)
                assert program is not None
                model = program.model_proto.SerializeToString()
            else:
                file = io.BytesIO()
                if not folded:  # the module is in eval mode, and PRESERVE leaves it there
                    names |= {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
                torch.onnx.export(copy, (example,), file, dynamo=False, **names)  # type: ignore[arg-type]
                model = file.getvalue()
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise RuntimeError(f"the module does not export to ONNX: {error}") from error
    return bytes(model)


def quantize_onnx(
    model: bytes,
    calibration: Sequence[Tensor],
    *,
    bias: bool = True,
    outputs: bool = True,
    reduce_range: bool = False,
) -> bytes:
    """The FP32 model with INT8 convolutions and products: QuantizeLinear and DequantizeLinear around them.

    Weights per output channel and activations per tensor, both symmetric, ranges by the smallest and largest
    value that `calibration` brings forth. Batch norms are folded first. On x86 without VNNI, ONNX Runtime's
    kernels add two products in 16 bits, which overflows where weights use all 8 bits: `reduce_range=True`
    gives them 7.
    Sources: ONNX Runtime documentation, Quantize ONNX models (static quantization, QDQ); for `outputs`,
    TensorRT documentation, Explicit Quantization, Q/DQ layer-placement recommendations.

    Args:
        model: with one `input`, as `export_onnx` makes it.
        calibration: inputs of the model's own shape; part of the claim, since they decide the ranges.
        bias: quantize biases to INT32, too; TensorRT wants them in FP32.
        outputs: quantize what convolutions, products and sums give, too, as ONNX Runtime's integer kernels
            want it; TensorRT wants their inputs alone, or it cannot fuse activations into them.
        reduce_range: weights in 7 bits.

    Raises ValueError without calibration data or for such of another shape, Unavailable without onnxruntime.
    """
    if not len(calibration):
        raise ValueError("INT8 needs calibration data: inputs as the network will see them")
    for package in ("onnx", "onnxruntime"):
        _need(package)
    import onnx

    taken = onnx.load_from_string(model).graph.input[0].type.tensor_type.shape.dim
    wanted = tuple(each.dim_value for each in taken)
    if strange := [tuple(each.shape) for each in calibration if tuple(each.shape) != wanted]:
        raise ValueError(f"calibration data is a list of inputs of shape {wanted}, not of {strange[0]}")
    import logging

    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches: Iterator[Tensor] = iter(calibration)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"input": batch.detach().cpu().float().numpy()}

    options: dict[str, Any] = {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": bias}
    if not outputs:
        options["OpTypesToExcludeOutputQuantization"] = list(FUSED)
    silenced = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory(prefix="groundtruth-") as folder:
            plain, folded, quantized = (
                Path(folder) / name for name in ("plain.onnx", "folded.onnx", "int8.onnx")
            )
            plain.write_bytes(model)
            quant_pre_process(str(plain), str(folded), skip_symbolic_shape=True)
            quantize_static(
                str(folded), str(quantized), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, extra_options=options,
                reduce_range=reduce_range,
            )  # fmt: skip
            return quantized.read_bytes()
    finally:
        logging.disable(silenced)


def _need(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise Unavailable(f"{package} is not installed", f"pip install {package}")
