"""How much the learned coder spends: a rate as asked, or the one that just fits a budget or a quality."""

from collections.abc import Callable

from rawtool.codec.facts import facts_of
from rawtool.errors import VerificationError
from rawtool.frames import RawFrame
from rawtool.pipelines.basepicture import BasePicture
from rawtool.pipelines.packing import learned_guide, planes_of, samples_of
from rawtool.pipelines.packroom import Coder, Goal
from rawtool.pipelines.packverify import mosaic_psnr

LEAST_RATE, MOST_RATE = 0.0, 5.0
# Halving 0 to 5 six times leaves steps of 0.08, a change of some per cent in size.
_N_HALVINGS = 6
# What a sidecar needs for each chunk, and for the one that says what was reached.
_ENTRY_BYTES, _DONE_BYTES = 16, 16 + 40

Streams = tuple[bytes, ...]
Code = Callable[[float], Streams]


def learned_streams(
    frame: RawFrame, base: BasePicture, coder: Coder, goal: Goal, n_spent_bytes: int
) -> Streams:
    """Code a Bayer frame for a goal of the learned coder; n_spent_bytes the rest of the sidecar takes.

    Raises:
        VerificationError: no rate reaches the goal.
    """
    facts, planes = facts_of(frame), planes_of(frame)
    guide = learned_guide(facts, base.pixels, is_upright=base.is_upright)

    def code(rate: float) -> Streams:
        return coder.encode(planes, guide, rate)

    def n_bits(streams: Streams) -> int:
        n_bytes = sum(len(stream) + _ENTRY_BYTES for stream in streams)
        return 8 * (n_spent_bytes + n_bytes + _DONE_BYTES)

    def quality(streams: Streams) -> float:
        return mosaic_psnr(samples_of(coder.decode(streams, guide), facts), frame)

    if goal.target_bpp is not None:
        most = goal.target_bpp * frame.height * frame.width
        return _largest(code, lambda streams: n_bits(streams) <= most, goal.target_bpp)
    if goal.min_psnr_db is not None:
        least = goal.min_psnr_db
        return _smallest(code, lambda streams: quality(streams) >= least, least)
    return code(MOST_RATE if goal.rate is None else goal.rate)


def _largest(code: Code, fits: Callable[[Streams], bool], target_bpp: float) -> Streams:
    """Return the streams of the largest rate that fits."""
    found = _edge(code, fits, good=LEAST_RATE, bad=MOST_RATE)
    if found is None:
        raise VerificationError(
            f"even the least rate takes more than {target_bpp:g} bpp; ask for more, or use --rate 0"
        )
    return found


def _smallest(code: Code, reaches: Callable[[Streams], bool], least_db: float) -> Streams:
    """Return the streams of the smallest rate that reaches a quality."""
    found = _edge(code, reaches, good=MOST_RATE, bad=LEAST_RATE)
    if found is None:
        raise VerificationError(
            f"even the largest rate does not reach {least_db:g} dB; use --max-error or --lossless"
        )
    return found


def _edge(code: Code, holds: Callable[[Streams], bool], good: float, bad: float) -> Streams | None:
    """Go from a rate at which something holds as far as it does towards another; None if it never does."""
    best = code(good)
    if not holds(best):
        return None
    for _ in range(_N_HALVINGS):
        middle = (good + bad) / 2
        streams = code(middle)
        if holds(streams):
            good, best = middle, streams
        else:
            bad = middle
    return best
