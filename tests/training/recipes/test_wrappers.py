"""Both sizes behind one face."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.cameranet_s import root_decode, root_encode  # noqa: E402 - after the check
from rawtool.training.recipes.wrappers import (  # noqa: E402
    EnhancerPaper,
    EnhancerS,
    Joint,
    RestorerPaper,
    RestorerS,
    enhancer,
    restorer,
)


def test_sizes_have_their_own_networks():
    assert isinstance(restorer("s"), RestorerS)
    assert isinstance(enhancer("s"), EnhancerS)
    assert isinstance(restorer("paper"), RestorerPaper)
    assert isinstance(enhancer("paper"), EnhancerPaper)


def test_an_untrained_restorer_gives_the_code_of_its_picture_as_rgb():
    picture = torch.zeros(1, 4, 16, 16)
    # XYZ of white, D65.
    picture[:, :3] = torch.tensor([0.95047, 1.0, 1.08883])[None, :, None, None] * 0.25

    code, light = RestorerS()(picture, torch.full((1, 8), 1e-4), torch.rand(1, 3, 64, 64))

    torch.testing.assert_close(root_decode(code), torch.full((1, 3, 16, 16), 0.25), rtol=0, atol=1e-3)
    assert light.shape == (1, 3)


class Half(torch.nn.Module):
    def forward(self, picture, condition, thumbnail):
        return root_encode(picture[:, :3] / 2), None


class Plus(torch.nn.Module):
    def forward(self, picture, thumbnail):
        return picture + thumbnail.mean()


def test_the_second_stage_sees_the_light_that_the_first_restored():
    picture = torch.rand(1, 4, 8, 8)

    code, finished = Joint(Half(), Plus())(
        picture, torch.zeros(1, 8), torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    )

    torch.testing.assert_close(root_decode(code), picture[:, :3] / 2, rtol=0, atol=1e-5)
    torch.testing.assert_close(finished, picture[:, :3] / 2 + 1, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_the_papers_networks_fit_the_same_face():
    picture = torch.rand(1, 4, 288, 288)
    with torch.no_grad():
        code, light = RestorerPaper()(picture, torch.zeros(1, 8), torch.zeros(1, 3, 64, 64))
        finished = EnhancerPaper()(picture[:, :3], torch.zeros(1, 3, 64, 64))

    assert code.shape == finished.shape == (1, 3, 288, 288)
    assert light is None
