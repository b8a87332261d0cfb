"""The cards of size s: what they promise is what the networks do."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS  # noqa: E402 - after the checks
from rawtool.runtime.card import dumps, loads  # noqa: E402
from rawtool.runtime.catalog import VERBS  # noqa: E402
from rawtool.runtime.network import find_terms, reader, run_picture  # noqa: E402
from rawtool.training.export import module_network  # noqa: E402
from rawtool.training.small_card import small_card  # noqa: E402
from rawtool.vocabulary import Task  # noqa: E402
from tests.lively import lively, positive, reach_of  # noqa: E402

NETS = {Task.RESTORE: RestoreNetS, Task.ENHANCE: EnhanceNetS}
every_task = pytest.mark.parametrize("task", VERBS["develop"])


def inputs(task, height, width, seed=4):
    random = np.random.default_rng(seed)
    picture = random.random((height, width, 4 if task is Task.RESTORE else 3), dtype=np.float32)
    condition = np.array([1e-4, 1e-4, 2e-4, 1e-6, 1e-6, 2e-6, 1.0, 0.0], np.float32)
    return picture, condition if task is Task.RESTORE else None


def run(network, picture, condition, tile):
    terms = find_terms(network, reader(picture), picture.shape[:2], condition)
    return run_picture(network, picture, terms, tile)


@every_task
def test_the_halo_covers_what_the_network_sees_and_is_not_wasteful(task):
    card, net = small_card(task, ""), positive(NETS[task]())
    picture, condition = inputs(task, card.stride, 3 * card.halo)
    tensor = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float64))
    told = [] if condition is None else [torch.from_numpy(condition[None].astype(np.float64))]
    vector = torch.full((1, card.vector_size), 0.1, dtype=torch.float64)

    reach = reach_of(lambda x: net(x, *told, vector), tensor, card.stride)

    assert reach <= card.halo <= 2 * reach


@every_task
def test_tiles_equal_the_whole_at_odd_sizes(task):
    card = small_card(task, "")
    network = module_network(lively(NETS[task]()), card)
    long = 2 * card.halo + 101

    for height, width in ((card.stride + 3, long), (long, card.stride - 1), (2 * card.stride + 1, 57)):
        picture, condition = inputs(task, height, width)
        whole = run(network, picture, condition, long)
        tiled = run(network, picture, condition, 48)
        assert 0.02 < np.std(whole) < 5.0
        assert np.abs(whole - tiled).max() <= 1e-4


@every_task
def test_without_its_halo_tiles_would_show(task):
    card = small_card(task, "")
    network = module_network(lively(NETS[task]()), card)
    picture, condition = inputs(task, card.stride + 3, 2 * card.halo + 3 * card.stride)

    whole = run(network, picture, condition, 4096)
    tiled = run(replace(network, card=replace(card, halo=0)), picture, condition, 48)

    assert np.abs(whole - tiled).max() > 1e-2


@every_task
def test_the_vector_has_the_promised_size(task):
    card = small_card(task, "")
    condition = [torch.zeros(1, card.condition_size)] if card.condition_size else []

    found = NETS[task]().global_vector(torch.ones(1, 3, card.thumbnail_size, card.thumbnail_size), *condition)
    vector, neutral = found if card.has_neutral_output else (found, None)

    assert vector.shape == (1, card.vector_size)
    assert (neutral is None) != card.has_neutral_output


@every_task
def test_the_smallest_picture_runs(task):
    card = small_card(task, "")
    picture, condition = inputs(task, 3, 2)

    found = run(module_network(NETS[task](), card), picture, condition, None)

    assert found.shape == (3, 2, 3)
    assert np.isfinite(found).all()


@every_task
def test_the_card_is_written_and_read_as_it_is(task):
    card = small_card(task, "10 steps on two scenes")

    assert loads(dumps(card)) == card
    assert card.training == "10 steps on two scenes"
