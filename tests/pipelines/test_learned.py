"""The learned coder: what is encoded is decoded, by every engine, from as many streams as there are."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from rawtool.errors import DamagedSidecarError, ModelContractError
from rawtool.nets.raw_metadata_s import LEAST_CLASS
from rawtool.pipelines import learned
from rawtool.pipelines.learned import Head, dump_head, load_head, model_that_reads, open_learned
from rawtool.training.coder_export import coder_card, export_coder
from tests import coders

HEIGHT, WIDTH = 54, 71


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("coder") / "raw-metadata-s-v1"
    export_coder(coders.network(), coder_card("raw-metadata-s", "1", "untrained, for tests"), made)
    return made


@pytest.fixture(scope="module")
def coder(folder):
    return open_learned(str(folder), "cpu")


@pytest.fixture(scope="module")
def packed(coder):
    planes, guide = coders.pair(HEIGHT, WIDTH)
    return coder.encode(planes, guide, 2.5), guide


def test_streams_decode_to_planes_of_the_same_size_and_the_same_again(coder, packed):
    streams, guide = packed

    once, twice = coder.decode(streams, guide), coder.decode(streams, guide)

    assert once.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(once, twice)
    assert len(streams) == 5


def test_torch_and_one_thread_write_the_same_bytes_and_read_each_others(folder, coder, packed):
    streams, guide = packed
    planes, _ = coders.pair(HEIGHT, WIDTH)
    expected = coder.decode(streams, guide)

    for runtime, threads in (("torch", 1), ("onnx", 1)):
        other = open_learned(str(folder), "cpu", runtime, threads)
        assert other.digest == coder.digest
        assert other.encode(planes, guide, 2.5) == streams
        assert np.abs(other.decode(streams, guide) - expected).max() < 1e-4


def test_every_stream_changes_the_result_and_the_first_is_enough(coder, packed):
    streams, guide = packed

    results = [coder.decode(streams[:n], guide) for n in range(1, 6)]

    for one, other in pairwise(results):
        assert one.shape == other.shape
        assert not np.array_equal(one, other)


def test_elements_that_are_as_good_as_certain_are_not_coded(coder, packed, monkeypatch):
    streams, guide = packed
    planes, _ = coders.pair(HEIGHT, WIDTH)
    counts = []
    taken = learned._Writer.exchange

    def counted(self, symbols, rows):
        counts.append((len(rows), int(rows.min(initial=learned.LEAST_CLASS))))
        return taken(self, symbols, rows)

    monkeypatch.setattr(learned._Writer, "exchange", counted)

    assert coder.encode(planes, guide, 2.5) == streams
    assert LEAST_CLASS == learned.LEAST_CLASS
    assert {least for _, least in counts} == {learned.LEAST_CLASS}
    y_places = 16 * 24
    coded = sum(n for n, _ in counts)
    assert 0 < coded < 64 * y_places + 8 * y_places // 16
    np.testing.assert_array_equal(coder.decode(streams, guide), coder.decode(streams, guide))


@pytest.mark.parametrize("size", [4, 16])
def test_what_is_seen_of_a_picture_is_what_the_network_learned_with(coder, size):
    _, guide = coders.pair(HEIGHT, WIDTH)
    padded = np.pad(guide, [(0, 128 - 2 * HEIGHT), (0, 192 - 2 * WIDTH), (0, 0)], mode="edge")

    found = coder._seen(learned._Padded(guide, 32), size)

    assert np.array_equal(found[0], coders.seen(padded, size))


def test_tiles_do_not_show(coder, packed, monkeypatch):
    streams, guide = packed
    whole = coder.decode(streams, guide)

    monkeypatch.setattr("rawtool.pipelines.learned.TILE", 32)

    assert np.abs(coder.decode(streams, guide) - whole).max() < 1e-5


def test_another_picture_or_damaged_streams_are_refused_or_differ_but_never_crash(coder, packed):
    streams, guide = packed
    rng = np.random.default_rng(4)

    with pytest.raises(DamagedSidecarError):
        coder.decode(streams, guide[:-2])
    with pytest.raises(DamagedSidecarError):
        coder.decode((streams[0][:9], *streams[1:]), guide)
    for _ in range(12):
        at = int(rng.integers(5))
        damaged = bytearray(streams[at])
        damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        try:
            found = coder.decode((*streams[:at], bytes(damaged), *streams[at + 1 :]), guide)
        except DamagedSidecarError:
            continue
        # Without the container's checksum a flipped bit can decode, but not to planes of another size.
        assert found.shape == (HEIGHT, WIDTH, 4)


def test_a_head_survives_and_nonsense_in_it_is_noticed():
    fit = np.linspace(-1, 1, 52, dtype=np.float16).astype(np.float32).reshape(4, 13)
    head = Head(40, 1500, 2000, np.arange(-4, 4, dtype=np.int16), fit)

    found, rest = load_head(dump_head(head, 2) + b"rest", 8, 2)

    assert (found.rate, found.height, found.width) == (40, 1500, 2000)
    assert np.array_equal(found.means, head.means)
    assert np.array_equal(found.fit, fit)
    assert rest == b"rest"
    with pytest.raises(DamagedSidecarError):
        load_head(dump_head(Head(40, 0, 2000, head.means, fit), 2), 8, 2)
    with pytest.raises(DamagedSidecarError):
        load_head(dump_head(head, 1), 8, 2)


def test_a_guide_or_rate_that_does_not_fit_is_our_own_mistake(coder):
    planes, guide = coders.pair(16, 16)

    with pytest.raises(ValueError, match="fit"):
        coder.encode(planes, guide[2:], 1.0)
    with pytest.raises(ValueError, match="fit"):
        coder.encode(planes, guide, 5.5)


def test_a_model_for_something_else_is_refused():
    with pytest.raises(ModelContractError, match="develops raws"):
        open_learned("cameranet-s")


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_golden_streams_of_every_shipped_model_decode_on_every_machine(version, root):
    pytest.importorskip("onnxruntime")
    golden = np.load(root / "tests" / "golden" / f"raw-metadata-s-v{version}.npz")
    label = model_that_reads(golden["digest"].tobytes())
    shipped = open_learned(label, "cpu")
    streams = [golden[f"stream_{number}"].tobytes() for number in range(5)]

    found = shipped.decode(streams, golden["guide"])

    assert label == f"raw-metadata-s@{version}"
    assert shipped.digest == golden["digest"].tobytes()
    assert np.abs(found - golden["planes"]).max() < 1e-4


def test_nobody_reads_what_none_has_written():
    assert model_that_reads(b"?" * 32) is None
