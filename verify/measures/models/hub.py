"""Networks that `transformers` has: built from their configurations, or loaded with published weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from verify.measures.models.networks import IMAGE

CLASSIFIER = "ForImageClassification"
ANSWER_WITHIN = 5.0
"""Seconds in which the hub has to say that it has the weights; the download itself may take long."""


@dataclass(frozen=True, slots=True)
class FromTransformers:
    """A network by its family in `transformers` and where it differs from the family's defaults."""

    family: str
    """The prefix of the classes: `ResNet` for `ResNetConfig`."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the configuration that differ from the defaults."""
    head: str = CLASSIFIER
    """The rest of the class's name."""
    shape: tuple[int, ...] = IMAGE
    """The input of the published counts."""

    def build(self, name: str, changes: Mapping[str, Any]) -> nn.Module:
        """See `Network.build`."""
        import transformers

        make_config = getattr(transformers, f"{self.family}Config")
        known = make_config()
        if unknown := [key for key in changes if not hasattr(known, key)]:
            raise TypeError(f"{self.family}Config of transformers has no field {', '.join(unknown)}")
        labels = {"num_labels": 1000} if self.head == CLASSIFIER else {}
        config = make_config(**{**labels, **self.own, **changes})
        built: nn.Module = getattr(transformers, self.family + self.head)(config)
        return built

    def load(self, name: str, weights: str) -> nn.Module:
        """See `Network.load`: from a folder, from the local cache, and only then from the hub.

        Everything but the head has to have the shapes of the network that `name` stands for.
        """
        import transformers

        network = getattr(transformers, self.family + self.head)
        try:
            loaded: nn.Module = network.from_pretrained(weights, local_files_only=True)
        except OSError:
            _ask_the_hub(weights)
            loaded = network.from_pretrained(weights)
        with torch.device("meta"):
            expected = _shapes(self.build(name, {}))
        if differing := dict(_shapes(loaded).items() ^ expected.items()):
            some = ", ".join(sorted(differing)[:3])
            raise ValueError(f"the weights {weights} are those of another network than {name}: see {some}")
        return loaded


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    """The shapes of a network's parameters without its head."""
    base = getattr(module, "base_model", module)
    return {name: tensor.shape for name, tensor in base.named_parameters()}


def _ask_the_hub(weights: str) -> None:
    """Raise ValueError, soon, when the hub cannot be reached or does not have these weights."""
    import huggingface_hub

    try:
        huggingface_hub.model_info(weights, timeout=ANSWER_WITHIN)
    except Exception as error:  # an error of whichever client it uses: no network, offline mode, unknown name
        raise ValueError(
            f"the weights {weights} are neither here nor could the hub be asked ({type(error).__name__}); "
            f"with a network, fetch them once outside of a claim: hf download {weights}"
        ) from error
