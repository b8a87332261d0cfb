import numpy as np

from rawtool.runtime import layout


def test_channels_come_first_for_the_network_and_last_for_the_picture():
    picture = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    tensor = layout.network_from_picture(picture)
    assert tensor.shape == (1, 3, 2, 4)
    assert tensor[0, 2, 1, 3] == picture[1, 3, 2]
    assert np.array_equal(layout.picture_from_network(tensor), picture)


def test_network_tensors_are_contiguous_float32():
    tensor = layout.network_from_picture(np.zeros((4, 6, 3))[::2])
    assert tensor.flags.c_contiguous
    assert tensor.dtype == np.float32
    assert layout.network_from_vector(np.zeros(5)).shape == (1, 5)
