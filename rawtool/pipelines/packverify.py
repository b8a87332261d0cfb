"""What a packed file gives back, measured on what the disk holds."""

import math
from dataclasses import dataclass, replace

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.container import Chunk, Container, dumps
from rawtool.codec.facts import Achieved, dumps_achieved
from rawtool.errors import VerificationError
from rawtool.frames import RawFrame
from rawtool.io.basepixels import base_pixels, pixels_sha256
from rawtool.metrics.fidelity import psnr
from rawtool.metrics.rate import bpp
from rawtool.pipelines.packing import DONE, HASH, decode_samples, hash_chunk, open_sidecar
from rawtool.pipelines.packroom import Coder, Goal
from rawtool.sensor.levels import normalise

_KEEP = "nothing was written; please report it, and keep the raw file"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a packed file is held to: its frame (uint16), its goal, the length of the JPEG, the coder.

    original is the frame as the raw file has it, whose samples may be no whole numbers.
    """

    frame: RawFrame
    original: RawFrame
    goal: Goal
    n_base_bytes: int
    coder: Coder | None

    def finish(self, picture: bytes, payload: bytes) -> bytes:
        """Decode a picture and a payload as they came from disk and return the payload with what was reached.

        Raises:
            VerificationError: the goal is missed.
        """
        sidecar, pixels = open_sidecar(payload), base_pixels(picture)
        if pixels_sha256(pixels) != sidecar.base.pixels_sha256:
            raise VerificationError(f"the picture decodes to other pixels than were packed; {_KEEP}")
        samples = decode_samples(sidecar, pixels, self._opened_coder)
        error_dn, psnr_db = largest_error(samples, self.frame.samples), mosaic_psnr(samples, self.frame)
        _check_goal(self.goal, error_dn, psnr_db)
        if self.original is not self.frame:
            error_dn, psnr_db = _against_floats(replace(self.frame, samples=samples), self.original)
        container = sidecar.container
        if sidecar.is_exact and container.find(HASH) is None:
            container = replace(container, chunks=(*container.chunks, hash_chunk(samples)))
        return _with_achieved(container, Achieved(psnr_db, error_dn, 0.0, 0, self.n_base_bytes), samples)

    def _opened_coder(self, _decoder: bytes) -> Coder:
        if self.coder is None:
            raise ValueError("a sidecar of the learned coder is verified with it")
        return self.coder


def largest_error(samples: AnyArray, truth: AnyArray) -> float:
    """Return the largest difference of two arrays of counts.

    Raises:
        VerificationError: they differ in shape.
    """
    if samples.shape != truth.shape:
        raise VerificationError(f"{samples.shape} photosites came back of {truth.shape}; {_KEEP}")
    return float(np.abs(samples.astype(np.int32) - truth).max(initial=0))


def mosaic_psnr(samples: AnyArray, frame: RawFrame) -> float:
    """Return the PSNR of counts in dB, 1 from black to white level; infinite where all are the same."""
    if np.array_equal(samples, frame.samples):
        return math.inf
    return psnr(normalise(replace(frame, samples=samples)), normalise(frame))


def _against_floats(frame: RawFrame, original: RawFrame) -> tuple[float, float]:
    """Return the largest error, in counts of the frame, and the PSNR in dB of what was rounded."""
    values, truth = normalise(frame), normalise(original)
    span = frame.white_level - min(frame.black_level)
    return float(np.abs(values - truth).max()) * span, psnr(values, truth)


def _check_goal(goal: Goal, error_dn: float, psnr_db: float) -> None:
    """Refuse what is not what was asked for."""
    if goal.max_error_dn is not None and error_dn > goal.max_error_dn:
        raise VerificationError(
            f"a photosite came back {error_dn:g} counts off where {goal.max_error_dn} were allowed; {_KEEP}"
        )
    if goal.min_psnr_db is not None and psnr_db < goal.min_psnr_db:
        raise VerificationError(
            f"the mosaic came back with {psnr_db:.2f} dB, at least {goal.min_psnr_db:g} were asked for; "
            "ask for less, or use --max-error or --lossless"
        )


def _with_achieved(container: Container, achieved: Achieved, samples: AnyArray) -> bytes:
    """Return a sidecar with what it reaches, its own length included."""
    n_bytes = len(dumps(_with_done(container, achieved)))
    counted = replace(achieved, bpp=bpp(n_bytes, samples.shape), n_sidecar_bytes=n_bytes)
    return dumps(_with_done(container, counted))


def _with_done(container: Container, achieved: Achieved) -> Container:
    return replace(container, chunks=(*container.chunks, Chunk(DONE, dumps_achieved(achieved))))
