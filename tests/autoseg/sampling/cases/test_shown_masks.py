from __future__ import annotations

import numpy as np

from autoseg.sampling.cases.shown_masks import MOST_COMPONENTS, split_mask
from tests.autoseg.sampling.builders import two_blocks
from tests.synthetic.heads import plain_heads


def test_components_are_separated_label_by_label() -> None:
    _, mask = split_mask(two_blocks(), plain_heads(3).targets())
    assert mask.sizes.tolist() == [0, 27, 64, 18]
    assert mask.members.tolist() == [[False, False], [True, False], [True, False], [False, True]]
    assert mask.boxes[2].tolist() == [[10, 10, 8], [14, 14, 12]]


def test_more_specks_than_the_number_type_holds_are_lost_and_not_counted_again() -> None:
    indices = np.zeros((64, 64, 80), dtype=np.uint8)
    indices[::2, ::2, ::2] = 1
    components, mask = split_mask(indices, ((1,),))
    assert int(components.max()) == MOST_COMPONENTS == len(mask.sizes) - 1
    assert not components[indices == 0].any()
