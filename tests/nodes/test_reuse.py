from dataclasses import replace

import pytest

from diffusion.reuse import Reuse
from nodes.reuse import easy_cache, lazy_cache
from tests.diffusion.toy import toy_model


@pytest.mark.parametrize(("node", "guided"), [(easy_cache, False), (lazy_cache, True)])
def test_a_model_knows_when_answers_stand_for_the_next(node, guided):
    model = toy_model()
    changed = node(model, 0.3, 0.2, 0.8, True)
    assert changed.reuse == Reuse(0.3, 0.2, 0.8, guided, True)
    assert replace(changed, reuse=None).network is model.network and model.reuse is None
