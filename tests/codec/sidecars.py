"""A small sidecar that the tests share. The golden files hold exactly this; it must not change."""

import math

import numpy as np

from rawtool.codec.container import Chunk, Container
from rawtool.codec.deflate import deflate
from rawtool.codec.facts import (
    Achieved,
    BaseFacts,
    BaseSource,
    FrameFacts,
    dumps_achieved,
    dumps_base,
    dumps_facts,
)
from rawtool.frames import Capture, Cfa, GainMap, Illuminated
from rawtool.vocabulary import SensorKind

MATRIX = np.array([[0.8606, -0.2573, -0.0949], [-0.8237, 1.5489, 1 / 3], [-0.2649, 0.3076, 0.91]])
CAPTURE = Capture(
    make="Äcme",
    model='Box "1"',
    as_shot_neutral=np.array([0.1 + 0.2, 1.0, 0.625]),
    matrices=(Illuminated(2856.0, MATRIX), Illuminated(6504.0, MATRIX.T.copy(), MATRIX / 7)),
    orientation=6,
    baseline_exposure_ev=-0.0,
    iso=200.0,
    exposure_s=1 / 250,
    f_number=None,
    focal_length_mm=5e-324,
    taken_at="2024:05:06 07:08:09",
    noise_profile=(1.7976931348623157e308, math.pi),
)
FACTS = FrameFacts(
    shape=(24, 32),
    dtype="uint16",
    kind=SensorKind.BAYER,
    cfa=Cfa(((1, 0), (2, 1))),
    black_level=(64.0, 65.25, 66.0, 67.0),
    white_level=16383.0,
    crop=(2, 4, 20, 24),
    capture=CAPTURE,
    gain_maps=(
        GainMap(
            (0, 1, 24, 31),
            (2, 2),
            (0.0, 0.125),
            (0.5, 1 / 3),
            np.array([[1.0, 0.1, np.nan], [-0.0, 3e-45, np.inf]], np.float32),
            plane=1,
        ),
    ),
)
BASE = BaseFacts(20, 24, "01" * 32, "fe" * 32, is_upright=True, source=BaseSource.CAMERA)
ACHIEVED = Achieved(math.inf, 0.0, 0.1, 2**40, 7)
DIGEST = bytes(range(32))
EXIF, LATENTS = b"II*\0 and so on", bytes(range(256)) * 3
CONTAINER = Container(
    1,
    DIGEST,
    (
        Chunk("FACT", dumps_facts(FACTS)),
        Chunk("BASE", dumps_base(BASE)),
        Chunk("EXIF", deflate(EXIF)),
        Chunk("LAT0", LATENTS),
        Chunk("LAT1", b""),
        Chunk("DONE", dumps_achieved(ACHIEVED)),
    ),
)


def same(one: object, other: object) -> bool:
    """Whether two of our dataclasses say the same, bit for bit: signs of zero and types of arrays too."""
    return repr_of(one) == repr_of(other)


def repr_of(value: object) -> object:
    """The value as something that can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(repr_of(item) for item in value)
    if hasattr(value, "__dataclass_fields__"):
        return type(value), tuple(repr_of(getattr(value, name)) for name in value.__dataclass_fields__)
    return repr(value)
