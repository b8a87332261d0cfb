"""Sizes of J4 that cannot be built are refused."""

import pytest

from rawtool.nets.raw_metadata_plan import Plan


@pytest.mark.parametrize("sizes", [{"width": 8}, {"width": 36}, {"n_groups": 0}])
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="groups"):
        Plan(**sizes)


def test_the_published_sizes_are_the_defaults():
    plan = Plan()

    assert (plan.width, plan.latents, plan.n_groups, plan.channels, plan.edge_channels) == (64, 8, 4, 3, 3)


def test_the_last_group_needs_no_mask_where_it_takes_the_rest():
    assert Plan(n_groups=4).n_masks == 3
    assert Plan(n_groups=4, takes_rest=False).n_masks == 4
    assert Plan(n_groups=1).n_masks == 0
