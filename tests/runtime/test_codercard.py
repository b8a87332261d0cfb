"""The card of a codec: what it promises survives, and what contradicts itself is refused."""

from dataclasses import replace

import pytest

from rawtool.errors import ModelContractError
from rawtool.runtime.card import GraphFile
from rawtool.runtime.codercard import EXACT_PARTS, PARTS, CoderCard, CoderGraphs, dumps, loads
from rawtool.vocabulary import Task

FILES = {part: GraphFile(f"pack_{part}.onnx", f"{number:064x}", 10) for number, part in enumerate(PARTS)}
CARD = CoderCard(
    schema=2,
    name="raw-metadata-s",
    version="1",
    size="s",
    task=Task.PACK,
    n_latent=24,
    n_hyper=8,
    n_groups=4,
    n_rates=6,
    n_seen=9,
    stride=16,
    halo=48,
    synthesis_halo=48,
    bytes_per_pixel=100,
    opset=17,
    tolerance=1e-4,
    licence="Apache-2.0",
    may_invent_detail=True,
    training="none, for tests",
    measured=(),
    graphs=CoderGraphs(**FILES),
    torch_graphs=None,
)


def with_file(part, **changes):
    return replace(CARD, graphs=CoderGraphs(**(FILES | {part: replace(FILES[part], **changes)})))


def test_a_card_survives():
    assert loads(dumps(CARD)) == CARD


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 1}, "schema"),
        ({"task": Task.HDR}, "not for packing"),
        ({"name": "Raw Metadata"}, "name"),
        ({"version": "one"}, "version"),
        ({"n_groups": 0}, "count"),
        ({"halo": 50}, "halo"),
        ({"tolerance": 0.0}, "tolerance"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(ModelContractError, match=words):
        dumps(replace(CARD, **changes))


def test_files_need_a_digest_and_a_plain_name():
    with pytest.raises(ModelContractError, match="digest"):
        dumps(with_file("y_step", sha256="0"))
    with pytest.raises(ModelContractError, match="plain file name"):
        dumps(with_file("y_step", path="../y.onnx"))


def test_the_digest_follows_what_decides_bits_and_nothing_else():
    for part in PARTS:
        is_same = with_file(part, sha256="f" * 64).exact_digest == CARD.exact_digest
        assert is_same == (part not in EXACT_PARTS)


def test_a_card_without_graphs_has_no_digest():
    with pytest.raises(ModelContractError, match="no graphs"):
        _ = replace(CARD, graphs=None).exact_digest
