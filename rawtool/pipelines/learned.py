"""The learned coder: planes beside their picture to a few streams, and back.

Stream 0 holds the head, the hyper-latents z and all that is needed to begin; each of the following adds one
group of places of the latents y. What stands in a stream that is missing is taken as the network expects it.

    planes, guide ─► fit    analysis ─► y, z        z ─► values, group after group ─► stream 0
    z values ─► y_start ─► order of y      y ─► values, group after group ─► streams 1 to 4
    values of y, guide ─► synthesis ─► planes
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawtool.arrays import AnyArray, Planes, Rgb8
from rawtool.codec import rans
from rawtool.codec.tables import Tables, gaussian_tables
from rawtool.errors import DamagedSidecarError
from rawtool.pipelines.basefit import N_TERMS, fit_polynomial, guide_channels
from rawtool.pipelines.seen import differences, summed
from rawtool.runtime.catalog import digest, find_model, list_models
from rawtool.runtime.coder import CoderNetwork
from rawtool.runtime.codercard import SMALL_Y, SMALL_Z, CoderCard, Part
from rawtool.runtime.lanes import in_lanes
from rawtool.runtime.tiling import Grid, Tile, plan_tiles
from rawtool.vocabulary import Task

UNIT = 16
"""Latents and rates are whole sixteenths."""

TILE = 512
"""Longest side of what one run of analysis or synthesis keeps, in planes' pixels."""

N_MEANS = 3
"""Of the things seen at a place: the means of the colours; differences come after them."""

MOST_SEEN = 127

_HEAD = struct.Struct("<BBII")
_FIRST_VERSION, _VERSION = 1, 2
"""How streams are written: the first coded every element, for networks that see the means only."""

LEAST_CLASS = 18
"""Elements of narrower scales (a tenth of a step) are not coded: all but one in a million are 0."""

_MOST_SIDE = 1 << 17
_MOST_SYMBOL = 32767

_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Head:
    """What stream 0 begins with: rate in sixteenths, size of the planes, means of z in sixteenths.

    fit (4, 13) is the polynomial of the guide nearest to the planes, of numbers that float16 holds.
    """

    rate: int
    height: int
    width: int
    means: AnyArray
    fit: AnyArray


class LearnedCoder:
    """A codec's network with its tables: encode and decode."""

    def __init__(self, network: CoderNetwork, label: str, sha256: str) -> None:
        """Wrap an opened network; label is NAME@VERSION."""
        self._network, self.label, self.sha256 = network, label, sha256
        self._tables: Tables = gaussian_tables()
        self._version = _version_of(network.card)
        self._least_class = 0 if self._version == _FIRST_VERSION else LEAST_CLASS

    @property
    def device(self) -> str:
        """The device of the synthesis."""
        return self._network.session("synthesis").device

    @property
    def provider(self) -> str:
        """The engine's own name for the device."""
        return self._network.session("synthesis").provider

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 (32 bytes) of everything that decides a bit."""
        return decoder_digest(self._network.card)

    def encode(self, planes: Planes, guide: Rgb8, rate: float) -> tuple[bytes, ...]:
        """Code planes (h, w, 4), black 0 and white 1, beside a guide (2h, 2w, 3); rate from 0 to 5.

        Raises:
            ValueError: the guide does not fit the planes, or there is no such rate.
        """
        height, width = planes.shape[:2]
        if guide.shape != (2 * height, 2 * width, 3) or not 0 <= rate <= self._network.card.n_rates - 1:
            raise ValueError("the guide or the rate does not fit")
        sixteenths = round(rate * UNIT)
        picture = _Padded(guide, self._network.card.stride)
        fit = fit_polynomial(planes, guide)
        y, z = self._analyse(picture.fitted(planes), picture, fit, sixteenths)
        means = np.rint(UNIT * z.mean(axis=(0, 2, 3), dtype=np.float64)).astype(np.int16)
        writer = _Writer(self._tables)
        z_values = self._code(
            "z", UNIT * z - _column(means), self._z_notes(picture, sixteenths), [writer] * 4
        )
        head = dump_head(Head(sixteenths, height, width, means, fit), self._version)
        writers = [_Writer(self._tables) for _ in range(self._network.card.n_groups)]
        self._code("y", UNIT * y, self._y_notes(picture, sixteenths, z_values + _column(means)), writers)
        return (head + writer.stream(), *(each.stream() for each in writers))

    def decode(self, streams: Sequence[bytes], guide: Rgb8) -> Planes:
        """Give planes (h, w, 4) from the first streams, as many as there are, and the guide.

        Raises:
            DamagedSidecarError: the streams are not those that were written for this guide.
        """
        head, body = load_head(streams[0], self._network.card.n_hyper, self._version)
        if guide.shape != (2 * head.height, 2 * head.width, 3):
            raise DamagedSidecarError("the raw has another size than its picture; it cannot be brought back")
        picture = _Padded(guide, self._network.card.stride)
        reader = _Reader(body, self._tables)
        z_values = self._code("z", None, self._z_notes(picture, head.rate), [reader] * 4)
        reader.finish()
        readers = [_Reader(stream, self._tables) for stream in streams[1:]]
        notes = self._y_notes(picture, head.rate, z_values + _column(head.means))
        values = self._code("y", None, notes, readers)
        for each in readers:
            each.finish()
        return self._synthesise(values, picture, head)[: head.height, : head.width]

    def _seen(self, picture: "_Padded", size: int) -> AnyArray:
        """Give as much of the picture at every place as the network wants to see."""
        seen = [picture.small(size)] + ([picture.lively(size)] if self._network.card.n_seen > N_MEANS else [])
        return np.concatenate(seen, axis=1)

    def _z_notes(self, picture: "_Padded", rate: int) -> dict[str, AnyArray]:
        return self._network.run(
            "z_start", {"small_guide_z": self._seen(picture, SMALL_Z), "rate": _number(rate)}
        )

    def _y_notes(self, picture: "_Padded", rate: int, z_values: AnyArray) -> dict[str, AnyArray]:
        inputs = {
            "values": z_values.astype(np.float32),
            "small_guide_z": self._seen(picture, SMALL_Z),
            "small_guide_y": self._seen(picture, SMALL_Y),
            "rate": _number(rate),
        }
        return self._network.run("y_start", inputs)

    def _code(
        self, level: str, latents: AnyArray | None, start: dict[str, AnyArray], coders: "Sequence[_Coder]"
    ) -> AnyArray:
        """Walk through the groups of a level; latents in sixteenths when encoding. Gives the values.

        Groups without a coder of their own get the values that the network expects, and so do elements that
        are as good as certain.
        """
        groups, card = start["groups"], self._network.card
        channels = card.n_hyper if level == "z" else card.n_latent
        part: Part = "z_step" if level == "z" else "y_step"
        values = np.zeros((1, channels, *groups.shape[2:]), np.float32)
        for at in range(min(len(coders) + 1, card.n_groups)):
            if at < len(coders) and not (groups == at).any():
                coders[at].exchange(None if latents is None else _NOTHING, _NOTHING)
                continue
            mask = (groups < at).astype(np.float32)
            found = self._network.run(part, {"values": values, "mask": mask, "notes": start["notes"]})
            if at == len(coders):
                return np.where(groups >= at, found["mean"], values)
            is_chosen = np.broadcast_to(groups == at, values.shape)
            np.copyto(values, found["mean"], where=is_chosen)
            is_coded = is_chosen & (found["scale"] >= self._least_class)
            step = found["step"][is_coded]
            symbols = None if latents is None else _symbols(latents[is_coded], values[is_coded], step)
            symbols = coders[at].exchange(symbols, found["scale"][is_coded].astype(np.int64))
            values[is_coded] += symbols * step
        return values

    def _analyse(
        self, planes: AnyArray, picture: "_Padded", fit: AnyArray, rate: int
    ) -> tuple[AnyArray, AnyArray]:
        height, width = planes.shape[:2]
        card = self._network.card
        y = np.empty((1, card.n_latent, height // SMALL_Y, width // SMALL_Y), np.float32)
        z = np.empty((1, card.n_hyper, height // SMALL_Z, width // SMALL_Z), np.float32)

        def analyse(part: Tile) -> dict[str, AnyArray]:
            seen = _slices(part, 1, is_window=True)
            inputs = {"guide": picture.cells(seen), "fit": fit[None], "rate": _number(rate)}
            return self._network.run("analysis", inputs | {"planes": _tensor(planes[seen])})

        tiles = self._tiles(height, width, self._network.card.halo)
        for part, found in in_lanes(analyse, tiles, self._network.n_lanes):
            for name, whole, size in (("y", y, SMALL_Y), ("z", z, SMALL_Z)):
                whole[(..., *_slices(part, size))] = found[name][(..., *_inside(part, size))]
        return y, z

    def _synthesise(self, values: AnyArray, picture: "_Padded", head: Head) -> Planes:
        height, width = (side * SMALL_Y for side in values.shape[2:])
        planes = np.empty((height, width, 4), np.float32)

        def synthesise(part: Tile) -> dict[str, AnyArray]:
            window = np.ascontiguousarray(values[(..., *_slices(part, SMALL_Y, is_window=True))])
            guide = picture.cells(_slices(part, 1, is_window=True))
            inputs = {"values": window, "guide": guide, "fit": head.fit[None], "rate": _number(head.rate)}
            return self._network.run("synthesis", inputs)

        tiles = self._tiles(height, width, self._network.card.synthesis_halo)
        for part, found in in_lanes(synthesise, tiles, self._network.n_lanes):
            planes[_slices(part, 1)] = np.moveaxis(found["planes"][0], 0, 2)[_inside(part, 1)]
        return planes

    def _tiles(self, height: int, width: int, halo: int) -> tuple[Tile, ...]:
        return plan_tiles(height, width, TILE, Grid(SMALL_Z, halo, SMALL_Z))


def open_learned(
    network: str | None = None, device: str = "auto", runtime: str = "auto", threads: int | None = None
) -> LearnedCoder:
    """Open the learned coder of a model, or of the one that ``pack`` takes by default.

    Raises:
        ModelError: there is no such model.
        DeviceError: there is no such device.
    """
    found = find_model(network, None, Task.PACK)
    opened = CoderNetwork(found.coder, found.folder, device, runtime, threads)
    return LearnedCoder(opened, found.label, digest(found))


def decoder_digest(card: CoderCard) -> bytes:
    """Give the SHA-256 (32 bytes) of everything that decides a bit with a network."""
    tables = np.ascontiguousarray(gaussian_tables().cumulative, dtype="<u4").tobytes()
    return hashlib.sha256(card.exact_digest + tables + bytes([_version_of(card)])).digest()


def model_that_reads(decoder: bytes) -> str | None:
    """Find the installed model that reads what was written with this digest: its label, or None."""
    found = (model for model in list_models() if Task.PACK in model.tasks and model.coder.graphs)
    return next((model.label for model in found if decoder_digest(model.coder) == decoder), None)


def _version_of(card: CoderCard) -> int:
    return _FIRST_VERSION if card.n_seen == N_MEANS else _VERSION


def dump_head(head: Head, version: int) -> bytes:
    """Write what stream 0 begins with."""
    numbers = head.means.astype("<i2").tobytes() + head.fit.astype("<f2").tobytes()
    return _HEAD.pack(version, head.rate, head.height, head.width) + numbers


def load_head(stream: bytes, n_hyper: int, version: int) -> tuple[Head, bytes]:
    """Read the head of stream 0, and what follows it.

    Raises:
        DamagedSidecarError: it is too short or says what cannot be.
    """
    n_bytes = _HEAD.size + 2 * n_hyper + 2 * 4 * N_TERMS
    if len(stream) < n_bytes:
        raise DamagedSidecarError("the stream of the raw is cut short; use an undamaged copy")
    found, rate, height, width = _HEAD.unpack_from(stream)
    if found != version or not (0 < height <= _MOST_SIDE and 0 < width <= _MOST_SIDE):
        raise DamagedSidecarError("the stream of the raw says what cannot be; use an undamaged copy")
    means = np.frombuffer(stream, "<i2", n_hyper, _HEAD.size)
    fit = np.frombuffer(stream, "<f2", 4 * N_TERMS, _HEAD.size + 2 * n_hyper).astype(np.float32)
    if not np.isfinite(fit).all():
        raise DamagedSidecarError("the stream of the raw says what cannot be; use an undamaged copy")
    return Head(rate, height, width, means, fit.reshape(4, N_TERMS)), stream[n_bytes:]


class _Writer:
    """Gather the symbols of a stream."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._symbols: list[AnyArray] = []
        self._rows: list[AnyArray] = []

    def exchange(self, symbols: AnyArray | None, rows: AnyArray) -> AnyArray:
        """Keep symbols; they come back as they are."""
        if symbols is None:
            raise ValueError("there is nothing to write")
        self._symbols.append(symbols)
        self._rows.append(rows)
        return symbols

    def stream(self) -> bytes:
        """Give the bytes."""
        return rans.encode_parts(self._symbols, self._rows, self._tables)


class _Reader:
    """Take the symbols of a stream out again."""

    def __init__(self, content: bytes, tables: Tables) -> None:
        self._decoder = rans.Decoder(content, tables)

    def exchange(self, symbols: AnyArray | None, rows: AnyArray) -> AnyArray:
        """Read as many symbols as there are rows."""
        if symbols is not None:
            raise ValueError("there is nothing to read")
        return self._decoder.take(rows)

    def finish(self) -> None:
        """Check that the stream is used up."""
        self._decoder.finish()


_Coder = _Writer | _Reader


class _Padded:
    """A guide (2h, 2w, 3), its last lines repeated until the planes' sides are multiples of stride."""

    def __init__(self, guide: Rgb8, stride: int) -> None:
        missing = [-side % (2 * stride) for side in guide.shape[:2]]
        self._guide = np.pad(guide, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")

    def fitted(self, planes: AnyArray) -> AnyArray:
        """Give planes the same size, in the same way."""
        sides = (side // 2 for side in self._guide.shape[:2])
        missing = [(0, side - had) for side, had in zip(sides, planes.shape[:2], strict=True)]
        return np.pad(planes, [*missing, (0, 0)], mode="edge")

    def cells(self, window: tuple[slice, slice]) -> AnyArray:
        """Give a window of planes' pixels as (1, 12, h, w): R, G, B of the four sites in turn."""
        rows, columns = (slice(2 * part.start, 2 * part.stop) for part in window)
        seen = self._guide[rows, columns]
        return _tensor(guide_channels(seen).astype(np.float32))

    def small(self, size: int) -> AnyArray:
        """Give (1, 3, h / size, w / size): means of 2 size x 2 size codes, rounded, then halved and cut."""
        side = 2 * size
        sums = summed(self._guide, side)
        halves = ((sums + side * side // 2) // (side * side)) >> 1
        return _tensor(halves.astype(np.float32))

    def lively(self, size: int) -> AnyArray:
        """Give (1, 6, h / size, w / size): four times the mean differences, fine and coarse ones, cut at 127.

        Fine ones are between neighbours in the cells of four photosites, coarse ones between the means of an
        even cell and the odd one after it.
        """
        fine, coarse = self._differences
        seen = [summed(each, size // SMALL_Y) // size**2 for each in (fine, coarse)]
        return _tensor(np.minimum(np.concatenate(seen, axis=2), MOST_SEEN).astype(np.float32))

    @cached_property
    def _differences(self) -> tuple[AnyArray, AnyArray]:
        return differences(self._guide)


def _symbols(latents: AnyArray, mean: AnyArray, step: AnyArray) -> AnyArray:
    return np.clip(np.rint((latents - mean) / step), -_MOST_SYMBOL, _MOST_SYMBOL).astype(np.int64)


def _column(means: AnyArray) -> AnyArray:
    return means.astype(np.float32)[None, :, None, None]


def _number(sixteenths: int) -> AnyArray:
    return np.array([sixteenths / UNIT], np.float32)


def _tensor(picture: AnyArray) -> AnyArray:
    """Put (H, W, C) as (1, C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(picture, 2, 0))[None]


def _slices(part: Tile, size: int, *, is_window: bool = False) -> tuple[slice, slice]:
    """Where a tile, or its window, lies in an array of places of size x size pixels."""
    area = part.window if is_window else part.kept
    return (
        slice(area.top // size, (area.top + area.height) // size),
        slice(area.left // size, (area.left + area.width) // size),
    )


def _inside(part: Tile, size: int) -> tuple[slice, slice]:
    """Where what is kept lies in its window."""
    top, left = part.kept.top - part.window.top, part.kept.left - part.window.left
    return (
        slice(top // size, (top + part.kept.height) // size),
        slice(left // size, (left + part.kept.width) // size),
    )
