"""Codec networks to files: nothing is kept that is not proved."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from rawtool.errors import VerificationError  # noqa: E402 - after the checks
from rawtool.runtime.codercard import EXACT_PARTS, PARTS  # noqa: E402
from rawtool.training import coder_export  # noqa: E402
from rawtool.training.coder_export import coder_card, export_coder, parts_of, proof_inputs, run_module  # noqa: E402
from tests import coders  # noqa: E402

CARD = coder_card("raw-metadata-s", "1", "untrained, for tests")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coder") / "model"
    export_coder(coders.network(), CARD, folder)
    return folder


def test_every_part_is_proved_on_both_engines_and_one_and_two_threads(tmp_path):
    proofs = export_coder(coders.network(), CARD, tmp_path / "model")

    assert {proof.part for proof in proofs} == set(PARTS)
    assert {proof.who for proof in proofs} == {"onnx on 1", "onnx on 2", "torch on 1", "torch on 2"}
    assert all(proof.difference == 0 for proof in proofs if proof.part in EXACT_PARTS)


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize(
    "level", ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"]
)
def test_no_optimisation_and_no_number_of_threads_changes_a_bit(exported, level, threads):
    import onnxruntime

    modules = parts_of(coders.network())
    for part, inputs in proof_inputs(CARD, 96).items():
        if part not in EXACT_PARTS:
            continue
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(exported / f"pack_{part}.onnx", options)
        found = session.run(None, inputs)
        for one, other in zip(found, run_module(modules[part], part, inputs).values(), strict=True):
            assert np.array_equal(one, other)


def test_a_single_wrong_bit_keeps_everything_from_being_written(tmp_path, monkeypatch):
    def off_by_one(module, part, inputs):
        found = run_module(module, part, inputs)
        if part == "y_step":
            found["mean"].flat[7] += 1
        return found

    monkeypatch.setattr(coder_export, "run_module", off_by_one)

    with pytest.raises(VerificationError, match="y_step"):
        export_coder(coders.network(), CARD, tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []


def test_planes_may_differ_by_the_tolerance_only(tmp_path):
    with pytest.raises(VerificationError, match=r"analysis|synthesis"):
        export_coder(coders.network(), replace(CARD, tolerance=1e-12), tmp_path / "model")


def test_exact_parts_give_whole_numbers():
    modules = parts_of(coders.network())

    for part, inputs in proof_inputs(CARD, 32).items():
        if part in EXACT_PARTS:
            for value in run_module(modules[part], part, inputs).values():
                assert np.array_equal(value, np.rint(value))
