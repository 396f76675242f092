"""Networks that read token numbers: BERT (Devlin et al. 2019) and DistilBERT (Sanh et al. 2019)."""

from __future__ import annotations

from verify.measures.models.hub import FromTransformers

_TEXT = (1, 512)

NETWORKS = {
    "bert-base": FromTransformers("Bert", head="Model", shape=_TEXT),
    "bert-large": FromTransformers(
        "Bert",
        {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
        head="Model",
        shape=_TEXT,
    ),
    "distilbert": FromTransformers("DistilBert", head="Model", shape=_TEXT),
}
"""Each name and how its network is made."""
