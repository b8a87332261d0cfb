import json
from dataclasses import MISSING, fields, replace

import pytest

from rawtool.errors import ModelContractError
from rawtool.runtime.card import Card, EightBit, GraphPair, dumps, loads
from rawtool.vocabulary import Encoding, GlobalPass, Task
from tests.runtime.cards import display, graph, hdr_card, light, plain_card, restore_card, tensor

NAMES = [field.name for field in fields(Card)]
OLD_NAMES = [field.name for field in fields(Card) if field.default is MISSING]


@pytest.mark.parametrize(
    "card", [restore_card(), plain_card(), hdr_card(), restore_card(graphs=None, measured=())]
)
def test_a_card_survives_the_round_trip(card):
    assert loads(dumps(card)) == card


def test_a_whole_number_may_stand_for_a_fraction():
    text = dumps(restore_card()).replace("40.5", "40")
    assert loads(text).measured[0].value == 40.0


@pytest.mark.parametrize("name", OLD_NAMES)
def test_a_missing_field_is_refused_by_its_name(name):
    tree = json.loads(dumps(restore_card()))
    del tree[name]
    with pytest.raises(ModelContractError, match=rf"card\.{name} is missing"):
        loads(json.dumps(tree))


def test_a_card_from_before_eight_bits_is_read():
    tree = json.loads(dumps(restore_card()))
    del tree["eight_bit"]

    assert loads(json.dumps(tree)) == restore_card()


def test_a_graph_of_eight_bits_is_listed_but_no_part_of_the_contract():
    quick = replace(restore_card(), eight_bit=EightBit(graph("restore_tile_int8.onnx"), 200))

    assert loads(dumps(quick)) == quick
    assert quick.files == (*restore_card().files, graph("restore_tile_int8.onnx"))
    assert quick.contract() == restore_card().contract()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"graphs": None}, "no graphs beside"),
        ({"eight_bit": EightBit(graph("x.onnx"), 0)}, "eight bits is not positive"),
        ({"eight_bit": EightBit(graph("../x.onnx"), 9)}, "not a plain file name"),
    ],
)
def test_a_graph_of_eight_bits_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ModelContractError, match=message):
        dumps(replace(restore_card(), **({"eight_bit": EightBit(graph("x.onnx"), 9)} | changes)))


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_the_wrong_type_is_refused_by_its_name(name):
    tree = json.loads(dumps(restore_card()))
    tree[name] = {"surprise": 1} if not isinstance(tree[name], dict) else 7
    with pytest.raises(ModelContractError, match=rf"card\.{name}"):
        loads(json.dumps(tree))


def test_an_unknown_field_is_refused():
    tree = json.loads(dumps(restore_card())) | {"colour": "red"}
    with pytest.raises(ModelContractError, match=r"card\.colour is unknown"):
        loads(json.dumps(tree))


def test_true_is_not_a_number():
    tree = json.loads(dumps(restore_card())) | {"stride": True}
    with pytest.raises(ModelContractError, match=r"card\.stride"):
        loads(json.dumps(tree))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"card"'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ModelContractError, match="card"):
        loads(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 1},
        {"name": "Tiny Net"},
        {"version": "v1"},
        {"input": tensor("image", 4)},
        {"input": tensor("picture", 3)},
        {"output": tensor("finished")},
        {"output": tensor("restored", 4)},
        {"stride": 0},
        {"halo": -8},
        {"halo": 12},
        {"global_halo": 4},
        {"min_size": 0},
        {"thumbnail_size": None},
        {"thumbnail_size": 0},
        {"thumbnail": None},
        {"vector_size": 0},
        {"condition_size": -1},
        {"bytes_per_pixel": 0},
        {"tolerance": 0.0},
        {"global_pass": GlobalPass.NONE},
        {"global_pass": GlobalPass.EXACT},
        {"has_mosaic_input": False},
        {"task": Task.ENHANCE},
        {"graphs": GraphPair(graph("restore_tile.onnx"), None)},
        {"graphs": GraphPair(graph("../tile.onnx"), graph("global.onnx"))},
        {"graphs": GraphPair(replace(graph("a.onnx"), sha256="12"), graph("b.onnx"))},
        {"graphs": GraphPair(replace(graph("a.onnx"), bytes=0), graph("b.onnx"))},
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes):
    card = restore_card(**changes)
    with pytest.raises(ModelContractError, match="card of"):
        dumps(card)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": replace(light(), name="finished")}, "not named light"),
        ({"input": tensor("picture")}, "input is not display-encoded"),
        ({"input": display("picture", Encoding.GAMMA)}, "input cannot be in gamma-2.2;"),
        ({"input": display("picture", Encoding.LINEAR)}, "input cannot be in linear"),
        ({"thumbnail": display("thumbnail", Encoding.GAMMA_224)}, "thumbnail is unlike the input"),
        ({"thumbnail": tensor("thumbnail")}, "thumbnail is unlike the input"),
        ({"output": tensor("light")}, "output is not scene-linear"),
        ({"output": light(Encoding.SRGB)}, "output cannot be in srgb"),
        ({"input": replace(display("picture"), channels=4), "has_mosaic_input": True}, "no mosaic"),
        ({"condition_size": 2}, "noise of a finished picture"),
        ({"has_neutral_output": True}, "needs no neutral"),
    ],
)
def test_an_hdr_card_that_is_not_from_display_to_light_is_refused(changes, message):
    with pytest.raises(ModelContractError, match=message):
        dumps(hdr_card(**changes))


def test_hdr_networks_may_take_and_give_the_curve_of_their_paper():
    curve = Encoding.GAMMA_224
    inputs = {"input": display("picture", curve), "thumbnail": display("thumbnail", curve)}
    card = hdr_card(**inputs, output=light(curve))
    assert loads(dumps(card)) == card


def test_an_hdr_network_needs_no_image_wide_term():
    card = hdr_card(
        global_pass=GlobalPass.NONE, thumbnail=None, thumbnail_size=None, vector_size=0, graphs=None
    )
    assert loads(dumps(card)).tile_inputs == ("picture",)
    assert hdr_card().tile_inputs == ("picture", "vector")
    assert (hdr_card().global_inputs, hdr_card().global_outputs) == (("thumbnail",), ("vector",))


def test_a_guide_goes_from_a_thumbnail_to_the_tiles():
    card = hdr_card(global_pass=GlobalPass.GUIDE)
    assert loads(dumps(card)) == card
    assert card.has_thumbnail
    assert card.tile_inputs == ("picture", "guide")
    assert (card.global_inputs, card.global_outputs) == (("thumbnail",), ("guide",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thumbnail": None}, "thumbnail does not fit the global pass"),
        ({"thumbnail_size": None}, "thumbnail_size does not fit the global pass"),
        ({"vector_size": 0}, "vector_size does not fit the global pass"),
        ({"has_neutral_output": True}, "only a thumbnail graph gives a neutral"),
        ({"graphs": GraphPair(graph("hdr_tile.onnx"), None)}, "global graph does not fit the global pass"),
    ],
)
def test_a_card_with_a_guide_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ModelContractError, match=message):
        dumps(hdr_card(global_pass=GlobalPass.GUIDE, **changes))


def test_a_guide_may_go_with_every_other_input():
    card = restore_card(global_pass=GlobalPass.GUIDE, has_neutral_output=False, has_kept_input=True)
    assert card.tile_inputs == ("picture", "condition", "guide", "kept")
    assert card.global_inputs == ("thumbnail", "condition")
    assert loads(dumps(card)) == card


def test_graphs_are_named_in_the_order_of_their_inputs():
    card = restore_card()
    assert card.tile_inputs == ("picture", "condition", "vector")
    assert card.global_inputs == ("thumbnail", "condition")
    assert card.global_outputs == ("vector", "neutral")
    assert plain_card().tile_inputs == ("picture",)
    assert plain_card().global_inputs == plain_card().global_outputs == ()


def test_an_exact_pass_reads_the_picture_itself():
    card = plain_card(global_pass=GlobalPass.EXACT, vector_size=4, graphs=None)
    assert (card.global_inputs, card.global_outputs) == (("picture",), ("context",))


def test_the_contract_leaves_out_files_and_measurements():
    card = restore_card()
    other = replace(card, measured=(), graphs=GraphPair(graph("x.onnx"), graph("y.onnx")))
    assert card.contract() == other.contract()
    assert card.contract() != replace(card, halo=24).contract()
