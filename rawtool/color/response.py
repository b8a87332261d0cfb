"""Camera response curves: the light of a picture to its code values, one curve for all channels.

A response is kept as its inverse, the light at each of 1024 uniform code values: so its dark end is as
fine as the codes are. Light and codes are relative, [0, 1], and the ends stay at 0 and 1.

A basis spans such curves by a mean and a few orthonormal components, as EMoR does (Grossberg and Nayar 2004).
EMoR's own tables have no licence, so the project makes a basis from curves that can be written down; a
user's file of the same form is read as well.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.color import transfer
from rawtool.errors import CorruptFileError

N_SAMPLES = 1024
N_COMPONENTS = 11

GRID: AnyArray = np.arange(N_SAMPLES) / (N_SAMPLES - 1)
"""The code values (or the light) at which curves are sampled."""
GRID.setflags(write=False)

FLATTEST_STEP = 0.05 / (N_SAMPLES - 1)
"""A random curve rises by this at least from sample to sample: a twentieth of the straight line's step."""


@dataclass(frozen=True, slots=True)
class Response:
    """One camera's curve; inverse (1024,) float64 is the light at each code of GRID, rising from 0 to 1."""

    inverse: AnyArray

    @property
    def forward(self) -> AnyArray:
        """The code values (1024,) at each light of GRID."""
        return np.interp(GRID, self.inverse, GRID)

    def encode(self, light: AnyArray) -> AnyArray:
        """Turn light of any shape into float32 code values, clipping it to [0, 1] as a sensor does.

        By a table over the fourth root of light, ten times as fast as a search in the inverse.
        """
        table = np.interp(_ROOT_GRID**4, self.inverse, GRID)
        return _looked_up(table, np.sqrt(np.sqrt(np.clip(light, 0, 1, dtype=np.float32))))

    def decode(self, codes: AnyArray) -> AnyArray:
        """Invert ``encode``; codes are clipped to [0, 1]."""
        return _looked_up(self.inverse, np.clip(codes, 0, 1, dtype=np.float32))


_ROOT_GRID = np.arange(4 * N_SAMPLES + 1) / (4 * N_SAMPLES)


def _looked_up(table: AnyArray, values: AnyArray) -> AnyArray:
    """Interpolate linearly in a table over [0, 1], in float32."""
    samples = table.astype(np.float32)
    place = values * np.float32(len(samples) - 1)
    start = np.minimum(np.floor(place), np.float32(len(samples) - 2))
    index = start.astype(np.intp)
    below = samples[index]
    return below + (place - start) * (samples[index + 1] - below)


# Curves that can be written down: light at code values y in [0, 1].


def sigmoid_inverse(y: AnyArray, n: float, a: float) -> AnyArray:
    """Invert HDRCNN's camera curve (1 + a) x^n / (x^n + a) (Eilertsen et al. 2017)."""
    return (a * y / (1 + a - y)) ** (1 / n)


def log_inverse(y: AnyArray, contrast: float) -> AnyArray:
    """Invert log(1 + contrast x) / log(1 + contrast), the curve of log footage."""
    return transfer.mu_law_decode(y, contrast)


def s_curve_inverse(y: AnyArray, strength: float) -> AnyArray:
    """Invert (1 - s) f + s (3 f^2 - 2 f^3): a toe and a shoulder; strength s is under 1."""
    f = np.linspace(0, 1, 8 * N_SAMPLES)
    return np.interp(y, _s_curve(f, strength), f)


def _s_curve(f: AnyArray, strength: float) -> AnyArray:
    return (1 - strength) * f + strength * (3 * f**2 - 2 * f**3)


# The basis.


@dataclass(frozen=True, slots=True)
class CurveBasis:
    """A mean curve (1024,) and orthonormal components (K, 1024), zero at both ends, in float64.

    is_inverse tells whether they are of the light at code values or of the code values of light. spread
    (K,) is the deviation of the weights over the 64 curves that the project's own basis is made of.
    """

    mean: AnyArray
    components: AnyArray
    spread: AnyArray
    is_inverse: bool

    def curve(self, weights: AnyArray) -> AnyArray:
        """Give the curve (1024,) of weights (k,) for the first k components; it need not rise everywhere."""
        return self.mean + weights @ self.components[: len(weights)]

    def fit(self, curve: AnyArray) -> AnyArray:
        """Give the weights (..., K) of the nearest curves to (..., 1024), by least squares."""
        return (curve - self.mean) @ self.components.T


@functools.cache
def own_basis() -> CurveBasis:
    """Make the basis of 11 components from the inverses of 64 curves.

    Each is inverted by linear interpolation on the grid; the components are the first right singular
    vectors of what is left without the mean, with the sign that makes their sum positive.
    """
    inverses = _inverted(_forward_curves())
    mean = inverses.mean(axis=0)
    components = np.linalg.svd(inverses - mean, full_matrices=False)[2][:N_COMPONENTS]
    components *= np.sign(components.sum(axis=1, keepdims=True))
    return _basis(mean, components, is_inverse=True)


def _basis(mean: AnyArray, components: AnyArray, *, is_inverse: bool) -> CurveBasis:
    """Add the spread of the known curves, and lock the arrays."""
    curves = _inverted(_forward_curves()) if is_inverse else _forward_curves()
    spread = ((curves - mean) @ components.T).std(axis=0)
    for values in (mean, components, spread):
        values.setflags(write=False)
    return CurveBasis(mean, components, spread, is_inverse)


def _forward_curves() -> AnyArray:
    """Sample the curves (64, 1024): 30 sigmoids, 10 powers, 15 with an offset, 9 S-curves after a power."""
    x = GRID
    sigmoids = [
        (1 + a) * x**n / (x**n + a)
        for a in (0.2, 0.4, 0.6, 0.8, 1.2, 2.0)
        for n in (0.6, 0.75, 0.9, 1.05, 1.2)
    ]
    powers = [x ** (1 / power) for power in np.linspace(1.0, 2.8, 10)]
    with_offset = [
        _power_with_offset(x, power, offset)
        for power in (1.8, 2.0, 2.2, 2.4, 2.6)
        for offset in (0.02, 0.055, 0.099)
    ]
    s_curves = [
        _s_curve(x ** (1 / power), strength) for power in (1.8, 2.2, 2.6) for strength in (0.3, 0.6, 0.9)
    ]
    return np.array([*sigmoids, *powers, *with_offset, *s_curves])


def _power_with_offset(x: AnyArray, power: float, offset: float) -> AnyArray:
    """(1 + o) x^(1/G) - o, below its tangent point from the origin the straight line to it."""
    joint = (offset * power / ((1 + offset) * (power - 1))) ** power
    slope = (1 + offset) / power * joint ** (1 / power - 1)
    return np.where(x < joint, slope * x, (1 + offset) * x ** (1 / power) - offset)


def _inverted(curves: AnyArray) -> AnyArray:
    """Invert rising curves (n, 1024) by linear interpolation, their ends set to 0 and 1."""
    inverses = np.array([np.interp(GRID, curve, GRID) for curve in curves])
    inverses[:, 0], inverses[:, -1] = 0, 1
    return inverses


# EMoR's files: sections of 1024 numbers, four in a row, under headings that end in an equals sign.

_HEADING = re.compile(r"^\s*([A-Za-z]\w*(?:\(\d+\))?)\s*=\s*$")
_KINDS = {"hinv": ("B", "g0"), "h": ("E", "f0")}


def basis_from_text(text: str) -> CurveBasis:
    """Read the text of a file of the form of ``invemor.txt`` (inverse curves) or ``emor.txt`` (forward ones).

    Raises:
        CorruptFileError: it has another form.
    """
    sections = dict(_sections(text))
    kind = "hinv" if "g0" in sections else "h"
    grid, mean = (sections.get(name) for name in _KINDS[kind])
    components = np.array(list(_components(sections, kind)))
    if grid is None or mean is None or not _is_basis(grid, mean, components):
        raise CorruptFileError(
            "this is no table of response curves in EMoR's form; pass invemor.txt or emor.txt as published"
        )
    return _basis(mean, components, is_inverse=kind == "hinv")


def _sections(text: str) -> Iterator[tuple[str, AnyArray]]:
    """Cut a text at its headings, and give each with the numbers under it."""
    name, rows = "", list[str]()
    for line in (*text.splitlines(), "end ="):
        heading = _HEADING.match(line)
        if heading is None:
            rows.append(line)
            continue
        yield name, _numbers(rows)
        name, rows = heading[1], []


def _numbers(rows: list[str]) -> AnyArray:
    try:
        return np.array([float(word) for row in rows for word in row.split()])
    except ValueError:
        return np.array([])


def _components(sections: Mapping[str, AnyArray], kind: str) -> Iterator[AnyArray]:
    number = 1
    while (values := sections.get(f"{kind}({number})")) is not None:
        yield values if values.size == N_SAMPLES else np.zeros(N_SAMPLES)
        number += 1


def _is_basis(grid: AnyArray, mean: AnyArray, components: AnyArray) -> bool:
    """Tell whether the grid is uniform, the mean goes from 0 to 1, and the components are as they should."""
    if grid.shape != GRID.shape or mean.shape != GRID.shape or len(components) < N_COMPONENTS:
        return False
    products = components @ components.T
    ends = np.concatenate([components[:, [0, -1]].ravel(), mean[[0, -1]] - [0, 1]])
    # The published files have nine digits.
    near = functools.partial(np.allclose, rtol=0, atol=1e-5)
    return bool(near(grid, GRID) and near(products, np.eye(len(components))) and near(ends, 0))


# Random cameras.

SHARES = (0.25, 0.15, 0.25, 0.2, 0.15)
"""How often a random camera has a standard's curve, a power, a sigmoid, one of the basis, a film-like one."""


def random_response(rng: np.random.Generator, basis: CurveBasis | None = None) -> Response:
    """Draw a camera; basis is the project's own unless another is given."""
    mixture = functools.partial(_random_mixture, basis=basis or own_basis())
    families = (_random_standard, _random_power, _random_sigmoid, mixture, _random_film)
    return Response(families[rng.choice(len(families), p=SHARES)](rng))


def _random_standard(rng: np.random.Generator) -> AnyArray:
    """Draw sRGB, which most cameras start from, or the curve of BT.709 and BT.2020."""
    return transfer.srgb_decode(GRID) if rng.random() < 0.75 else transfer.rec2020_decode(GRID)


def _random_power(rng: np.random.Generator) -> AnyArray:
    return GRID ** rng.uniform(1.8, 2.8)


def _random_sigmoid(rng: np.random.Generator) -> AnyArray:
    """Draw as HDRCNN does, n from N(0.9, 0.1) and a from N(0.6, 0.1)."""
    n, a = (float(np.clip(rng.normal(mean, 0.1), 0.2, 2.5)) for mean in (0.9, 0.6))
    return sigmoid_inverse(GRID, n, a)


def _random_mixture(rng: np.random.Generator, basis: CurveBasis) -> AnyArray:
    curve = rising(basis.curve(rng.normal(0, basis.spread)))
    return curve if basis.is_inverse else _inverted(curve[None])[0]


def _random_film(rng: np.random.Generator) -> AnyArray:
    """Draw an S-curve after a power, after sRGB or after a logarithm."""
    codes = s_curve_inverse(GRID, rng.uniform(0.1, 0.9))
    match rng.integers(3):
        case 0:
            return codes ** rng.uniform(1.8, 2.6)
        case 1:
            return transfer.srgb_decode(codes)
        case _:
            return log_inverse(codes, 2 ** rng.uniform(3, 8))


def rising(curve: AnyArray) -> AnyArray:
    """Make a curve (1024,) rise everywhere, from 0 to 1: steps down become nearly flat."""
    steps = np.maximum(np.diff(curve), FLATTEST_STEP)
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
