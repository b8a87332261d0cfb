"""From a raw to a JPEG that carries it, in order.

decode ─► base picture ─► guide ─► coder ─► container ─► part on disk ─► decoded again, compared ─► name
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rawtool.codec.container import VERSION, Chunk, Container, dumps
from rawtool.codec.facts import BaseSource, dumps_base
from rawtool.frames import RawFrame
from rawtool.io.packed import write_packed
from rawtool.io.raw import read_raw
from rawtool.pipelines.basepicture import BasePicture, camera_base, developed_base, file_base
from rawtool.pipelines.clock import Clock, JourneyReport
from rawtool.pipelines.packing import (
    BASE,
    EXACT_DECODER,
    check_codable,
    exact_chunks,
    frame_chunks,
    learned_chunks,
    open_sidecar,
    whole,
)
from rawtool.pipelines.packreport import Costs, metrics_of, sentence_of
from rawtool.pipelines.packroom import PackRoom, PackSettings
from rawtool.pipelines.packverify import Verification
from rawtool.pipelines.rates import learned_streams
from rawtool.vocabulary import Precision

UNVERIFIED = "nothing was verified; keep the raw file until rawtool unpack --check has read the packed one"


@dataclass(frozen=True, slots=True)
class RawFile:
    """A raw file that was read: where it lies, its bytes, its frame."""

    path: Path
    n_bytes: int
    frame: RawFrame


def read_raw_file(path: Path) -> RawFile:
    """Read a raw file.

    Raises:
        InputError: it cannot be used.
    """
    frame = read_raw(path)
    return RawFile(path, path.stat().st_size, frame)


def pack(
    source: Path | Callable[[], RawFile],
    target: Path,
    room: PackRoom,
    settings: PackSettings,
    *,
    overwrite: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> JourneyReport:
    """Pack one raw file, or one that is read ahead, into a JPEG; the input is never touched.

    Raises:
        InputError: the raw or the base cannot be used.
        VerificationError: what the disk gives back is not what was asked for; nothing has the final name.
        OutputError: it cannot be written, or exists.
    """
    clock = Clock(on_progress)
    taken = read_raw_file(source) if isinstance(source, Path) else source()
    check_codable(taken.frame, settings.goal)
    clock.lap("decode", 0.1)
    base = _base(taken, room, settings, clock)
    frame, rounded = whole(taken.frame)
    payload = dumps(_sidecar(frame, base, room, settings))
    clock.lap("code", 0.95)
    verified = Verification(frame, taken.frame, settings.goal, len(base.content), room.coder).finish
    finish = verified if settings.is_verified else _as_it_is
    payload = write_packed(base.content, payload, target, settings.embed, finish, overwrite=overwrite)
    clock.lap("verify", 1.0)
    warnings = base.warnings + rounded + (() if settings.is_verified else (UNVERIFIED,))
    achieved = open_sidecar(payload).achieved
    costs = Costs(frame.height * frame.width, taken.n_bytes, len(base.content), len(payload), achieved)
    return _report(clock, room, warnings, costs)


def _as_it_is(_picture: bytes, payload: bytes) -> bytes:
    """Stand in for the verification."""
    return payload


def _base(taken: RawFile, room: PackRoom, settings: PackSettings, clock: Clock) -> BasePicture:
    """Make or take the picture that carries the raw."""
    if settings.base is BaseSource.CAMERA:
        return camera_base(taken.path, taken.frame)
    if settings.base_file is not None:
        return file_base(settings.base_file, taken.frame)
    if room.darkroom is None:
        raise ValueError("a base is developed in a darkroom")
    return developed_base(taken.frame, room.darkroom, settings, clock)


def _sidecar(frame: RawFrame, base: BasePicture, room: PackRoom, settings: PackSettings) -> Container:
    """Code a frame; what is said of what was reached comes when it was measured."""
    head = (*frame_chunks(frame), Chunk(BASE, dumps_base(base.facts())))
    error_dn = settings.goal.max_error_dn
    if error_dn is not None:
        coded = exact_chunks(frame, base.pixels, is_upright=base.is_upright, max_error_dn=error_dn)
        return Container(VERSION, EXACT_DECODER, (*head, *coded))
    if room.coder is None:
        raise ValueError("a rate needs the learned coder")
    bare = Container(VERSION, room.coder.digest, head)
    streams = learned_streams(frame, base, room.coder, settings.goal, len(dumps(bare)))
    return replace(bare, chunks=(*head, *learned_chunks(streams)))


def _report(clock: Clock, room: PackRoom, warnings: tuple[str, ...], costs: Costs) -> JourneyReport:
    """Sum up the journey."""
    models = [(room.darkroom.model.label, room.darkroom.sha256)] if room.darkroom else []
    models += [(room.coder.label, room.coder.sha256)] if room.coder else []
    runs_on = room.darkroom or room.coder
    return JourneyReport(
        clock.laps,
        clock.tiles,
        warnings,
        " + ".join(label for label, _ in models),
        " + ".join(sha256 for _, sha256 in models),
        runs_on.device if runs_on else "cpu",
        runs_on.provider if runs_on else "numpy",
        metrics_of(costs),
        sentence_of(costs),
        room.darkroom.precision if room.darkroom else Precision.FP32,
    )
