import pytest

from graph.define import spec_of
from nodes.merge import (
    SD1_BLOCKS,
    SDXL_BLOCKS,
    clip_merge_add,
    clip_merge_simple,
    clip_merge_subtract,
    model_merge_add,
    model_merge_blocks,
    model_merge_sd1,
    model_merge_sd2,
    model_merge_sdxl,
    model_merge_simple,
    model_merge_subtract,
)
from tests import tiny


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory):
    """A small checkpoint."""
    return tiny.library(tiny.models(tmp_path_factory.mktemp("models"))).checkpoint(tiny.CHECKPOINT)


def shares(model, name: str) -> tuple[float, float]:
    """What the last patch takes of each for one weight."""
    return tuple(model.patches[-1].shares[name])


@pytest.mark.parametrize(
    ("merge", "own", "other"),
    [
        (lambda a, b: model_merge_simple(a, b, 0.25), 0.25, 0.75),
        (lambda a, b: model_merge_subtract(a, b, 2.0), 2.0, -2.0),
        (model_merge_add, 1.0, 1.0),
        (lambda a, b: model_merge_blocks(a, b, 0.25, 1.0, 1.0), 0.25, 0.75),
        (lambda a, b: model_merge_sd1(a, b, **{"input_blocks.0.": 0.25}), 0.25, 0.75),
        (lambda a, b: model_merge_sd2(a, b, **{"input_blocks.0.": 0.25}), 0.25, 0.75),
        (lambda a, b: model_merge_sdxl(a, b, **{"input_blocks.0": 0.25}), 0.25, 0.75),
    ],
)
def test_models_are_mixed(checkpoint, merge, own, other):
    assert shares(merge(checkpoint.model, checkpoint.model), "conv_in.weight") == (own, other)


@pytest.mark.parametrize(
    ("merge", "own", "other"),
    [
        (lambda a, b: clip_merge_simple(a, b, 0.25), 0.25, 0.75),
        (lambda a, b: clip_merge_subtract(a, b, 2.0), 2.0, -2.0),
        (clip_merge_add, 1.0, 1.0),
    ],
)
def test_text_encoders_are_mixed(checkpoint, merge, own, other):
    (tower,) = merge(checkpoint.text_encoder, checkpoint.text_encoder).towers
    assert shares(tower, "final_layer_norm.weight") == (own, other)


@pytest.mark.parametrize(("node", "blocks"), [(model_merge_sd1, SD1_BLOCKS), (model_merge_sdxl, SDXL_BLOCKS)])
def test_there_is_a_ratio_for_each_block(node, blocks):
    assert [each.name for each in spec_of(node).inputs] == ["model1", "model2", *blocks]
