"""What the tags of a DNG say of its picture: geometry, levels, mosaic, crop.

Source: DNG 1.7.1, chapters 2 to 5. Every number is checked against the file before it is believed.
"""

import math
from dataclasses import dataclass

from rawtool.errors import CorruptFileError, UnsupportedRawError
from rawtool.frames import Cfa
from rawtool.io.dngcolor import first_numbers
from rawtool.io.tiffdir import Directory
from rawtool.vocabulary import SensorKind

_CFA, _LINEAR_RAW = 32803, 34892
_LONGEST_SIDE = 65535
# Deflate cannot shrink more than 1032:1 (RFC 1951); JPEG XL of a flat tile comes near that.
_MOST_EXPANSION = 2048
_CFA_NAMES = {3: "cyan", 4: "magenta", 5: "yellow", 6: "white"}

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class DngPicture:
    """The stored picture. active and crop are (top, left, height, width); crop counts from active.

    linearization holds the counts that codes stand for, or is None.
    """

    directory: Directory
    height: int
    width: int
    n_samples: int
    compression: int
    is_float: bool
    kind: SensorKind
    cfa: Cfa | None
    black_level: tuple[float, ...]
    white_level: float
    linearization: tuple[int, ...] | None
    active: Box
    crop: Box


def find_picture(directories: tuple[Directory, ...]) -> Directory:
    """Return the directory of the largest full-resolution raw picture.

    Raises:
        UnsupportedRawError: the DNG holds no mosaic and no LinearRaw picture.
    """
    raws = [d for d in directories if d.integer(262, -1) in (_CFA, _LINEAR_RAW)]
    raws = [d for d in raws if d.integer(254, 0) == 0] or raws
    if not raws:
        raise UnsupportedRawError(
            "this DNG holds no raw picture; only previews were found; use the original raw"
        )
    return max(raws, key=lambda d: d.integer(256, 0) * d.integer(257, 0))


def read_picture(main: Directory, picture: Directory) -> DngPicture:
    """Return the picture's description.

    Raises:
        CorruptFileError: sizes, offsets or levels cannot be true of this file.
        UnsupportedRawError: a sensor that is not read.
    """
    height, width = picture.integer(257, 0), picture.integer(256, 0)
    n_samples = picture.integer(277, 1)
    if not 0 < height <= _LONGEST_SIDE or not 0 < width <= _LONGEST_SIDE or not 0 < n_samples <= 4:
        raise CorruptFileError(
            f"a picture of {width}x{height} with {n_samples} samples cannot be; "
            "the file is damaged; copy it again from the card"
        )
    _check_storage(picture, height * width * n_samples)
    kind, cfa = _sensor(picture, n_samples)
    active = _active_area(picture, height, width)
    table = picture.integers(50712)
    return DngPicture(
        directory=picture,
        height=height,
        width=width,
        n_samples=n_samples,
        compression=picture.integer(259, 1),
        is_float=picture.integer(339, 1) == 3,
        kind=kind,
        cfa=cfa,
        black_level=_black_level(main, picture, kind, cfa),
        white_level=_white_level(main, picture, table),
        linearization=table,
        active=active,
        crop=_crop(main, picture, active),
    )


def _check_storage(picture: Directory, n_values: int) -> None:
    """Refuse strips or tiles that lie outside the file or cannot hold so many values."""
    offsets = picture.integers(324) or picture.integers(273)
    counts = picture.integers(325) or picture.integers(279)
    bits = min(picture.integers(258) or (1,))
    if not offsets or not counts or len(offsets) != len(counts) or not 1 <= bits <= 64:
        raise CorruptFileError(
            "the directory does not say where the picture is stored; the file is damaged; "
            "copy it again from the card"
        )
    end = max(offset + count for offset, count in zip(offsets, counts, strict=True))
    if end > picture.layout.n_bytes:
        raise CorruptFileError(
            f"the file is cut short: {end - picture.layout.n_bytes} bytes are missing; "
            "copy it again from the card"
        )
    expansion = 1 if picture.integer(259, 1) == 1 else _MOST_EXPANSION
    if n_values * bits / 8 > sum(counts) * expansion:
        raise CorruptFileError(
            f"the picture is said to need {math.ceil(n_values * bits / 8)} bytes but "
            f"{sum(counts)} are stored; the file is damaged; copy it again from the card"
        )


def _sensor(picture: Directory, n_samples: int) -> tuple[SensorKind, Cfa | None]:
    """Return how the sensor samples colour, and its cell as seen from the active area's first pixel."""
    if picture.integer(262, -1) == _LINEAR_RAW:
        if n_samples not in (1, 3):
            raise UnsupportedRawError(
                f"a LinearRaw picture of {n_samples} colours is not supported; use one of 1 or 3"
            )
        return (SensorKind.MONOCHROME if n_samples == 1 else SensorKind.LINEAR), None
    size, colors = picture.integers(33421) or (2, 2), picture.integers(33422) or ()
    if (
        n_samples != 1
        or len(size) != 2
        or not 0 < size[0] * size[1] <= 64
        or len(colors) != size[0] * size[1]
    ):
        raise CorruptFileError(
            "the colour filter pattern makes no sense; the file is damaged; copy it again from the card"
        )
    strange = sorted({_CFA_NAMES.get(color, str(color)) for color in colors if color > 2})
    if strange or picture.integer(50711, 1) != 1:
        what = f"has {' and '.join(strange)} filters" if strange else "is not laid out in rows"
        raise UnsupportedRawError(
            f"the sensor {what}; only red, green and blue in a square grid are supported; "
            "convert it to a LinearRaw DNG first"
        )
    rows = tuple(tuple(colors[row * size[1] : (row + 1) * size[1]]) for row in range(size[0]))
    return classify_cell(rows)


def classify_cell(rows: tuple[tuple[int, ...], ...]) -> tuple[SensorKind, Cfa]:
    """Return the kind of a repeating cell and the cell without needless repetition.

    Raises:
        UnsupportedRawError: not Bayer, Quad Bayer or 6x6.
    """
    is_rgb = {color for row in rows for color in row} == {0, 1, 2}
    sites = [(y, x) for y in range(len(rows)) for x in range(len(rows[0]))]
    if is_rgb and len(rows) > 1 and all(rows[y][x] == rows[y % 2][x % 2] for y, x in sites):
        cell = Cfa(tuple(row[:2] for row in rows[:2]))
        if cell.pattern is not None:
            return SensorKind.BAYER, cell
    kind = {(4, 4): SensorKind.QUAD_BAYER, (6, 6): SensorKind.XTRANS}.get((len(rows), len(rows[0])))
    if kind is None or not is_rgb:
        raise UnsupportedRawError(
            f"a {len(rows)}x{len(rows[0])} colour filter pattern of this kind is not supported; "
            "convert it to a LinearRaw DNG first"
        )
    return kind, Cfa(rows)


def _black_level(main: Directory, picture: Directory, kind: SensorKind, cfa: Cfa | None) -> tuple[float, ...]:
    """Return the black level of every position of the cell, or of every channel.

    Row and column deltas are averaged over the positions of the cell.
    """
    repeat = picture.integers(50713) or (1, 1)
    values = picture.numbers(50714) or main.numbers(50714) or (0.0,)
    if cfa is None:
        n_channels = 3 if kind is SensorKind.LINEAR else 1
        return tuple(values[:n_channels]) if len(values) >= n_channels else (values[0],) * n_channels
    rows, columns = repeat if len(repeat) == 2 and repeat[0] * repeat[1] == len(values) else (1, 1)
    height, width = len(cfa.cell), len(cfa.cell[0])
    by_row, by_column = picture.numbers(50716) or (), picture.numbers(50715) or ()
    return tuple(
        float(values[(y % rows) * columns + x % columns])
        + _mean(by_row[y::height])
        + _mean(by_column[x::width])
        for y in range(height)
        for x in range(width)
    )


def _white_level(main: Directory, picture: Directory, table: tuple[int, ...] | None) -> float:
    """Return the lowest white level; by default 1 for floats, else all bits or the table's end."""
    values = picture.numbers(50717) or main.numbers(50717)
    if values and min(values) > 0:
        return float(min(values))
    if picture.integer(339, 1) == 3:
        return 1.0
    return float(table[-1] if table else 2 ** max(picture.integers(258) or (16,)) - 1)


def _active_area(picture: Directory, height: int, width: int) -> Box:
    """Return the active area, the whole picture when the tag is absent or cannot be true."""
    area = picture.integers(50829) or ()
    if len(area) != 4 or not (0 <= area[0] < area[2] <= height and 0 <= area[1] < area[3] <= width):
        return 0, 0, height, width
    return area[0], area[1], area[2] - area[0], area[3] - area[1]


def _crop(main: Directory, picture: Directory, active: Box) -> Box:
    """Return DefaultCrop narrowed by DefaultUserCrop, inside the active area and never empty."""
    places = (picture, main)
    left, top = first_numbers(places, 50719, 2) or (0.0, 0.0)
    width, height = first_numbers(places, 50720, 2) or (active[3] - left, active[2] - top)
    user = first_numbers(places, 51125, 4)
    if user is not None and 0 <= user[0] < user[2] <= 1 and 0 <= user[1] < user[3] <= 1:
        top, left = top + user[0] * height, left + user[1] * width
        height, width = (user[2] - user[0]) * height, (user[3] - user[1]) * width
    box = round(top), round(left), round(height), round(width)
    is_inside = box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= active[2] and box[1] + box[3] <= active[3]
    return box if is_inside and box[2] > 0 and box[3] > 0 else (0, 0, active[2], active[3])


def _mean(values: tuple[float, ...]) -> float:
    """Return the mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
