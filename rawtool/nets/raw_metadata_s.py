"""The raw behind a picture at size s: a few latents beside the picture, and the planes from both.

After "Raw Image Reconstruction with Learned Compact Metadata" and its journal version: analysis and
synthesis conditioned on the picture, latents y and hyper-latents z (there z and v) with stored channel means,
an order of places that the decoder derives again, a context model over what is decoded, steps that adapt.
What is ours:

- all that decides a probability counts in whole numbers (``nets/exact.py``);
- both sides begin with a polynomial of the picture that is fitted to each raw and costs a hundred bytes;
- y begins as the frequencies of what that polynomial lacks, and the network adds to them on both sides;
- the order is learned inside cells of 2x2 places, one of each in every group: not all places can be last;
- what decides bits sees how lively the picture is at a place, not only its mean;
- several rates from one network: a gain for every channel of y, learned at six rates, interpolated between;
- synthesis works at half the planes' size and below, single pixels at full size: within 10 kMAC a photosite.

    guide (N, 12, h, w), fit (N, 4, 13) ──► start, the planes as the polynomial has them
    planes (N, 4, h, w) less start, guide ── g_a ──► y (N, M, h/4, w/4) ── h_a ──► z (N, K, h/16, w/16)
    z_hat ── h_s ──► params ── masks, context, entropy ──► y_hat ── g_s, with guide and start ──► planes

Whole-number tensors: values of latents in sixteenths, guides in halves of 8-bit codes (0 to 127).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.cameranet_s import root_decode, root_encode
from rawtool.nets.exact import ONE, ExactContext, ExactConv, floored, whole
from rawtool.nets.raw_metadata_order import N_GROUPS, order_signal, ranks
from rawtool.nets.raw_metadata_plan import SmallPlan
from rawtool.nets.raw_metadata_seen import N_SEEN, small_guide

N_RATES = 6
N_LATENT = 64
N_TERMS = 13
"""Terms of the polynomial of a site's colours: 1, then three each of x, x^2, x^3, and the products of two."""

Y_SIZE = 4
"""Planes' pixels of a side that one place of y stands for."""

N_HYPER = 8
N_PARAMS = 32
Z_SIZE = 16
"""Planes' pixels of a side that one place of z stands for."""

STRIDE = 2 * Z_SIZE
"""What the planes' sides are multiples of, so that both levels have whole cells of 2x2 places."""

UNIT = 16
"""The whole number that stands for 1.0 in a latent."""

N_CLASSES = 64
LEAST_SCALE, MOST_SCALE = 0.01, 32.0
"""The scales sigma / step of the 64 frequency tables are log-spaced between these."""

LACKING_SCALE = 4.0
"""Makes what a start lacks about as large as the other inputs of the analysis."""

FIRST_GAINS = (0.1, 4.65)
"""Logarithms of the gains of rates 0 and 5 before training: steps that suit what an error costs there."""

GAIN_SCALE = 5.0
"""How much faster than other parameters the gains' logarithms learn."""

MOST_MEAN = 1023
LEAST_LIKELIHOOD = 1e-7
FAR = 5.0
"""Scales from the middle at which a likelihood is about the least."""

FIRST_CLASS = 44
"""The class of all scales before training, 2.8 steps: wide enough for every rate to learn from."""

LEAST_CLASS = 18
"""In use, elements of narrower scales are not coded: they are what is expected of them."""


@dataclass(frozen=True, slots=True)
class Coded:
    """What a level came to: its decoded values in sixteenths, and the bits of every frame (N,)."""

    values: Tensor
    bits: Tensor


def waves() -> Tensor:
    """Give the 64 waves of a cell of 4x4 pixels of 4 planes: orthonormal, (64, 4, 4, 4).

    Over the planes R, G1, G2, B their sum, green against red and blue, red against blue, green against green;
    over rows and columns a cosine transform, low waves first.
    """
    half, root = 0.5, math.sqrt(0.5)
    mixes = (
        (half, half, half, half),
        (-half, half, half, -half),
        (root, 0.0, 0.0, -root),
        (0.0, root, -root, 0.0),
    )
    angle = [[math.pi * (2 * at + 1) * wave / (2 * Y_SIZE) for at in range(Y_SIZE)] for wave in range(Y_SIZE)]
    cosine = torch.cos(torch.tensor(angle, dtype=torch.float64)) * math.sqrt(2.0 / Y_SIZE)
    cosine[0] *= root
    order = sorted((i + j, max(i, j), i, j) for i in range(Y_SIZE) for j in range(Y_SIZE))
    made = [
        torch.einsum("p,i,j->pij", torch.tensor(mix, dtype=torch.float64), cosine[i], cosine[j])
        for mix in mixes
        for _, _, i, j in order
    ]
    return torch.stack(made).float()


def _quiet(layer: nn.Conv2d) -> nn.Conv2d:
    """Let a layer begin with a tenth of its usual voice."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(0.1)
    return layer


class Block(nn.Module):
    """Two 3x3 convolutions that add to what they were given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x + self.second(F.leaky_relu(self.first(x), 0.1))


class Analysis(nn.Module):
    """g_a and h_a: what the start lacks of the planes, start and guide to y (times gains) and z."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4 * 20 + 1, 64, 3, padding=1)
        self.down = nn.Conv2d(64, 80, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(Block(80), nn.LeakyReLU(0.1), Block(80), nn.LeakyReLU(0.1))
        self.out = _quiet(nn.Conv2d(80, N_LATENT, 3, padding=1))
        self.register_buffer("waves", waves(), persistent=False)
        self.waves: Tensor
        self.hyper_1 = nn.Conv2d(N_LATENT, 48, 3, stride=2, padding=1)
        self.hyper_2 = nn.Conv2d(48, 48, 3, stride=2, padding=1)
        self.hyper_3 = nn.Conv2d(48, N_HYPER, 1)

    def forward(
        self, planes: Tensor, guide: Tensor, start: Tensor, rate: Tensor, gains: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give (y, z); guide in [0, 1], start encoded, rate and gains broadcast over the places."""
        lacking = root_encode(planes) - start
        cells = F.pixel_unshuffle(torch.cat([LACKING_SCALE * lacking, start, guide], dim=1), 2)
        x = F.leaky_relu(self.stem(_with_rate(cells, rate)), 0.1)
        x = self.blocks(F.leaky_relu(self.down(x), 0.1))
        with torch.autocast(x.device.type, enabled=False):
            y = (F.conv2d(lacking.float(), self.waves, stride=Y_SIZE) + self.out(x.float())) * gains
        z = F.leaky_relu(self.hyper_1(y), 0.1)
        z = F.leaky_relu(self.hyper_2(z), 0.1)
        return y, self.hyper_3(z)


class Synthesis(nn.Module):
    """g_s: decoded y, divided by its gains, and the guide to planes."""

    def __init__(self) -> None:
        super().__init__()
        self.latent_in = nn.Conv2d(N_LATENT, 80, 3, padding=1)
        self.latent = Block(80)
        self.latent_up = nn.Conv2d(80, 4 * 40, 1)
        self.seen = nn.Conv2d(4 * 16 + 1, 48, 3, padding=1)
        self.joined = nn.Conv2d(40 + 48, 64, 3, padding=1)
        self.body = nn.Conv2d(64, 64, 3, padding=1)
        self.up = nn.Conv2d(64, 4 * 20, 1)
        self.hidden_1 = nn.Conv2d(20 + 16, 32, 1)
        self.hidden_2 = nn.Conv2d(32, 32, 1)
        self.out = _quiet(nn.Conv2d(32, 4, 1))
        self.register_buffer("waves", waves(), persistent=False)
        self.waves: Tensor

    def forward(self, y: Tensor, guide: Tensor, start: Tensor, rate: Tensor) -> Tensor:
        """Give planes (N, 4, h, w), 1 = white level; y without its gains, guide in [0, 1], start encoded."""
        with torch.autocast(y.device.type, enabled=False):
            start = start.float() + F.conv_transpose2d(y.float(), self.waves, stride=Y_SIZE)
        x = self.latent(F.leaky_relu(self.latent_in(LACKING_SCALE * y), 0.1))
        x = F.pixel_shuffle(self.latent_up(F.leaky_relu(x, 0.1)), 2)
        known = torch.cat([start, guide], dim=1)
        seen = self.seen(_with_rate(F.pixel_unshuffle(known, 2), rate))
        x = F.leaky_relu(self.joined(F.leaky_relu(torch.cat([x, seen], dim=1), 0.1)), 0.1)
        x = F.leaky_relu(x + self.body(x), 0.1)
        return self.pixels(torch.cat([F.pixel_shuffle(self.up(x), 2), known], dim=1), start)

    def pixels(self, x: Tensor, start: Tensor) -> Tensor:
        """Finish every pixel by itself, in float32: eight bits would bound the result at 50 dB."""
        with torch.autocast(x.device.type, enabled=False):
            x = F.leaky_relu(self.hidden_1(x.float()), 0.1)
            x = F.leaky_relu(self.hidden_2(x), 0.1)
            return root_decode(start + self.out(x))


class LevelModel(nn.Module):
    """The probabilities of one level: the order of its places, and the Gaussian of every element.

    notes are whole numbers (N, P, h, w) that both sides have: parameters of the level above, guide, rate.
    """

    def __init__(self, channels: int, n_notes: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        self.order_1 = ExactConv(n_notes, 24, 3)
        self.order_2 = ExactConv(24, 1, 1, low=-127)
        self.context = ExactContext(channels, width)
        self.hidden_1 = ExactConv(n_notes + width + 1, 64, 1)
        self.hidden_2 = ExactConv(64, 64, 1)
        self.out = ExactConv(64, 3 * channels, 1, low=-MOST_MEAN, high=MOST_MEAN)
        with torch.no_grad():
            # Means and steps begin alike everywhere: a mean at random would be noise in what is decoded.
            self.out.weight[:channels] = 0.0
            self.out.weight[channels : 2 * channels] *= 0.1
            self.out.weight[2 * channels :] = 0.0
            self.out.bias[channels : 2 * channels] = (FIRST_CLASS - N_CLASSES / 2) / ONE
            self.order_2.weight.mul_(0.1)

    def scores(self, notes: Tensor) -> Tensor:
        """Give a whole number for every place, (N, 1, h, w): in its cell the largest is coded first."""
        return self.order_2(self.order_1(notes))

    def groups(self, notes: Tensor) -> Tensor:
        """Give the number 0 to 3 of the group of every place, (N, 1, h, w); h and w are even."""
        return ranks(self.scores(notes))

    def gaussians(self, values: Tensor, mask: Tensor, notes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give mean and step in sixteenths and the class of the scale, each (N, C, h, w).

        values are what is decoded, in sixteenths, and count only where the mask (N, 1, h, w) is 1.
        """
        known = floored(values / 4.0).clamp(-127.0, 127.0) * mask
        context = self.context(known, mask)
        x = self.hidden_2(self.hidden_1(torch.cat([notes, context, 64.0 * mask], dim=1)))
        mean, scale, step = self.out(x).chunk(3, dim=1)
        index = floored(step / UNIT + 0.5).clamp(-2.0, 2.0)
        return mean, _step_of(index), (scale + N_CLASSES / 2).clamp(0.0, N_CLASSES - 1.0)


class RawMetadataS(nn.Module):
    """The whole network; its parts are what is exported, of the default plan only."""

    def __init__(self, plan: SmallPlan | None = None) -> None:
        super().__init__()
        self.plan = plan or SmallPlan()
        self.analysis = Analysis()
        self.synthesis = Synthesis()
        first = torch.linspace(*FIRST_GAINS, N_RATES) / GAIN_SCALE
        self.gain_numbers = nn.Parameter(first[:, None].repeat(1, N_LATENT))
        self.z_level = LevelModel(N_HYPER, N_SEEN + 1, 32)
        self.y_level = LevelModel(N_LATENT, N_PARAMS + N_SEEN + 1, 40)
        self.params_1 = ExactConv(N_HYPER + N_SEEN + 1, 48, 3)
        self.params_2 = ExactConv(48, 4 * 32, 3)
        self.params_3 = ExactConv(32, 4 * 32, 3)
        self.params_4 = ExactConv(32 + N_SEEN, N_PARAMS, 3, low=-127)

    def gains(self, rate: Tensor) -> Tensor:
        """Give the gains (N, M, 1, 1) of rates (N,) from 0 to 5."""
        numbers = torch.arange(N_RATES, device=rate.device, dtype=rate.dtype)
        shares = (1.0 - torch.abs(rate[:, None] - numbers)).clamp(min=0.0)
        return torch.exp(GAIN_SCALE * (shares @ self.gain_numbers))[:, :, None, None]

    def analyse(self, planes: Tensor, guide: Tensor, fit: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """Give y and z of planes (N, 4, h, w) beside a guide (N, 12, h, w) of 8-bit codes, rate (N,)."""
        light = guide / 255.0
        return self.analysis(planes, light, start_of(light, fit), _plane(rate), self.gains(rate))

    def synthesise(self, values: Tensor, guide: Tensor, fit: Tensor, rate: Tensor) -> Tensor:
        """Give planes from y in sixteenths (N, M, h/4, w/4), the guide, the fit and the rate."""
        light = guide / 255.0
        return self.synthesis(values / UNIT / self.gains(rate), light, start_of(light, fit), _plane(rate))

    def params(self, z_values: Tensor, guide_z: Tensor, guide_y: Tensor, rate: Tensor) -> Tensor:
        """h_s: give the notes of the y level from decoded z in sixteenths, the small guides, the rate."""
        known = floored(z_values / 4.0).clamp(-127.0, 127.0)
        x = self.params_1(torch.cat([known, self.z_notes(guide_z, rate)], dim=1))
        x = F.pixel_shuffle(self.params_2(x), 2)
        x = F.pixel_shuffle(self.params_3(x), 2)
        params = self.params_4(torch.cat([x, guide_y], dim=1))
        return torch.cat([params, self.z_notes(guide_y, rate)], dim=1)

    def z_notes(self, small_guide: Tensor, rate: Tensor) -> Tensor:
        """Give what both sides know of a level before anything is decoded: small guide and rate."""
        noted = floored(_plane(rate) * UNIT + 0.5)
        return torch.cat([small_guide, noted.expand(-1, -1, *small_guide.shape[2:])], dim=1)

    def start_z(self, guide_z: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """Give the notes of the z level and the order of its places."""
        notes = self.z_notes(guide_z, rate)
        return notes, self.z_level.groups(notes)

    def start_y(
        self, z_values: Tensor, guide_z: Tensor, guide_y: Tensor, rate: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give the notes of the y level and the order of its places."""
        notes = self.params(z_values, guide_z, guide_y, rate)
        return notes, self.y_level.groups(notes)

    def forward(self, planes: Tensor, guide: Tensor, fit: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """Give planes as they would be decoded, and the bits of every frame (N,)."""
        if not self.plan.has_guide:
            guide, fit = torch.zeros_like(guide), torch.zeros_like(fit)
        y, z = self.analyse(planes, guide, fit, rate)
        with torch.autocast(planes.device.type, enabled=False):
            y, z = y.float(), z.float()
            guide_y, guide_z = small_guide(guide, 4), small_guide(guide, 16)
            # The channel means of z are stored beside it, in sixteenths.
            mean = whole(UNIT * z.mean(dim=(2, 3), keepdim=True)) * self.plan.has_means
            z_notes, n_groups = self.z_notes(guide_z, rate), self.plan.n_groups
            coded_z = code_level(self.z_level, UNIT * z - mean, z_notes, n_groups)
            notes = self.params(coded_z.values + mean, guide_z, guide_y, rate)
            coded_y = code_level(self.y_level, UNIT * y, notes, n_groups)
        planes_hat = self.synthesise(coded_y.values, guide, fit, rate)
        return planes_hat, coded_y.bits + coded_z.bits


def start_of(light: Tensor, fit: Tensor) -> Tensor:
    """Give the encoded planes (N, 4, h, w) that a fit (N, 4, 13) has for a guide (N, 12, h, w) in [0, 1].

    Every plane is a cubic of the three colours of its own site (``fit`` counts them as ``N_TERMS`` says).
    """
    n, _, height, width = light.shape
    sites = light.reshape(n, 4, 3, height, width)
    turned = torch.cat([sites[:, :, 1:], sites[:, :, :1]], dim=2)
    square = sites * sites
    terms = torch.cat([sites, square, square * sites, sites * turned], dim=2)
    factors = fit[:, :, :, None, None]
    return (terms * factors[:, :, 1:]).sum(dim=2) + factors[:, :, 0]


def code_level(model: LevelModel, values: Tensor, notes: Tensor, n_groups: int = N_GROUPS) -> Coded:
    """Code values (N, C, h, w), in sixteenths, group after group, as encoder and decoder would.

    In training bits are those of values with uniform noise in the place of rounding; else all is as in use.
    """
    decoded, bits = torch.zeros_like(values), values.new_zeros(len(values))
    mask = torch.zeros_like(values[:, :1])
    scores = model.scores(notes)
    rank, costs = torch.floor(ranks(scores.detach()) * n_groups / N_GROUPS), []
    for at in range(n_groups):
        group = (rank == at).to(values.dtype)
        mean, step, scale_class = model.gaussians(decoded, mask, notes)
        symbols = (values - mean) / step
        if not model.training:
            symbols = symbols * (scale_class >= LEAST_CLASS)
        noisy = symbols + torch.rand_like(symbols) - 0.5 if model.training else torch.round(symbols)
        costs.append(bits_of(noisy, scale_of(scale_class)).sum(dim=1, keepdim=True))
        bits = bits + (costs[-1] * group).sum(dim=(1, 2, 3))
        decoded = decoded + (whole(symbols) * step + mean) * group
        mask = mask + group
    if model.training and n_groups > 1:
        bits = bits + order_signal(scores, rank, costs)
    return Coded(decoded, bits)


def bits_of(symbols: Tensor, scale: Tensor) -> Tensor:
    """Give the bits of symbols under zero-mean Gaussians of a scale in steps.

    Far out, where likelihoods end, bits grow slowly with the distance in scales, so that a scale that is much
    too small learns to be larger.
    """
    half = math.sqrt(0.5) / scale
    likelihood = 0.5 * (torch.erf((symbols + 0.5) * half) - torch.erf((symbols - 0.5) * half))
    beyond = torch.log2(1.0 + symbols.abs() / scale / FAR) * (likelihood < LEAST_LIKELIHOOD)
    return beyond - torch.log2(likelihood.clamp(min=LEAST_LIKELIHOOD))


def scale_of(scale_class: Tensor) -> Tensor:
    """Give the scale, in steps, of a class from 0 to 63."""
    span = math.log(MOST_SCALE / LEAST_SCALE) / (N_CLASSES - 1)
    return torch.exp(math.log(LEAST_SCALE) + span * scale_class)


def _step_of(index: Tensor) -> Tensor:
    """Give the step for -2 to 2: 8, 11, 16, 23, 32 sixteenths; the gradient is that of 2^(index / 2)."""
    smooth = 16.0 * torch.exp(0.5 * math.log(2.0) * index)
    return whole(smooth)


def _plane(rate: Tensor) -> Tensor:
    return rate[:, None, None, None]


def _with_rate(x: Tensor, rate: Tensor) -> Tensor:
    """Put the rate, scaled to [0, 1], behind the channels."""
    plane = (rate / (N_RATES - 1)).to(x.dtype).expand(-1, -1, *x.shape[2:])
    return torch.cat([x, plane], dim=1)
