"""What is measured before a packed file gets its name."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rawtool.codec.container import VERSION, Chunk, Container, dumps, loads
from rawtool.codec.facts import BaseSource, dumps_base
from rawtool.errors import DamagedSidecarError, VerificationError
from rawtool.pipelines import packing
from rawtool.pipelines.basepicture import BasePicture
from rawtool.pipelines.packing import EXACT_DECODER, exact_chunks, frame_chunks, open_sidecar
from rawtool.pipelines.packroom import Goal
from rawtool.pipelines.packverify import Verification, largest_error, mosaic_psnr
from tests import packs

FRAME = packs.frame()
PICTURE = packs.jpeg(packs.codes())


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    packs.use_toy_exact_coder(monkeypatch)


def payload(frame=FRAME, max_error_dn=0):
    from rawtool.io.basepixels import base_pixels

    pixels = base_pixels(PICTURE)
    base = BasePicture(PICTURE, pixels, is_upright=True, source=BaseSource.FILE)
    coded = exact_chunks(frame, pixels, is_upright=True, max_error_dn=max_error_dn)
    head = (*frame_chunks(frame), Chunk(packing.BASE, dumps_base(base.facts())))
    return dumps(Container(VERSION, EXACT_DECODER, (*head, *coded)))


def changed_by(dn, frame=FRAME):
    """The same frame with one photosite off."""
    samples = frame.samples.copy()
    samples[5, 5] += np.uint16(dn)
    return replace(frame, samples=samples)


def verification(frame=FRAME, **goal):
    return Verification(frame, frame, Goal(**goal), len(PICTURE), None)


def test_what_was_reached_is_written_with_the_length_that_it_makes():
    finished = verification(max_error_dn=0).finish(PICTURE, payload())

    achieved = open_sidecar(finished).achieved
    assert (achieved.psnr_db, achieved.max_error_dn) == (math.inf, 0.0)
    assert (achieved.n_sidecar_bytes, achieved.n_base_bytes) == (len(finished), len(PICTURE))
    assert achieved.bpp == 8 * len(finished) / FRAME.samples.size


def test_the_chunks_that_were_verified_are_the_chunks_that_are_kept():
    before = payload()

    after = verification(max_error_dn=0).finish(PICTURE, before)

    assert loads(after).chunks[:-1] == loads(before).chunks


def test_near_lossless_samples_are_promised_once_they_were_seen():
    finished = open_sidecar(verification(max_error_dn=5).finish(PICTURE, payload(max_error_dn=5)))

    assert finished.container.find(packing.HASH) is not None
    assert 0 < finished.achieved.max_error_dn <= 5
    assert 40 < finished.achieved.psnr_db < 90


def test_one_photosite_that_is_off_by_one_is_noticed():
    with pytest.raises(VerificationError, match="1 counts off where 0 were allowed"):
        verification(changed_by(1), max_error_dn=0).finish(PICTURE, payload())


def test_an_error_above_what_was_allowed_is_noticed():
    verification(changed_by(9), max_error_dn=9).finish(PICTURE, payload())

    with pytest.raises(VerificationError, match="10 counts off where 9 were allowed"):
        verification(changed_by(10), max_error_dn=9).finish(PICTURE, payload())


def test_too_low_a_psnr_is_noticed():
    far = changed_by(15000)

    with pytest.raises(VerificationError, match=r"at least 60 were asked for"):
        verification(far, min_psnr_db=60.0).finish(PICTURE, payload())


def test_a_picture_with_other_pixels_is_noticed():
    other = packs.jpeg(packs.codes(), quality=91)

    with pytest.raises(VerificationError, match="other pixels than were packed"):
        verification(max_error_dn=0).finish(other, payload())


def test_a_frame_of_another_shape_is_noticed():
    other = replace(FRAME, samples=FRAME.samples[:-2], crop=(0, 0, 80, 80))

    with pytest.raises(VerificationError, match="photosites came back"):
        verification(other, max_error_dn=0).finish(PICTURE, payload())


def test_what_was_rounded_is_measured_against_what_it_was_rounded_from():
    span = FRAME.white_level - FRAME.black_level[0]
    light = (FRAME.samples.astype(np.float32) - FRAME.black_level[0] + 0.25) / np.float32(span)
    original = replace(FRAME, samples=light, black_level=(0.0,) * 4, white_level=1.0)
    held = Verification(FRAME, original, Goal(max_error_dn=0), len(PICTURE), None)

    achieved = open_sidecar(held.finish(PICTURE, payload())).achieved

    assert achieved.max_error_dn == pytest.approx(0.25, abs=0.01)
    assert achieved.psnr_db == pytest.approx(20 * math.log10(4 * span), abs=0.1)


def test_damage_is_noticed():
    with pytest.raises(DamagedSidecarError):
        verification(max_error_dn=0).finish(PICTURE, payload()[:-1])


def test_the_largest_error_is_found_in_both_directions_without_wrapping():
    truth = np.array([[0, 65535, 7]], np.uint16)

    assert largest_error(np.array([[65535, 65535, 7]], np.uint16), truth) == 65535
    assert largest_error(np.array([[0, 0, 7]], np.uint16), truth) == 65535
    assert largest_error(truth, truth) == 0


def test_the_psnr_is_on_the_scale_from_black_to_white():
    off = replace(FRAME, samples=FRAME.samples + np.uint16(1))
    span = FRAME.white_level - FRAME.black_level[0]

    assert mosaic_psnr(off.samples, FRAME) == pytest.approx(20 * math.log10(span), abs=0.01)
    assert mosaic_psnr(FRAME.samples, FRAME) == math.inf
