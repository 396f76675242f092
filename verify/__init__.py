"""Groundtruth's measuring half: what the code of a claim reaches for, as `from verify import parameters`.

Nothing is imported until it is used: `import verify` costs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.measures.activations import activation_peak as activation_peak
    from verify.measures.activations import activation_stash as activation_stash
    from verify.measures.charts import chart as chart
    from verify.measures.counting import flops as flops
    from verify.measures.counting import macs as macs
    from verify.measures.counting import macs_by_kind as macs_by_kind
    from verify.measures.counting import output_shape as output_shape
    from verify.measures.counting import parameters as parameters
    from verify.measures.counting import parameters_by_kind as parameters_by_kind
    from verify.measures.default_boxes import default_boxes as default_boxes
    from verify.measures.distillation import distill as distill
    from verify.measures.distillation import distillation_loss as distillation_loss
    from verify.measures.distillation import soften as soften
    from verify.measures.filters import prune_filters as prune_filters
    from verify.measures.latency import Comparison as Comparison
    from verify.measures.latency import compare as compare
    from verify.measures.models import input_shape as input_shape
    from verify.measures.models import model as model
    from verify.measures.n_of_m import n_of_m_share as n_of_m_share
    from verify.measures.onnx_export import export_onnx as export_onnx
    from verify.measures.onnx_export import quantize_onnx as quantize_onnx
    from verify.measures.percentiles import Latency as Latency
    from verify.measures.percentiles import latency as latency
    from verify.measures.pruning import prune_n_of_m as prune_n_of_m
    from verify.measures.pruning import prune_weights as prune_weights
    from verify.measures.pruning import sparsity as sparsity
    from verify.measures.pruning import sparsity_by_layer as sparsity_by_layer
    from verify.measures.pruning import sparsity_schedule as sparsity_schedule
    from verify.measures.quantization import Quantized as Quantized
    from verify.measures.quantization import quantize as quantize
    from verify.measures.quantization_error import Fidelity as Fidelity
    from verify.measures.quantization_error import fidelity as fidelity
    from verify.measures.quantization_error import sqnr as sqnr
    from verify.measures.quantization_floats import round_to as round_to
    from verify.measures.quantization_folding import fold_batch_norm as fold_batch_norm
    from verify.measures.quantization_limits import calibrate as calibrate
    from verify.measures.quantization_models import quantize_model as quantize_model
    from verify.measures.quantization_scaling import awq as awq
    from verify.measures.quantization_scaling import awq_scales as awq_scales
    from verify.measures.quantization_scaling import smoothquant_scales as smoothquant_scales
    from verify.measures.receptive_field import Footprint as Footprint
    from verify.measures.receptive_field import footprint as footprint
    from verify.measures.receptive_field import gradient_profile as gradient_profile
    from verify.measures.receptive_field import receptive_field as receptive_field
    from verify.measures.receptive_field import spatial_layers as spatial_layers
    from verify.measures.roles import parameters_by_role as parameters_by_role
    from verify.measures.runtimes import session as session
    from verify.measures.state import state_bytes as state_bytes
    from verify.measures.tensorrt_engine import tensorrt_engine as tensorrt_engine
    from verify.measures.timings import throughput as throughput
    from verify.measures.timings import timings as timings
    from verify.measures.training import Digits as Digits
    from verify.measures.training import accuracy as accuracy
    from verify.measures.training import digits as digits
    from verify.measures.training import fine_tune as fine_tune
    from verify.measures.training import over_seeds as over_seeds
    from verify.measures.training import train as train
    from verify.measures.work import Work as Work
    from verify.measures.work import arithmetic_intensity as arithmetic_intensity
    from verify.measures.work import work_by_kind as work_by_kind
    from verify.quantities import quantity as quantity
    from verify.unmeasured import Unavailable as Unavailable
    from verify.unmeasured import Unreliable as Unreliable
    from verify.values import Spread as Spread
    from verify.values import paired as paired
    from verify.values import spread as spread

EXPORTS: dict[str, str] = {
    "Comparison": "verify.measures.latency",
    "Digits": "verify.measures.training",
    "Fidelity": "verify.measures.quantization_error",
    "Footprint": "verify.measures.receptive_field",
    "Latency": "verify.measures.percentiles",
    "Quantized": "verify.measures.quantization",
    "Spread": "verify.values",
    "Unavailable": "verify.unmeasured",
    "Unreliable": "verify.unmeasured",
    "Work": "verify.measures.work",
    "accuracy": "verify.measures.training",
    "activation_peak": "verify.measures.activations",
    "activation_stash": "verify.measures.activations",
    "arithmetic_intensity": "verify.measures.work",
    "awq": "verify.measures.quantization_scaling",
    "awq_scales": "verify.measures.quantization_scaling",
    "calibrate": "verify.measures.quantization_limits",
    "chart": "verify.measures.charts",
    "compare": "verify.measures.latency",
    "default_boxes": "verify.measures.default_boxes",
    "digits": "verify.measures.training",
    "distill": "verify.measures.distillation",
    "distillation_loss": "verify.measures.distillation",
    "export_onnx": "verify.measures.onnx_export",
    "fidelity": "verify.measures.quantization_error",
    "fine_tune": "verify.measures.training",
    "flops": "verify.measures.counting",
    "fold_batch_norm": "verify.measures.quantization_folding",
    "footprint": "verify.measures.receptive_field",
    "gradient_profile": "verify.measures.receptive_field",
    "input_shape": "verify.measures.models",
    "latency": "verify.measures.percentiles",
    "macs": "verify.measures.counting",
    "macs_by_kind": "verify.measures.counting",
    "model": "verify.measures.models",
    "n_of_m_share": "verify.measures.n_of_m",
    "output_shape": "verify.measures.counting",
    "over_seeds": "verify.measures.training",
    "paired": "verify.values",
    "parameters": "verify.measures.counting",
    "parameters_by_kind": "verify.measures.counting",
    "parameters_by_role": "verify.measures.roles",
    "prune_filters": "verify.measures.filters",
    "prune_n_of_m": "verify.measures.pruning",
    "prune_weights": "verify.measures.pruning",
    "quantity": "verify.quantities",
    "quantize": "verify.measures.quantization",
    "quantize_model": "verify.measures.quantization_models",
    "quantize_onnx": "verify.measures.onnx_export",
    "receptive_field": "verify.measures.receptive_field",
    "round_to": "verify.measures.quantization_floats",
    "session": "verify.measures.runtimes",
    "smoothquant_scales": "verify.measures.quantization_scaling",
    "soften": "verify.measures.distillation",
    "sparsity": "verify.measures.pruning",
    "sparsity_by_layer": "verify.measures.pruning",
    "sparsity_schedule": "verify.measures.pruning",
    "spatial_layers": "verify.measures.receptive_field",
    "spread": "verify.values",
    "sqnr": "verify.measures.quantization_error",
    "state_bytes": "verify.measures.state",
    "tensorrt_engine": "verify.measures.tensorrt_engine",
    "throughput": "verify.measures.timings",
    "timings": "verify.measures.timings",
    "train": "verify.measures.training",
    "work_by_kind": "verify.measures.work",
}
"""Each public name and the module that it comes from."""


def __getattr__(name: str) -> object:
    if name not in EXPORTS:
        raise AttributeError(f"module 'verify' has no {name!r}; it offers {', '.join(sorted(EXPORTS))}")
    value: object = getattr(import_module(EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *EXPORTS})
