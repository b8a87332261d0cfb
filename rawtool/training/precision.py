"""bf16 where it is fast, never in what a network is given."""

from typing import Any

import torch
from lightning_fabric.plugins import MixedPrecision


class WholeInputs(MixedPrecision):
    """Mixed precision whose networks see their inputs in float32.

    Fabric rounds every input to the short type first: eight bits of a raw that has fourteen.
    """

    def convert_input(self, data: Any) -> Any:  # noqa: ANN401 - whatever a network takes
        """Give the inputs as they are."""
        return data


def short_precision(accelerator: str) -> WholeInputs:
    """Give bf16 mixed precision for an accelerator of Fabric's, ``auto`` included."""
    is_cuda = accelerator in ("cuda", "gpu") or (accelerator == "auto" and torch.cuda.is_available())
    return WholeInputs("bf16-mixed", "cuda" if is_cuda else "cpu")
