"""Samples to chunks and back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec.container import VERSION, Chunk, Container, dumps
from rawtool.codec.facts import Achieved, BaseFacts, BaseSource, dumps_achieved, dumps_base, facts_of
from rawtool.errors import DamagedSidecarError, DecoderMismatchError, UnsupportedRawError
from rawtool.frames import Cfa
from rawtool.io.basepixels import pixels_sha256
from rawtool.pipelines import packing
from rawtool.pipelines.packing import (
    EXACT_DECODER,
    check_codable,
    decode_samples,
    exact_chunks,
    frame_chunks,
    frame_with,
    has_its_samples,
    hash_chunk,
    learned_chunks,
    learned_guide,
    open_sidecar,
    planes_of,
    samples_of,
    whole,
)
from rawtool.pipelines.packroom import Goal
from tests import packs, raws, strategies

TOY = packs.ToyCoder()


def nobody(_decoder):
    raise AssertionError("the learned coder was opened for nothing")


def base(pixels, *, is_upright=True):
    height, width = pixels.shape[:2]
    facts = BaseFacts(width, height, pixels_sha256(pixels), "0" * 64, is_upright, BaseSource.FILE)
    return Chunk(packing.BASE, dumps_base(facts))


def sidecar(frame, pixels, *coded, decoder=EXACT_DECODER, is_upright=True):
    chunks = (*frame_chunks(frame), base(pixels, is_upright=is_upright), *coded)
    return open_sidecar(dumps(Container(VERSION, decoder, chunks)))


@pytest.mark.parametrize("kind", raws.KINDS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_every_sensor_comes_back_bit_for_bit(kind, orientation):
    frame, pixels = packs.frame(kind, orientation), packs.codes(orientation)
    coded = exact_chunks(frame, pixels, is_upright=True, max_error_dn=0)

    found = sidecar(frame, pixels, *coded)
    samples = decode_samples(found, pixels, nobody)

    np.testing.assert_array_equal(samples, frame.samples)
    assert (samples.dtype, has_its_samples(found, samples)) == (np.uint16, True)


@pytest.mark.parametrize("kind", ["Bayer", "LinearRaw"])
def test_no_photosite_is_further_off_than_was_allowed(kind):
    frame, pixels = packs.frame(kind), packs.codes()

    found = sidecar(frame, pixels, *exact_chunks(frame, pixels, is_upright=True, max_error_dn=7))
    samples = decode_samples(found, pixels, nobody)

    assert 0 < np.abs(samples.astype(int) - frame.samples).max() <= 7
    # Only what was measured is promised.
    assert has_its_samples(found, samples) is None


def test_samples_that_were_not_promised_are_told():
    frame, pixels = packs.frame(), packs.codes()
    found = sidecar(frame, pixels, *exact_chunks(frame, pixels, is_upright=True, max_error_dn=0))
    other = frame.samples.copy()
    other[0, 0] ^= 1

    assert has_its_samples(found, other) is False
    assert has_its_samples(found, frame.samples.reshape(-1, 4)) is False


def test_everything_of_a_frame_comes_back():
    frame = packs.frame(orientation=8)
    frame = replace(frame, capture=replace(frame.capture, exif=b"II*\0" + b"e" * 500, xmp=b"<x/>"))

    found = frame_with(sidecar(frame, packs.codes()), frame.samples)

    assert facts_of(found).crop == frame.crop
    assert (found.black_level, found.white_level, found.cfa) == (
        frame.black_level,
        frame.white_level,
        frame.cfa,
    )
    assert (found.capture.exif, found.capture.xmp) == (frame.capture.exif, frame.capture.xmp)
    assert found.capture.orientation == 8


@given(cfa=strategies.BAYER_CFAS, height=st.integers(9, 14), width=st.integers(9, 14))
def test_planes_become_the_counts_that_they_were(cfa, height, width):
    frame = raws.photograph(packs.scene(height, width), cfa=cfa)
    frame = replace(frame, black_level=(500.0, 512.5, 520.0, 499.0))

    samples = samples_of(planes_of(frame), facts_of(frame))

    np.testing.assert_array_equal(samples, frame.samples)


def test_counts_are_held_in_what_sixteen_bits_hold():
    frame = packs.frame()
    planes = planes_of(frame)
    planes[0, 0], planes[0, 1] = -9.0, 99.0

    samples = samples_of(planes, facts_of(frame))

    assert samples[:2, :2].max() == 0
    assert samples[:2, 2:4].min() == 65535


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("is_upright", [True, False])
def test_the_learned_coder_sees_the_same_guide_on_both_sides(orientation, is_upright):
    frame = packs.frame(orientation=orientation)
    pixels = packs.codes(orientation if is_upright else 1)
    streams = TOY.encode(planes_of(frame), learned_guide(facts_of(frame), pixels, is_upright=is_upright), 5.0)

    found = sidecar(frame, pixels, *learned_chunks(streams), decoder=TOY.digest, is_upright=is_upright)
    samples = decode_samples(found, pixels, lambda _: TOY)

    assert not found.is_exact
    white = frame.white_level - frame.black_level[0]
    assert np.abs(samples.astype(int) - frame.samples).max() <= white * 2**-10 / 2 + 1


def test_a_guide_shows_what_the_planes_show():
    frame = packs.frame(orientation=6)

    guide = learned_guide(facts_of(frame), packs.codes(6), is_upright=True)

    green, shown = planes_of(frame)[..., 1], guide[0::2, 1::2, 1]
    top, left, height, width = (side // 2 for side in packs.CROP)
    inside = np.s_[top : top + height, left : left + width]
    assert np.corrcoef(green[inside].ravel(), shown[inside].ravel())[0, 1] > 0.9


def test_another_decoder_is_refused_by_both_coders():
    frame, pixels = packs.frame(), packs.codes()
    exact = sidecar(
        frame, pixels, *exact_chunks(frame, pixels, is_upright=True, max_error_dn=0), decoder=b"?" * 32
    )
    learned = sidecar(frame, pixels, *learned_chunks((b"",)), decoder=b"?" * 32)

    with pytest.raises(DecoderMismatchError, match=r"needs the decoder 3f3f3f3f3f3f"):
        decode_samples(exact, pixels, nobody)
    with pytest.raises(DecoderMismatchError, match=r"toy@1 has 545454545454"):
        decode_samples(learned, pixels, lambda _: TOY)


def test_more_streams_than_there_are_kinds_are_our_own_mistake():
    with pytest.raises(ValueError, match="zip"):
        learned_chunks((b"",) * 11)


@pytest.mark.parametrize("kind", ["X-Trans", "Quad Bayer", "LinearRaw", "monochrome"])
def test_sensors_that_the_learned_coder_does_not_take_are_named_before_any_work(kind):
    with pytest.raises(UnsupportedRawError, match="use --lossless or --max-error"):
        check_codable(packs.frame(kind), Goal(rate=3.0))

    check_codable(packs.frame(kind), Goal(max_error_dn=4))


def test_a_cell_of_two_by_two_without_a_phase_is_no_bayer_mosaic():
    odd = replace(packs.frame(), cfa=Cfa(((1, 0), (0, 2))))

    with pytest.raises(UnsupportedRawError):
        check_codable(odd, Goal(rate=3.0))


def test_floats_are_rounded_and_that_is_said():
    frame = packs.frame()
    light = ((frame.samples - np.float32(512)) / 15000).astype(np.float32)
    floating = replace(frame, samples=light, black_level=(0.0,) * 4, white_level=1.0)

    rounded, warnings = whole(floating)

    assert rounded.samples.dtype == np.uint16
    assert "not bit for bit" in warnings[0]
    assert whole(frame) == (frame, ())


def test_what_was_reached_is_read():
    frame, pixels = packs.frame(), packs.codes()
    achieved = Achieved(51.5, 12.0, 0.4, 1000, 2000)

    found = sidecar(frame, pixels, hash_chunk(frame.samples), Chunk(packing.DONE, dumps_achieved(achieved)))

    assert (found.achieved, found.n_photosites) == (achieved, packs.HEIGHT * packs.WIDTH)
    assert found.n_bytes > 100


def test_a_sidecar_without_its_facts_is_damaged():
    with pytest.raises(DamagedSidecarError):
        open_sidecar(dumps(Container(VERSION, EXACT_DECODER, (base(packs.codes()),))))
