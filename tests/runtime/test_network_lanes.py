"""Tiles that are worked on at once: by how many, in what order, in how much memory."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from rawtool.runtime import session as sessions
from rawtool.runtime.card import EightBit
from rawtool.runtime.network import MEMORY_BUDGET_BYTES, ImageTerms, Network, run_network
from rawtool.runtime.session import InTurns, open_session
from rawtool.vocabulary import Precision
from tests.runtime.cards import graph, plain_card


class Same:
    """A network by hand that gives its picture back."""

    device, provider, card_text = "cpu", "numpy", None

    def __init__(self):
        self.sizes = []

    def run(self, inputs):
        self.sizes.append(inputs["picture"].shape[2:])
        return {"finished": inputs["picture"]}


class Meeting(Same):
    """A network whose runs are counted while they last; the first two wait until they meet, or a while."""

    def __init__(self, device, patience):
        super().__init__()
        self.device, self.patience = device, patience
        self.lock, self.both = threading.Lock(), threading.Event()
        self.n_inside = self.most_inside = 0

    def run(self, inputs):
        with self.lock:
            self.n_inside += 1
            self.most_inside = max(self.most_inside, self.n_inside)
        if self.n_inside == 2:
            self.both.set()
        self.both.wait(self.patience)
        result = super().run(inputs)
        with self.lock:
            self.n_inside -= 1
        return result


def tops_of(network, source=None):
    """Run over a tall picture and tell where the blocks begin, in the order of their coming."""

    def zeros(_top, _left, height, width):
        return np.zeros((height, width, 3), dtype=np.float32)

    tops, threads = [], set()

    def sink(top, _left, _block):
        tops.append(top)
        threads.add(threading.current_thread())

    run_network(network, source or zeros, sink, (200, 64), terms=ImageTerms(), tile=64)
    assert threads == {threading.current_thread()}
    return tops


def test_two_lanes_work_at_once_and_blocks_come_in_order():
    session = Meeting("cpu", patience=5)

    assert tops_of(Network(plain_card(halo=16), session, None, n_lanes=2)) == [0, 56, 112, 168]
    assert session.most_inside == 2


@pytest.mark.parametrize(("turns", "n_lanes"), [(lambda session: session, 1), (InTurns, 2)])
def test_one_tile_at_a_time_where_there_is_one_lane_or_the_lanes_take_turns(turns, n_lanes):
    session = Meeting("cpu", patience=0.05)
    network = Network(plain_card(halo=16), turns(session), None, n_lanes=n_lanes)

    assert tops_of(network) == [0, 56, 112, 168]
    assert session.most_inside == 1


@pytest.mark.parametrize(("device", "kind"), [("cpu", Meeting), ("cuda:0", InTurns)])
def test_another_device_than_a_processor_runs_for_one_after_the_other(device, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "_opened", lambda *_: Meeting(device, patience=0))
    session = open_session(tmp_path)

    assert type(session) is kind
    assert (session.device, session.provider, session.card_text) == (device, "numpy", None)


def test_lanes_share_the_memory_for_windows():
    one, two = (Network(plain_card(bytes_per_pixel=300), Same(), None, n_lanes=n) for n in (1, 2))

    assert two.most_pixels == one.most_pixels // 2 == MEMORY_BUDGET_BYTES[Precision.FP32] // 600
    quick = Network(
        replace(plain_card(), eight_bit=EightBit(graph("x.onnx"), 100)), Same(), None, Precision.INT8
    )
    assert quick.most_pixels == MEMORY_BUDGET_BYTES[Precision.INT8] // 100


def test_after_a_failure_no_further_window_is_begun():
    session = Same()
    failing = Network(plain_card(halo=16), session, None, n_lanes=2)

    def source(top, _left, height, width):
        if top == 0:
            raise OSError("the disk is gone")
        return np.zeros((height, width, 3), dtype=np.float32)

    with pytest.raises(OSError, match="the disk is gone"):
        tops_of(failing, source)
    assert len(session.sizes) <= 2
