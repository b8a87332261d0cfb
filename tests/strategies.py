"""What hypothesis draws: sizes, phases, counts and light as they come out of cameras."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rawtool.frames import Cfa
from rawtool.vocabulary import CfaPattern


def cfa_of(pattern: CfaPattern) -> Cfa:
    """The 2x2 cell of a Bayer phase."""
    numbers = tuple("RGB".index(letter) for letter in pattern.value)
    return Cfa((numbers[:2], numbers[2:]))


# Sides small enough to be fast and odd enough to be mean.
SIDES = st.integers(1, 24)
EVEN_SIDES = st.integers(1, 12).map(lambda half: 2 * half)

PATTERNS = st.sampled_from(CfaPattern)
BAYER_CFAS = st.sampled_from([cfa_of(pattern) for pattern in CfaPattern])

# Light after levels: a little noise under black.
LIGHT = st.floats(-0.0625, 1.0, width=32)
# Green is 1; warm light has a large red, cold light a large blue.
NEUTRALS = st.tuples(st.floats(0.3, 1.0), st.just(1.0), st.floats(0.3, 1.0)).map(np.array)


@st.composite
def counts(draw, sides=SIDES, bits: int = 14):
    """Sensor values (H, W), uint16."""
    shape = (draw(sides), draw(sides))
    return draw(hnp.arrays(np.uint16, shape, elements=st.integers(0, 2**bits - 1)))


@st.composite
def mosaics(draw, sides=SIDES):
    """A mosaic after levels (H, W), float32."""
    shape = (draw(sides), draw(sides))
    return draw(hnp.arrays(np.float32, shape, elements=LIGHT))
