"""How much the learned coder spends."""

from dataclasses import dataclass, field

import pytest

from rawtool.codec.facts import BaseSource
from rawtool.errors import VerificationError
from rawtool.io.basepixels import base_pixels
from rawtool.pipelines.basepicture import BasePicture
from rawtool.pipelines.packing import learned_guide, samples_of
from rawtool.pipelines.packroom import Goal
from rawtool.pipelines.packverify import mosaic_psnr
from rawtool.pipelines.rates import learned_streams
from tests import packs

FRAME = packs.frame()
CONTENT = packs.jpeg(packs.codes())
BASE = BasePicture(CONTENT, base_pixels(CONTENT), is_upright=True, source=BaseSource.FILE)
N_SPENT = 700
TOY = packs.ToyCoder()


@dataclass(frozen=True)
class Watched:
    """A coder that keeps the rates that it was asked for."""

    toy: packs.ToyCoder = TOY
    rates: list[float] = field(default_factory=list)
    digest: bytes = b""
    label: str = ""
    sha256: str = ""
    device: str = ""
    provider: str = ""

    def encode(self, planes, guide, rate):
        self.rates.append(rate)
        return self.toy.encode(planes, guide, rate)

    def decode(self, streams, guide):
        return self.toy.decode(streams, guide)


def code(coder, **goal):
    return learned_streams(FRAME, BASE, coder, Goal(**goal), N_SPENT)


def bpp(streams):
    return 8 * (N_SPENT + sum(map(len, streams)) + 16 * len(streams) + 56) / FRAME.samples.size


def psnr(streams):
    from rawtool.codec.facts import facts_of

    guide = learned_guide(facts_of(FRAME), BASE.pixels, is_upright=True)
    return mosaic_psnr(samples_of(TOY.decode(streams, guide), facts_of(FRAME)), FRAME)


@pytest.mark.parametrize("rate", [0.0, 2.5, 5.0])
def test_a_rate_is_taken_as_it_is(rate):
    coder = Watched()

    code(coder, rate=rate)

    assert coder.rates == [rate]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_budget_is_kept_and_used(share):
    least, most = (bpp(code(Watched(), rate=rate)) for rate in (0.0, 5.0))
    target = least + share * (most - least)

    found = bpp(code(Watched(), target_bpp=target))

    assert target - (most - least) * 0.05 < found <= target


def test_a_budget_below_the_least_rate_is_refused():
    with pytest.raises(VerificationError, match=r"takes more than 0\.1 bpp"):
        code(Watched(), target_bpp=0.1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_quality_is_reached_and_not_passed_by_much(share):
    least, most = (psnr(code(Watched(), rate=rate)) for rate in (0.0, 5.0))
    wanted = least + share * (most - least)

    found = psnr(code(Watched(), min_psnr_db=wanted))

    assert wanted <= found < wanted + (most - least) * 0.05


def test_a_quality_above_the_largest_rate_is_refused_with_what_reaches_it():
    with pytest.raises(VerificationError, match=r"does not reach 110 dB; use --max-error or --lossless"):
        code(Watched(), min_psnr_db=110.0)
