import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diffusion.lycoris import (
    KINDS,
    cayley,
    decomposed,
    generalised,
    hadamard,
    kronecker,
    low_rank,
    plain,
    replacement,
    rotation,
)

RANDOM = torch.Generator().manual_seed(4)
WEIGHT = torch.randn(8, 6, generator=RANDOM)
KERNEL = torch.randn(8, 6, 3, 3, generator=RANDOM)


def some(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=RANDOM)


def made(kind, weight: torch.Tensor = WEIGHT, strength: float = 1.0, **tensors: torch.Tensor) -> torch.Tensor:
    """The weight changed by one kind, which must take all tensors and know the weight's size."""
    rest = dict(tensors)
    ((suffix, sized),) = kind(rest)
    assert (suffix, rest) == (".weight", {})
    assert sized.rows == weight.shape[0] and sized.columns in (None, weight[0].numel())
    return plain(sized)(weight, strength)


def test_a_lora_is_a_product_scaled_by_alpha_over_rank():
    up, down = some(8, 2), some(2, 6)
    changed = made(low_rank, up=up, down=down, alpha=torch.tensor(1.0))
    assert torch.allclose(changed, WEIGHT + up @ down / 2, atol=1e-6)


def test_a_lora_with_a_core_is_contracted():
    up, mid, down = some(8, 2, 1, 1), some(2, 3, 3, 3), some(3, 6, 1, 1)
    expected = KERNEL + torch.einsum("or,rskl,si->oikl", up[..., 0, 0], mid, down[..., 0, 0])
    assert torch.allclose(made(low_rank, KERNEL, up=up, mid=mid, down=down), expected, atol=1e-5)


def test_a_loha_multiplies_two_products_cell_by_cell():
    a, b, c, d = some(8, 2), some(2, 6), some(8, 2), some(2, 6)
    tensors = {"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d, "alpha": torch.tensor(4.0)}
    assert torch.allclose(made(hadamard, **tensors), WEIGHT + (a @ b) * (c @ d) * 2, atol=1e-5)


def test_a_loha_with_cores_makes_kernels():
    names = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")
    a, b, c, d = some(2, 8), some(2, 6), some(2, 8), some(2, 6)
    one, other = some(2, 2, 3, 3), some(2, 2, 3, 3)
    expected = torch.einsum("ijkl,ip,jr->prkl", one, a, b) * torch.einsum("ijkl,ip,jr->prkl", other, c, d)
    tensors = dict(zip(names, (a, b, c, d), strict=True)) | {"hada_t1": one, "hada_t2": other}
    assert torch.allclose(made(hadamard, KERNEL, **tensors), KERNEL + expected, atol=1e-4)


def test_a_lokr_is_a_kronecker_product():
    one, other = some(2, 3), some(4, 2)
    changed = made(kronecker, lokr_w1=one, lokr_w2=other, alpha=torch.tensor(7.0))
    assert torch.allclose(changed, WEIGHT + torch.kron(one, other), atol=1e-6)


def test_a_factorised_lokr_is_scaled_by_its_rank():
    one, narrow, wide = some(2, 3), some(4, 2), some(2, 2)
    tensors = {"lokr_w1": one, "lokr_w2_a": narrow, "lokr_w2_b": wide, "alpha": torch.tensor(1.0)}
    assert torch.allclose(made(kronecker, **tensors), WEIGHT + torch.kron(one, narrow @ wide) / 2, atol=1e-5)


def test_a_lokr_on_a_convolution_repeats_the_kernel():
    one, other = some(2, 3), some(4, 2, 3, 3)
    expected = KERNEL + torch.kron(one[..., None, None], other)
    assert torch.allclose(made(kronecker, KERNEL, lokr_w1=one, lokr_w2=other), expected, atol=1e-5)


def test_a_lokr_with_a_core_makes_kernels():
    core, narrow, wide = some(1, 2, 3, 3), some(1, 4), some(2, 2)
    large = torch.einsum("ijkl,ip,jr->prkl", core, narrow, wide).contiguous()
    one = some(2, 3)
    tensors = {"lokr_w1": one, "lokr_t2": core, "lokr_w2_a": narrow, "lokr_w2_b": wide}
    expected = KERNEL + torch.kron(one[..., None, None], large)
    assert torch.allclose(made(kronecker, KERNEL, **tensors), expected, atol=1e-5)


def test_a_glora_turns_the_weight_and_adds():
    a, b, c, d = some(6, 2), some(2, 6), some(8, 2), some(2, 6)
    expected = WEIGHT + (WEIGHT @ a @ b + c @ d) * 1.5
    assert torch.allclose(
        made(generalised, a1=a, a2=b, b1=c, b2=d, alpha=torch.tensor(3.0)), expected, atol=1e-4
    )


@pytest.mark.parametrize("weight", [WEIGHT, torch.eye(6)])
def test_the_older_layout_of_glora_holds_the_factors_in_reverse(weight):
    a, b, c, d = some(6, 2), some(2, 6), some(len(weight), 2), some(2, 6)
    newer = made(generalised, weight, a1=a, a2=b, b1=c, b2=d)
    assert torch.equal(made(generalised, weight, a1=b, a2=a, b1=d, b2=c), newer)


def test_a_glora_turns_a_convolution_s_channels():
    a, b, c, d = some(6, 2, 1, 1), some(2, 6, 1, 1), some(8, 2, 1, 1), some(2, 6, 3, 3)
    turned = torch.einsum("oikl,ij->ojkl", KERNEL, a.flatten(1) @ b.flatten(1))
    expected = KERNEL + turned + torch.einsum("or,rikl->oikl", c.flatten(1), d)
    assert torch.allclose(made(generalised, KERNEL, a1=a, a2=b, b1=c, b2=d), expected, atol=1e-4)


@given(st.integers(1, 5))
def test_what_cayley_makes_are_rotations(size):
    turn = cayley(torch.randn(size, size), 0.0)
    assert torch.allclose(turn @ turn.T, torch.eye(size), atol=1e-4)
    assert torch.linalg.det(turn) > 0


def test_a_limit_holds_rotations_back():
    blocks = some(3, 3) * 100
    assert (cayley(blocks, 1e-3) - torch.eye(3)).norm() < 0.01


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 2, 2), (2, 4, 2, 2), (1, 2, 4, 4)])
@pytest.mark.parametrize("weight", [WEIGHT, KERNEL])
def test_a_rotation_keeps_the_length_of_every_column(shape, weight):
    changed = made(rotation, weight, oft_blocks=some(*shape))
    assert torch.allclose(changed.flatten(1).norm(dim=0), weight.flatten(1).norm(dim=0), atol=1e-4)
    assert not torch.allclose(changed, weight, atol=0.1)


def test_blocks_of_zeros_turn_nothing():
    assert torch.allclose(made(rotation, oft_blocks=torch.zeros(2, 4, 4)), WEIGHT, atol=1e-6)


def test_each_block_of_rows_is_turned_by_its_own_rotation():
    blocks = torch.stack((some(4, 4), torch.zeros(4, 4)))
    changed = made(rotation, oft_blocks=blocks)
    assert torch.allclose(changed[:4], cayley(blocks[0], 0.0).T @ WEIGHT[:4], atol=1e-5)
    assert torch.allclose(changed[4:], WEIGHT[4:], atol=1e-6)


def test_a_second_layer_turns_rows_that_lie_further_apart():
    blocks = torch.zeros(2, 4, 2, 2)
    blocks[1, 0, 0, 1] = 1.0
    changed = made(rotation, oft_blocks=blocks)
    assert (changed - WEIGHT).abs().amax(dim=1).nonzero().flatten().tolist() == [0, 2]


def test_the_strength_of_a_rotation_acts_twice():
    blocks = some(2, 4, 4)
    whole, half = made(rotation, oft_blocks=blocks), made(rotation, strength=0.5, oft_blocks=blocks)
    assert torch.allclose(half - WEIGHT, (whole - WEIGHT) / 4, atol=1e-5)


def test_rows_are_rescaled_after_they_were_turned():
    changed = made(rotation, oft_blocks=torch.zeros(2, 4, 4), rescale=torch.full((8, 1), 2.0))
    assert torch.allclose(changed, 2 * WEIGHT, atol=1e-5)


@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_a_set_weight_takes_the_other_s_place_at_any_strength(strength):
    other = some(8, 6)
    assert torch.allclose(made(replacement, strength=strength, set_weight=other), other, atol=1e-5)


def test_lengths_of_rows_are_measured_before_the_change():
    delta, lengths = some(8, 6), some(8, 1).abs()
    changed = decomposed(lambda weight, strength: delta, lengths)(WEIGHT, 1.0)
    expected = (WEIGHT + delta) * lengths / WEIGHT.norm(dim=1, keepdim=True)
    assert torch.allclose(changed, expected, atol=1e-5)


def test_lengths_of_columns_are_measured_after_the_change():
    lengths = some(1, 6).abs()
    changed = decomposed(lambda weight, strength: torch.ones_like(weight), lengths)(KERNEL, 1.0)
    assert torch.allclose(changed.transpose(0, 1).flatten(1).norm(dim=1), lengths[0], atol=1e-4)


def test_half_the_strength_goes_half_the_way_to_the_new_lengths():
    change = decomposed(lambda weight, strength: torch.ones_like(weight), some(8))
    assert torch.allclose(change(WEIGHT, 0.5), (WEIGHT + change(WEIGHT, 1.0)) / 2, atol=1e-5)


def test_tensors_of_another_kind_are_left_alone():
    tensors = {"unknown": WEIGHT}
    assert [found for kind in KINDS for found in kind(tensors)] == [] and tensors


@pytest.mark.parametrize("kind", [hadamard, kronecker, generalised])
def test_a_change_leaves_the_file_s_tensors_alone(kind):
    names = {
        hadamard: ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"),
        kronecker: ("lokr_w1", "lokr_w2"),
        generalised: ("a1", "a2", "b1", "b2"),
    }[kind]
    tensors = {name: some(4, 4) for name in names} | {"alpha": torch.tensor(2.0)}
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    for _, sized in kind(dict(tensors)):
        plain(sized)(some(sized.rows, sized.columns), 0.5)
    assert all(torch.equal(tensors[name], before[name]) for name in tensors)


def test_a_lora_s_delta_is_the_product_it_adds():
    ((_, sized),) = low_rank({"up": some(8, 2), "down": some(2, 6), "alpha": torch.tensor(3.0)})
    assert torch.allclose(plain(sized)(WEIGHT, 0.5), WEIGHT + sized.delta(WEIGHT, 0.5) / 2, atol=1e-6)
