"""The networks of both sizes behind one face: what the recipe trains.

A restorer maps (picture (N, 4, H, W), condition, thumbnail) to (root-encoded linear RGB, estimated light
or None); an enhancer maps (scene-linear RGB, thumbnail) to a display-encoded picture.
"""

from torch import Tensor, nn

from rawtool.nets import cameranet
from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS, root_decode, root_encode


class RestorerS(nn.Module):
    """Restore-Net of size s with its thumbnail pass."""

    def __init__(self) -> None:
        super().__init__()
        self.net = RestoreNetS()

    def forward(self, picture: Tensor, condition: Tensor, thumbnail: Tensor) -> tuple[Tensor, Tensor | None]:
        """Give the code (N, 3, H, W) and the light (N, 3)."""
        vector, neutral = self.net.global_vector(thumbnail, condition)
        return self.net.restore_code(picture, condition, vector), neutral


class EnhancerS(nn.Module):
    """Enhance-Net of size s with its thumbnail pass."""

    def __init__(self) -> None:
        super().__init__()
        self.net = EnhanceNetS()

    def forward(self, picture: Tensor, thumbnail: Tensor) -> Tensor:
        """Give the finished picture (N, 3, H, W)."""
        finished: Tensor = self.net(picture, self.net.global_vector(thumbnail))
        return finished


class RestorerPaper(nn.Module):
    """The paper's Restore-Net on balanced XYZ; it takes neither the noise nor a thumbnail."""

    def __init__(self) -> None:
        super().__init__()
        self.net = cameranet.restore_net()

    def forward(
        self, picture: Tensor, _condition: Tensor, _thumbnail: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Give the code (N, 3, H, W) and no light."""
        return root_encode(cameranet.scene_linear_from_xyz(self.net(picture[:, :3]))), None


class EnhancerPaper(nn.Module):
    """The paper's Enhance-Net; its image-wide term comes from the picture itself."""

    def __init__(self) -> None:
        super().__init__()
        self.net = cameranet.enhance_net()

    def forward(self, picture: Tensor, _thumbnail: Tensor) -> Tensor:
        """Give the finished picture (N, 3, H, W)."""
        encoded = picture.clamp(min=cameranet.GAMMA_FLOOR) ** (1 / cameranet.GAMMA)
        finished: Tensor = self.net(encoded)
        return finished


class Joint(nn.Module):
    """Both stages one after the other, for step 3."""

    def __init__(self, restorer: nn.Module, enhancer: nn.Module) -> None:
        super().__init__()
        self.restorer, self.enhancer = restorer, enhancer

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Map (picture, condition, thumbnail, truth's thumbnail) to the code and the finished picture."""
        picture, condition, thumbnail, light_thumbnail = inputs
        code, _ = self.restorer(picture, condition, thumbnail)
        return code, self.enhancer(root_decode(code), light_thumbnail)


def restorer(size: str) -> nn.Module:
    """Build the restoration network of a size."""
    return RestorerS() if size == "s" else RestorerPaper()


def enhancer(size: str) -> nn.Module:
    """Build the enhancement network of a size."""
    return EnhancerS() if size == "s" else EnhancerPaper()
