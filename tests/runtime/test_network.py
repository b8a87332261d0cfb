from dataclasses import replace

import numpy as np
import pytest

from rawtool.errors import ModelContractError
from rawtool.runtime.network import (
    MEMORY_BUDGET_BYTES,
    ImageTerms,
    Network,
    find_terms,
    largest_difference,
    plan_windows,
    reader,
    run_network,
    run_picture,
)
from rawtool.vocabulary import GlobalPass, Precision
from tests.runtime.cards import hdr_card, plain_card, restore_card

REACH = 5


class Blur:
    """A network by hand: the mean over 11 x 11 pixels, zero outside, plus the vector's mean."""

    device, provider, card_text = "cpu", "numpy", None

    def __init__(self):
        self.sizes = []

    def run(self, inputs):
        picture = inputs["picture"][:, :3].astype(np.float64)
        self.sizes.append(picture.shape[2:])
        padded = np.pad(picture, ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (11, 11), axis=(2, 3))
        result = windows.mean(axis=(4, 5)) + inputs.get("vector", np.zeros(1)).mean()
        name = "finished" if "condition" not in inputs else "restored"
        return {name: result.astype(np.float32)}


class Cells:
    """A global graph by hand: 4 features per 8 x 8 cell, after a blur over the picture."""

    device, provider, card_text = "cpu", "numpy", None

    def run(self, inputs):
        blurred = Blur().run(inputs)["finished"]
        n, c, h, w = blurred.shape
        cells = blurred.reshape(n, c, h // 8, 8, w // 8, 8).max(axis=(3, 5))
        return {"context": np.concatenate([cells, cells[:, :1] ** 2], axis=1)}


class Means:
    """A thumbnail graph by hand."""

    device, provider, card_text = "cpu", "numpy", None

    def run(self, inputs):
        assert inputs["thumbnail"].shape == (1, 3, 16, 16)
        mean = inputs["thumbnail"].mean(axis=(2, 3))
        vector = np.concatenate([mean, inputs["condition"]], axis=1)
        return {"vector": vector, "neutral": mean / mean[:, 1:2]}


class FarLight:
    """An HDR network by hand: the curve of the vector, and light of pixels 300 away, zero outside."""

    device, provider, card_text = "cpu", "numpy", None
    far = 300

    def __init__(self):
        self.sizes = []

    def run(self, inputs):
        picture, (curve,) = inputs["picture"], inputs["vector"]
        self.sizes.append(picture.shape[2:])
        result = np.interp(picture, np.linspace(0, 1, curve.size), curve)
        for axis in (2, 3):
            for step in (-self.far, self.far):
                result += self._moved(picture, step, axis)
        return {"light": result.astype(np.float32)}

    @staticmethod
    def _moved(picture, step, axis):
        moved = np.zeros_like(picture)
        length = picture.shape[axis]
        if abs(step) < length:
            there = [slice(None)] * 4
            here = list(there)
            there[axis] = slice(max(step, 0), length + min(step, 0))
            here[axis] = slice(max(-step, 0), length - max(step, 0))
            moved[tuple(there)] = picture[tuple(here)]
        return moved


class Curve:
    """A thumbnail graph by hand: a power whose exponent is the mean of the thumbnail, as 1024 samples."""

    device, provider, card_text = "cpu", "numpy", None

    def run(self, inputs):
        assert set(inputs) == {"thumbnail"}
        assert inputs["thumbnail"].shape == (1, 3, 16, 16)
        exponent = 1 + inputs["thumbnail"].mean()
        return {"vector": np.linspace(0, 1, 1024, dtype=np.float32)[None] ** exponent}


class Placed(Blur):
    """An HDR network by hand that adds to a blur what the guide says of each cell of 8 x 8 pixels."""

    def run(self, inputs):
        (found,) = super().run({"picture": inputs["picture"]}).values()
        assert inputs["guide"].shape == (1, 2, found.shape[2] // 8, found.shape[3] // 8)
        there = np.repeat(np.repeat(inputs["guide"], 8, axis=2), 8, axis=3)
        return {"light": found + there[:, :1] + 10 * there[:, 1:]}


class Places:
    """A guide graph by hand: a map of 5 x 9 places that says which row and column they are."""

    device, provider, card_text = "cpu", "numpy", None

    def run(self, inputs):
        assert set(inputs) == {"thumbnail"}
        assert inputs["thumbnail"].shape == (1, 3, 16, 16)
        return {"guide": np.indices((5, 9), dtype=np.float32)[None] + inputs["thumbnail"].mean()}


def guide_network():
    card = hdr_card(global_pass=GlobalPass.GUIDE, stride=8, halo=16, min_size=8, vector_size=2)
    return Network(card, Placed(), Places())


def noise(height, width, channels=3):
    return np.random.default_rng(7).random((height, width, channels), dtype=np.float32)


def exact_network(min_size=8):
    card = plain_card(
        global_pass=GlobalPass.EXACT, vector_size=4, global_halo=8, min_size=min_size, graphs=None
    )
    return Network(card, Blur(), Cells())


@pytest.mark.parametrize("size", [(101, 67), (33, 121), (7, 250)])
def test_tiled_equals_whole(size):
    network = Network(plain_card(halo=8), Blur(), None)
    picture = noise(*size)
    whole = run_picture(network, picture, ImageTerms(), 1000)
    assert np.array_equal(run_picture(network, picture, ImageTerms(), 16), whole)


def test_a_halo_that_is_too_small_shows():
    network = Network(plain_card(halo=0), Blur(), None)
    picture = noise(64, 64)
    whole = run_picture(network, picture, ImageTerms(), 1000)
    assert np.abs(run_picture(network, picture, ImageTerms(), 16) - whole).max() > 0.01


@pytest.mark.parametrize("size", [(101, 67), (33, 121), (9, 250)])
def test_the_exact_vector_is_the_wholes_whatever_the_tiles(size):
    network = exact_network()
    picture = noise(*size)
    whole = find_terms(network, reader(picture), size, tile=1000)
    tiled = find_terms(network, reader(picture), size, tile=16)
    assert tiled.vector == pytest.approx(whole.vector, abs=1e-6)
    padded = np.pad(picture, [(0, -n % 8) for n in size] + [(0, 0)], mode="reflect")
    features = Cells().run({"picture": padded.transpose(2, 0, 1)[None]})["context"]
    assert whole.vector == pytest.approx(features.mean(axis=(0, 2, 3)), abs=1e-6)


def test_mirrored_padding_counts_in_the_exact_vector_of_a_small_picture():
    network = exact_network(min_size=64)
    picture = noise(9, 50)
    vectors = [find_terms(network, reader(picture), (9, 50), tile=tile).vector for tile in (8, 1000)]
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-6)


def test_tiled_equals_whole_with_the_image_wide_term():
    network = exact_network()
    picture = noise(77, 131)
    results = []
    for tile in (16, 1000):
        terms = find_terms(network, reader(picture), (77, 131), tile=tile)
        results.append(run_picture(network, picture, terms, tile))
    assert np.abs(results[0] - results[1]).max() < 1e-5


def test_a_thumbnail_network_gets_vector_and_neutral_and_its_condition():
    network = Network(restore_card(), Blur(), Means())
    picture = noise(40, 56, 4)
    condition = np.array([0.25, 0.5], dtype=np.float32)
    terms = find_terms(network, reader(picture), (40, 56), condition)
    mean = picture[..., :3].mean(axis=(0, 1))
    assert terms.vector == pytest.approx([*mean, 0.25, 0.5], abs=1e-5)
    assert terms.neutral == pytest.approx(mean / mean[1], abs=1e-5)
    assert run_picture(network, picture, terms).shape == (40, 56, 3)


@pytest.mark.parametrize("size", [(101, 67), (33, 121), (7, 250), (1, 1)])
def test_tiled_equals_whole_with_a_guide(size):
    network, picture = guide_network(), noise(*size)
    terms = find_terms(network, reader(picture), size)
    whole = run_picture(network, picture, terms, 1000)

    assert terms.guide.shape == (5, 9, 2)
    assert (terms.vector, terms.neutral) == (None, None)
    for tile in (8, 24, None):
        np.testing.assert_array_equal(run_picture(network, picture, terms, tile), whole)


def test_every_tile_gets_the_guide_of_its_place():
    height, width = 200, 360
    network, picture = guide_network(), np.zeros((height, width, 3), np.float32)
    found = run_picture(network, picture, find_terms(network, reader(picture), (height, width)), 24)

    # A place of the map is 40 x 40 pixels large; its number is right in its middle.
    rows, columns = (np.arange(side) // 8 * 8 + 4 for side in (height, width))
    down, across = (np.clip(at / 40 - 0.5, 0, n - 1) for at, n in ((rows, 5), (columns, 9)))
    expected = down[:, None] + 10 * across[None, :]
    np.testing.assert_allclose(found, np.broadcast_to(expected[..., None], found.shape), atol=1e-4)


def test_a_guide_is_made_from_the_thumbnail_of_the_whole_picture():
    network, picture = guide_network(), noise(45, 83)
    guide = find_terms(network, reader(picture), (45, 83)).guide
    assert guide[0, 0] == pytest.approx([picture.mean()] * 2, abs=1e-5)


def test_a_guide_that_is_missing_is_refused():
    network = guide_network()
    with pytest.raises(ModelContractError, match="tiny-hdr needs a guide"):
        run_picture(network, noise(16, 16), ImageTerms(vector=np.zeros(2, np.float32)))
    with pytest.raises(ModelContractError, match="tiny-hdr needs a global graph"):
        find_terms(replace(network, global_session=None), reader(noise(16, 16)), (16, 16))


@pytest.mark.parametrize("size", [(8, 6), (1, 1), (1, 9), (3, 2)])
def test_tiny_pictures_are_mirrored_up_to_the_smallest_size(size):
    network = Network(plain_card(min_size=64), Blur(), None)
    assert run_picture(network, noise(*size), ImageTerms()).shape == (*size, 3)
    assert network.tile_session.sizes == [(64, 64)]


@pytest.mark.parametrize("size", [(701, 130), (65, 1029), (63, 65), (3, 900), (2, 1), (1, 1)])
def test_an_hdr_network_that_looks_far_gives_the_same_whole_and_tiled(size):
    network = Network(hdr_card(), FarLight(), Curve())
    picture = noise(*size)
    terms = find_terms(network, reader(picture), size)
    assert terms.vector == pytest.approx(np.linspace(0, 1, 1024) ** (1 + picture.mean()), abs=1e-5)
    whole = run_picture(network, picture, terms, 2048)
    padded = np.pad(picture, [(0, -n % 64 if n > 1 else 0) for n in size] + [(0, 0)], mode="reflect")
    padded = np.pad(padded, [(0, -n % 64) for n in padded.shape[:2]] + [(0, 0)], mode="edge")
    inputs = {"picture": padded.transpose(2, 0, 1)[None], "vector": terms.vector[None]}
    expected = FarLight().run(inputs)["light"][0].transpose(1, 2, 0)[: size[0], : size[1]]
    assert np.array_equal(whole, expected)
    for tile in (64, 200, None):
        assert np.array_equal(run_picture(network, picture, terms, tile), whole)
    assert all(side % 64 == 0 for sides in network.tile_session.sizes for side in sides)


def test_a_halo_below_the_reach_of_an_hdr_network_shows():
    network = Network(hdr_card(halo=256), FarLight(), Curve())
    picture = noise(901, 64)
    terms = find_terms(network, reader(picture), (901, 64))
    whole = run_picture(network, picture, terms, 2048)
    assert np.abs(run_picture(network, picture, terms, 64) - whole).max() > 0.1


def test_a_difference_counts_in_parts_of_what_is_above_one():
    expected = np.array([[[0.5, 1.0, 40.0]]], dtype=np.float32)
    assert largest_difference(expected, expected) == 0.0
    for channel, far in ((0, 0.02), (1, 0.02), (2, 0.8)):
        found = expected.copy()
        found[..., channel] -= far
        assert largest_difference(found, expected) == pytest.approx(0.02, rel=1e-5)


def test_windows_stay_bounded_however_long_the_picture():
    network = Network(plain_card(halo=16), Blur(), None)
    rows = []

    def source(top, left, height, width):
        rows.append(height * width)
        return np.zeros((height, width, 3), dtype=np.float32)

    run_network(network, source, lambda *_: None, (2000, 40), terms=ImageTerms(), tile=64)
    assert max(rows) <= (64 + 32) ** 2


def test_windows_follow_the_memory_that_they_take():
    shape = (3000, 4000)
    for bytes_per_pixel in (300, 3000):
        card = plain_card(halo=16, bytes_per_pixel=bytes_per_pixel)
        network = Network(card, Blur(), None)
        parts = plan_windows(card, shape, None, card.halo, network.most_pixels)
        largest = max(part.window.height * part.window.width for part in parts)
        budget = MEMORY_BUDGET_BYTES[Precision.FP32]
        assert 0.5 * budget < largest * bytes_per_pixel <= budget
    assert all(part.kept.height <= 128 for part in plan_windows(card, shape, 128, card.halo, 10**6))


@pytest.mark.parametrize("size", [(200, 150), (64, 64), (70, 200)])
def test_a_graph_that_gives_what_is_kept_only_gives_the_same_picture(size):
    class Cutting(Blur):
        def run(self, inputs):
            (found,) = super().run(inputs).values()
            top, left, height, width = inputs["kept"][0].astype(int)
            return {"finished": found[:, :, top : top + height, left : left + width]}

    picture = noise(*size, 3)
    card = plain_card(halo=16)
    whole = run_picture(Network(card, Blur(), None), picture, ImageTerms())
    cut = Network(replace(card, has_kept_input=True), Cutting(), None)
    np.testing.assert_allclose(run_picture(cut, picture, ImageTerms(), tile=64), whole, atol=1e-6)


def test_a_window_that_cannot_be_read_ends_the_run_with_its_own_error():
    def source(top, _left, height, width):
        if top > 48:
            raise OSError("the disk is gone")
        return np.zeros((height, width, 3), dtype=np.float32)

    tops = []
    with pytest.raises(OSError, match="the disk is gone"):
        run_network(
            Network(plain_card(halo=16), Blur(), None),
            source,
            lambda top, *_: tops.append(top),
            (200, 64),
            terms=ImageTerms(),
            tile=64,
        )
    assert tops == [0, 56]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (ImageTerms(), "needs a condition"),
        (ImageTerms(np.zeros(2, dtype=np.float32)), "needs a vector"),
        (ImageTerms(np.zeros(3, dtype=np.float32)), "condition of 2 values, not 3"),
    ],
)
def test_missing_terms_are_refused(terms, message):
    network = Network(restore_card(), Blur(), Means())
    with pytest.raises(ModelContractError, match=message):
        run_picture(network, noise(16, 16, 4), terms)


def test_a_missing_global_graph_is_refused():
    network = replace(exact_network(), global_session=None)
    with pytest.raises(ModelContractError, match="needs a global graph"):
        find_terms(network, reader(noise(16, 16)), (16, 16))
