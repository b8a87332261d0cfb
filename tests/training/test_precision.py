"""What a network is given in mixed precision: all of it."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.training.precision import short_precision  # noqa: E402


class Watching(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)

    def forward(self, x):
        self.seen = x
        return self.layer(x)


def test_inputs_keep_all_their_bits_and_the_arithmetic_is_short():
    watching = Watching()
    network = Fabric(accelerator="cpu", plugins=short_precision("cpu")).setup(watching)
    # Twelve bits: half of the numbers of a raw that bf16 would round away.
    picture = torch.arange(4096.0).reshape(1, 1, 64, 64) / 4096.0

    found = network(picture)

    assert torch.equal(watching.seen, picture)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())
