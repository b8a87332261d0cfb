"""CameraNet at size s: the paper's two stages within 60 kFLOP per pixel, for the CPU.

What differs from variant A (``cameranet.py``), and why:

- two scales of 48 channels for restoration, most of the work at half size, where the detail is;
  enhancement is a U-Net at an eighth of the size that steers the same small network at every pixel;
- blocks add their input, scales are joined by addition, sizes are halved by strided convolutions and
  doubled by a 1x1 convolution and a repetition: ONNX Runtime leaves its blocked layout only where the
  vector scales and shifts;
- the values are encoded inside by a signed square root, which makes shot noise even (Anscombe) and
  runs close to the sRGB curve, so that a loss there weighs errors as the eye does;
- the mosaic stands beside the demosaicked XYZ, and the noise level conditions the network;
- the image-wide vector comes from a fixed-size thumbnail by design, so tiles equal the whole;
- the convolutions of restoration can be rounded to eight bits (``eightbit.py``).

    picture (N, 4, H, W) ── encode ── to cells ──► U-Net ──► to pixels ── add, decode ──► XYZ (N, 3, H, W)
    thumbnail (N, 3, T, T), condition (N, 8) ──► vector (N, 2 C) scales and shifts the coarsest features
"""

from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.cameranet_s_unet import MARGIN, UNet
from rawtool.nets.eightbit import EightBitOut

Layer = TypeVar("Layer", bound=nn.Module)

THUMBNAIL = 64
CONDITION_SIZE = 8
TOE = 0.0015
"""Start of the square-root encoding: its slope at 0, 1 / (2 sqrt(TOE)) = 12.9, is that of the sRGB curve."""

_ROOT = TOE**0.5
WHITE_CODE = (1.0 + TOE) ** 0.5 - _ROOT
"""The code of 1.0."""

LOG_TOE = 0.02
"""What is added before the logarithm of encoded luminance: about the code of the darkest grey that shows."""

N_QUANTILES = 32
"""Of the thumbnail's luminance and of its brightest channel: exposure and white follow from them."""

_LUMA = (0.2126, 0.7152, 0.0722)
_RGB_FROM_XYZ = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)


def root_encode(x: Tensor) -> Tensor:
    """Encode light by an odd square root with a linear toe; 0 stays 0, 1 becomes WHITE_CODE.

    Equal to sign(x) (sqrt(|x| + TOE) - sqrt(TOE)), without the sign.
    """
    return x / (torch.sqrt(torch.abs(x) + TOE) + _ROOT)


def root_decode(code: Tensor) -> Tensor:
    """Undo ``root_encode``."""
    return code * (torch.abs(code) + 2.0 * _ROOT)


def _mix(matrix: Tensor, picture: Tensor) -> Tensor:
    """Multiply the C channels of (N, C, H, W) by a matrix (D, C): (N, D, H, W)."""
    n, _, height, width = picture.shape
    return torch.matmul(matrix, picture.flatten(2)).reshape(n, matrix.shape[0], height, width)


def _silent(layer: Layer) -> Layer:
    """Set a layer to give 0 until it has learned."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class ThumbnailNet(nn.Module):
    """Look at a thumbnail (N, 3, T, T) and extra numbers (N, n_extra); give n_out numbers."""

    def __init__(self, n_extra: int, n_out: int, width: int = 24) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 3 * width, 4 * width)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels)
        )
        self.hidden = nn.Linear(8 * width + n_extra, 96)
        self.out = _silent(nn.Linear(96, n_out))

    def forward(self, thumbnail: Tensor, extra: Tensor) -> Tensor:
        """Give (N, n_out), zero before training."""
        x = thumbnail
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), 0.2)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3)), extra], dim=1)
        return self.out(F.leaky_relu(self.hidden(pooled), 0.2))


class RestoreNetS(nn.Module):
    """Demosaicking and denoising of a white-balanced picture, and an estimate of the light.

    The thumbnail is XYZ *before* white balance; neutral is the XYZ of the light, Y = 1.
    """

    rgb_from_picture: Tensor
    xyz_from_rgb: Tensor
    stride = 8
    halo = 32
    widths = (48, 48)
    depths = (1, 2)
    vector_size = 2 * 48

    def __init__(self) -> None:
        super().__init__()
        self.global_net = ThumbnailNet(CONDITION_SIZE, self.vector_size)
        # The light is read from the thumbnail alone: the noise of the channels would give the gains away.
        self.light_net = ThumbnailNet(0, 2)
        # From pixels to cells of 2x2 in one step: no engine has to move pixels into channels first.
        self.stem = nn.Conv2d(5, self.widths[0], 5, stride=2, padding=2)
        self.body = UNet(self.widths, self.depths, is_steering_linear=True, is_eight_bit=True)
        self.out = _silent(EightBitOut(self.widths[0], 12))
        rgb_from_xyz = torch.tensor(_RGB_FROM_XYZ, dtype=torch.float64)
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3] = rgb_from_xyz
        self.register_buffer("rgb_from_picture", matrix.float(), persistent=False)
        self.register_buffer("xyz_from_rgb", torch.linalg.inv(rgb_from_xyz).float(), persistent=False)

    def global_vector(self, thumbnail: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Give (vector, neutral): (N, vector_size) and the XYZ of the light (N, 3) with Y = 1."""
        levels = torch.log2(torch.sqrt(condition[:, :6]) + 1e-5) * 0.25 + 2.0
        code = root_encode(_mix(self.rgb_from_picture[:3, :3], thumbnail))
        vector = self.global_net(code, torch.cat([levels, condition[:, 6:]], dim=1))
        light = self.light_net(code, condition[:, :0])
        # The logarithms of R/G and B/G of the light, in the linear primaries of the picture.
        ratios = torch.exp(light)
        rgb_light = torch.stack([ratios[:, 0], torch.ones_like(ratios[:, 0]), ratios[:, 1]], dim=1)
        xyz = rgb_light @ self.xyz_from_rgb.T
        return vector, xyz / xyz[:, 1:2]

    def forward(
        self, picture: Tensor, condition: Tensor, vector: Tensor, kept: Tensor | None = None
    ) -> Tensor:
        """Restore (N, 4, H, W) = XYZ and mosaic to clean XYZ (N, 3, H, W); sides are multiples of 8.

        kept (1, 4) = top, left, height, width, multiples of 8: only this rectangle is finished and given.
        """
        return _mix(self.xyz_from_rgb, root_decode(self.restore_code(picture, condition, vector, kept)))

    def restore_code(
        self, picture: Tensor, condition: Tensor, vector: Tensor, kept: Tensor | None = None
    ) -> Tensor:
        """Give the restored picture as root-encoded linear RGB: where the loss is taken."""
        code = root_encode(_mix(self.rgb_from_picture, picture))
        noted = torch.cat([code, _noise_map(picture[:, 1:2], condition)], dim=1)
        cells = F.leaky_relu(self.stem(noted), 0.2)
        if kept is None:
            return code[:, :3] + _unpack(self.out(self.body(cells, vector)))
        area = kept[0].long()
        top, left, height, width = area[0], area[1], area[2], area[3]
        change = _unpack(self.out(self.body(cells, vector, area // 2)))
        row = top - torch.clamp(top - 2 * MARGIN, min=0)
        column = left - torch.clamp(left - 2 * MARGIN, min=0)
        change = change[:, :, row : row + height, column : column + width]
        return code[:, :3, top : top + height, left : left + width] + change


def _noise_map(light: Tensor, condition: Tensor) -> Tensor:
    """Give the noise of the encoded values at each pixel, (N, 1, H, W): a scaled log2 of the deviation.

    light is the Y of the initial demosaic; condition begins with shot and read of R, G, B.
    """
    shot = condition[:, 0:3].mean(dim=1)[:, None, None, None]
    read = condition[:, 3:6].mean(dim=1)[:, None, None, None]
    light = torch.clamp(light, min=0.0)
    return torch.log2((shot * light + read) / (light + TOE) + 1e-8) * 0.125 + 1.0


def _unpack(cells: Tensor) -> Tensor:
    """Lay the 2x2 cells of (N, 4 C, h, w) out as (N, C, 2 h, 2 w); equal to pixel_shuffle.

    First columns, then rows: each step moves one axis only, which ONNX Runtime does several times faster
    than both at once. (``blocks.depth_to_space`` numbers the channels in TensorFlow's order.)
    """
    n, channels, height, width = cells.shape
    by_column = cells.reshape(n, channels // 2, 2, height, width).permute(0, 1, 3, 4, 2)
    by_row = by_column.reshape(n, channels // 4, 2, height, 2 * width).permute(0, 1, 3, 2, 4)
    return by_row.reshape(n, channels // 4, 2 * height, 2 * width)


class EnhanceNetS(nn.Module):
    """Exposure, local tone and colour: scene-linear RGB to a display-encoded picture.

    A U-Net at an eighth of the size gives four maps; two of them are a local power of luminance,
    light * exp(m0 + m1 * log luminance), which is what local tone mapping does; all four then steer a
    small network that is the same at every pixel and does the curves and the colour.
    """

    luma: Tensor
    stride = 16
    halo = 112
    widths = (32, 48)
    vector_size = 2 * 48 + 1
    n_maps = 4
    hidden = 16

    def __init__(self) -> None:
        super().__init__()
        self.global_net = ThumbnailNet(2 * N_QUANTILES, 2 * self.widths[-1] + 1)
        self.entry = nn.Conv2d(3 * 16, self.widths[0], 3, padding=1)
        self.body = UNet(self.widths, (2, 0))
        self.maps = _silent(nn.Conv2d(self.widths[0], self.n_maps, 1))
        self.first = nn.Conv2d(3 + self.n_maps, self.hidden, 1)
        self.second = nn.Conv2d(self.hidden, self.hidden, 1)
        self.out = _silent(nn.Conv2d(self.hidden, 6, 1))
        self.register_buffer("luma", torch.tensor(_LUMA)[None], persistent=False)

    def global_vector(self, thumbnail: Tensor) -> Tensor:
        """Give (N, 97): scales and shifts of the coarsest features, then the log gain of the picture."""
        code = _positive_code(thumbnail)
        levels = [quantiles(plane) for plane in (_mix(self.luma, code), code.amax(dim=1, keepdim=True))]
        return self.global_net(code, torch.cat(levels, dim=1))

    def forward(self, picture: Tensor, vector: Tensor, kept: Tensor | None = None) -> Tensor:
        """Finish scene-linear RGB (N, 3, H, W), sides multiples of 16; display-encoded, not clipped.

        kept (1, 4) = top, left, height, width, multiples of 16: only this rectangle is finished and
        given, the rest of the picture is what its maps are made from.
        """
        code = _positive_code(picture)
        entered = _strided(self.entry, F.avg_pool2d(code, 2), 4)
        maps = self.maps(self.body(F.leaky_relu(entered, 0.2), vector[:, :-1]))
        if kept is None:
            maps = _enlarged(maps)
        else:
            code, maps = _cut(code, maps, kept[0].long())
        level = torch.log(_mix(self.luma, code) + LOG_TOE)
        gain = vector[:, -1:, None, None] + maps[:, 0:1] + maps[:, 1:2] * level
        code = code * torch.exp(gain)
        hidden = F.leaky_relu(self.first(torch.cat([code, maps], dim=1)), 0.2)
        factor, offset = self.out(F.leaky_relu(self.second(hidden), 0.2)).chunk(2, dim=1)
        return code * (1.0 + factor) + offset


def quantiles(plane: Tensor) -> Tensor:
    """Give the logarithms of N_QUANTILES evenly spread quantiles of (N, 1, h, w), from the darkest on."""
    values = torch.sort(plane.flatten(1), dim=1).values
    step = (plane.shape[2] * plane.shape[3] - 1) // (N_QUANTILES - 1)
    return torch.log(values[:, ::step][:, :N_QUANTILES] + LOG_TOE)


def _strided(layer: nn.Conv2d, picture: Tensor, step: int) -> Tensor:
    """Give a 3x3 layer of cells of step x step pixels what it would see of a picture: layer(pixel_unshuffle).

    One convolution with a stride, so that no engine has to move pixels into channels first.
    """
    n_out, n_in = layer.weight.shape[0], picture.shape[1]
    cells = layer.weight.reshape(n_out, n_in, step, step, 3, 3)
    kernel = cells.permute(0, 1, 4, 2, 5, 3).reshape(n_out, n_in, 3 * step, 3 * step)
    return F.conv2d(picture, kernel, layer.bias, stride=step, padding=step)


def _enlarged(maps: Tensor) -> Tensor:
    """Interpolate maps of an eighth of the size to full size."""
    return F.interpolate(maps, scale_factor=8.0, mode="bilinear", align_corners=False)


def _cut(code: Tensor, maps: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Cut full-size codes and maps of an eighth of the size to a rectangle (4,) of pixels; enlarge the maps.

    One cell around the rectangle feeds the interpolation, where the picture has one.
    """
    top, left, height, width = kept[0], kept[1], kept[2], kept[3]
    row, column = torch.clamp(top // 8 - 1, min=0), torch.clamp(left // 8 - 1, min=0)
    cells = maps[:, :, row : (top + height) // 8 + 1, column : (left + width) // 8 + 1]
    down, across = top - 8 * row, left - 8 * column
    return (
        code[:, :, top : top + height, left : left + width],
        _enlarged(cells)[:, :, down : down + height, across : across + width],
    )


def _positive_code(light: Tensor) -> Tensor:
    """Encode light like ``root_encode``, cut at 0 and scaled so that white is 1."""
    return (torch.sqrt(torch.clamp(light, min=0.0) + TOE) - _ROOT) / WHITE_CODE
