"""Published checkpoints: the authors' form is read, and what does not fit is refused in one line."""

from collections import OrderedDict

import pytest

torch = pytest.importorskip("torch")

from rawtool.errors import CorruptFileError, InputError, ModelContractError  # noqa: E402 - after the check
from rawtool.nets.hdrunet import HdrUnet  # noqa: E402
from rawtool.training.importing import import_checkpoint  # noqa: E402


def small():
    return HdrUnet(8, 4, (1, 1, 1))


def write(path, state, *, is_legacy=True):
    torch.save(state, path, _use_new_zipfile_serialization=not is_legacy)
    return path


def random_state(net, prefix=""):
    """What the authors save: an ordered dictionary of tensors, here with weights of its own."""
    generator = torch.Generator().manual_seed(3)
    return OrderedDict(
        (prefix + name, torch.randn(value.shape, generator=generator))
        for name, value in net.state_dict().items()
    )


@pytest.mark.parametrize("is_legacy", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_authors_form_is_loaded(tmp_path, prefix, is_legacy):
    net, state = small(), random_state(small())
    path = write(tmp_path / "net.pth", random_state(net, prefix), is_legacy=is_legacy)

    import_checkpoint(net, path)

    assert (path.read_bytes()[:2] == b"PK") is not is_legacy
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name])


def test_a_checkpoint_of_the_whole_published_network_is_loaded(tmp_path):
    net = HdrUnet()
    path = write(tmp_path / "pretrained_model.pth", random_state(net, "module."))

    import_checkpoint(net, path)

    assert torch.equal(net.conv_last.bias, random_state(net)["conv_last.bias"])


def lose(state):
    del state["conv_last.bias"]


def rename(state):
    state["down_conv3.weight"] = state.pop("down_conv2.weight")


def reshape(state):
    state["HR_conv1.weight"] = torch.zeros(8, 8, 1, 3)


def spoil(state):
    state["mask_est.6.bias"][1] = float("nan")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lose, "HdrUnet: conv_last.bias is missing;"),
        (rename, "down_conv2.weight is missing and 1 more;"),
        (reshape, "HR_conv1.weight is 8 x 8 x 1 x 3, not 8 x 8 x 3 x 3;"),
        (spoil, "mask_est.6.bias holds values that are not numbers;"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line_and_changes_nothing(tmp_path, change, words):
    net = small()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = random_state(net)
    change(state)

    with pytest.raises(ModelContractError) as error:
        import_checkpoint(net, write(tmp_path / "net.pth", state))

    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_wider_network_of_the_same_names_is_refused(tmp_path):
    path = write(tmp_path / "net.pth", random_state(HdrUnet(16, 4, (1, 1, 1))))

    with pytest.raises(ModelContractError, match=r"conv_first\.weight is 16 x 3 x 3 x 3, not 8 x 3 x 3 x 3"):
        import_checkpoint(small(), path)


class Trap:
    def __reduce__(self):
        return print, ("a file must not run code",)


@pytest.mark.parametrize(
    "content",
    [{"state_dict": random_state(HdrUnet(2, 2, (1, 1, 1)))}, [torch.zeros(2)], {"x": 3}, {"x": Trap()}],
    ids=["nested", "a list", "no tensors", "code"],
)
def test_another_kind_of_file_is_refused(tmp_path, capsys, content):
    with pytest.raises(CorruptFileError, match=r"is not a .*; "):
        import_checkpoint(small(), write(tmp_path / "net.pth", content))

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x02", b"a picture, perhaps", b"\xff\xd8\xff\xe1", b"(lp0\n."]
)
def test_a_file_that_torch_did_not_write_is_refused(tmp_path, content):
    path = tmp_path / "net.pth"
    path.write_bytes(content)

    with pytest.raises(CorruptFileError, match="is not a checkpoint of torch"):
        import_checkpoint(small(), path)


def test_a_file_cut_short_is_refused(tmp_path):
    path = write(tmp_path / "net.pth", random_state(small()))
    path.write_bytes(path.read_bytes()[:-400])

    with pytest.raises(CorruptFileError, match="fetch the file again"):
        import_checkpoint(small(), path)


def test_a_missing_file_is_told_from_a_damaged_one(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        import_checkpoint(small(), tmp_path / "net.pth")
