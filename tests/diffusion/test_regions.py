from dataclasses import replace

import pytest
import torch

from diffusion.batching import Network
from diffusion.controlnet import Control, ControlNet, Said
from diffusion.model import Model
from diffusion.regions import Box, placed
from diffusion.values import Conditioning
from tests.diffusion.toy import NOISE, Toy, ToyHandle, latent, prompt, says, toy_model

X = latent(2, 16, 16).samples
SIGMA = NOISE.sigmas[500]
LEFT = (16, 8, 0, 0)


def laid_out(positive, negative):
    return placed((positive,), (negative,), NOISE, X)


def answers(positive, negative=None, sigma=SIGMA, model=None):
    lists = laid_out(positive, negative or says(0))
    return Network(model or toy_model()).predict(X, sigma, lists)


def alone(value, x=X):
    return toy_model().denoised(x, SIGMA, torch.full((len(x), 2, 3), float(value)))


def test_one_prompt_is_asked_as_it_is():
    assert torch.equal(answers(says(0.5))[0], alone(0.5))


def test_prompts_are_averaged_by_strength():
    both = Conditioning((prompt(0, strength=3.0), prompt(1)))
    assert torch.allclose(answers(both)[0], alone(0) * 0.75 + alone(1) * 0.25, atol=1e-6)


def test_the_strength_of_a_single_prompt_cancels_out():
    assert torch.allclose(answers(says(1, strength=0.3))[0], alone(1), atol=1e-6)


@pytest.mark.parametrize(
    ("where", "outside"),
    [({"area": LEFT}, 0), ({"mask": torch.ones(1, 16, 16).triu().mT}, 0), ({}, 1)],
    ids=("area", "mask", "everywhere"),
)
def test_a_prompt_alone_is_the_answer_where_it_acts_and_nothing_is_elsewhere(where, outside):
    (answer, _) = answers(says(5, **where))
    assert torch.allclose(answer[..., 3, 1], alone(5)[..., 3, 1], atol=1e-6)
    assert torch.allclose(answer[..., 3, 12], outside * alone(5)[..., 3, 12], atol=1e-6)


def test_a_prompt_alone_without_strength_is_nothing():
    assert not answers(says(5, strength=0.0))[0].any()


def test_both_lists_share_one_forward():
    model = toy_model()
    answers(says(1), says(0), model=model)
    assert model.network.module.shapes == [(4, 4, 16, 16)]


def test_where_memory_is_short_each_is_asked_on_its_own():
    class Small(Toy):
        def forward(self, scaled, *args, **rest):
            if len(scaled) > 2:
                raise torch.OutOfMemoryError
            return super().forward(scaled, *args, **rest)

    model = toy_model(network=ToyHandle(Small()))
    assert torch.allclose(answers(says(1), says(0), model=model)[0], alone(1), atol=1e-6)


def test_prompts_of_different_lengths_are_repeated_to_share_a_forward():
    model = toy_model()
    answers(says(1, tokens=2), says(0, tokens=3), model=model)
    assert [tokens.shape for tokens in model.network.module.tokens] == [(4, 6, 3)]


def test_prompts_of_very_different_lengths_are_asked_one_by_one():
    model = toy_model()
    answers(says(1, tokens=2), says(0, tokens=11), model=model)
    assert model.network.module.shapes == [(2, 4, 16, 16)] * 2


def test_sharing_a_forward_changes_nothing():
    together = answers(says(1, tokens=2), says(0, tokens=3))
    apart = [answers(says(1, tokens=2))[0], answers(says(0, tokens=3))[0]]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(together, apart, strict=True))


@pytest.mark.parametrize(
    ("start", "end", "acts"), [(0, 1, True), (0.6, 1, False), (0, 0.4, False), (0.4, 0.6, True)]
)
def test_a_prompt_acts_only_in_its_part_of_the_sampling(start, end, acts):
    assert bool(answers(says(0.5, start=start, end=end))[0].any()) is acts


def test_an_area_is_cropped_for_the_network():
    model = toy_model()
    answers(says(1, area=LEFT), says(0, area=LEFT), model=model)
    assert model.network.module.shapes == [(4, 4, 16, 8)]


def test_outside_every_area_the_answer_is_nothing():
    assert not answers(says(1, area=LEFT), says(0, area=LEFT))[0][..., 8:].any()


def test_an_area_with_a_background_blends_over_its_inner_edge():
    both = Conditioning((prompt(0), prompt(1, area=LEFT)))
    weight = torch.tensor([1, 1, 1, 1, 1, 1, 1, 0.5] + [0] * 8) / torch.tensor([2.0] * 7 + [1.5] + [1] * 8)
    expected = alone(0) * (1 - weight) + alone(1) * weight
    assert torch.allclose(answers(both)[0], expected, atol=1e-6)


def test_an_area_of_a_prompt_is_mirrored_into_the_other_list():
    _, negative = laid_out(Conditioning((prompt(0), prompt(1, area=LEFT))), says(5))
    assert [(region.area, float(region.prompt.tokens.mean())) for region in negative] == [
        (None, 5.0),
        (Box(*LEFT), 5.0),
    ]


def test_a_mirrored_area_speaks_for_the_smallest_region_that_holds_it():
    nearby = Conditioning((prompt(5), prompt(6, area=(16, 12, 0, 0))))
    _, negative = laid_out(says(1, area=LEFT), nearby)
    assert float(negative[-1].prompt.tokens.mean()) == 6.0


def test_an_area_both_lists_have_is_not_mirrored():
    positive, negative = laid_out(says(1, area=LEFT), says(0, area=LEFT))
    assert (len(positive), len(negative)) == (1, 1)


def test_an_area_may_be_told_in_fractions():
    positive, _ = laid_out(says(1, area=(0.5, 0.25, 0.5, 0), area_is_fraction=True), says(0))
    assert positive[0].area == Box(8, 4, 8, 0)


def test_an_area_beyond_the_picture_is_cut_to_fit():
    positive, _ = laid_out(says(1, area=(99, 99, 4, 30)), says(0))
    assert positive[0].area == Box(12, 1, 4, 15)


def test_a_mask_weighs_a_prompt_cell_by_cell():
    mask = torch.zeros(1, 16, 16)
    mask[..., :4] = 1
    both = Conditioning((prompt(0), prompt(1, mask=mask)))
    answer = answers(both)[0]
    assert torch.allclose(answer[..., :4], (alone(0) + alone(1))[..., :4] / 2, atol=1e-6)
    assert torch.allclose(answer[..., 4:], alone(0)[..., 4:], atol=1e-6)


def rest(value, **changes):
    return prompt(value, fills_rest=True, **changes)


def test_a_prompt_that_fills_the_rest_acts_as_much_as_the_others_leave_room():
    mask = torch.zeros(1, 16, 16)
    mask[:, :, :8], mask[:, 8:, :8] = 1, 0.25
    answer = answers(Conditioning((prompt(2, mask=mask), rest(-1))))[0]
    assert torch.allclose(answer[..., :8, :8], alone(2)[..., :8, :8], atol=1e-6)
    assert torch.allclose(answer[..., 8:], alone(-1)[..., 8:], atol=1e-6)
    mixed = alone(2) * 0.25 + alone(-1) * 0.75
    assert torch.allclose(answer[..., 8:, :8], mixed[..., 8:, :8], atol=1e-6)


def test_where_the_others_leave_no_room_the_network_is_not_even_asked():
    model = toy_model()
    answers(Conditioning((prompt(2), rest(-1))), model=model)
    assert model.network.module.shapes == [(4, 4, 16, 16)]


def test_alone_or_when_the_others_do_not_act_it_fills_everything():
    assert torch.allclose(answers(Conditioning((rest(1),)))[0], alone(1), atol=1e-6)
    late = prompt(5, start=0.9)
    assert torch.allclose(answers(Conditioning((late, rest(1))))[0], alone(1), atol=1e-6)


def test_an_area_s_soft_edge_is_filled_up():
    both = Conditioning((prompt(2, area=LEFT), rest(-1)))
    answer = answers(both)[0]
    assert torch.allclose(answer[..., 8:], alone(-1)[..., 8:], atol=1e-6)
    assert torch.equal(answers(Conditioning((prompt(2), prompt(1), rest(-1))))[0], answers(says(2, 1))[0])


def test_a_mask_can_set_the_area_to_its_bounding_box():
    mask = torch.zeros(1, 16, 16)
    mask[:, 5:15, 2:4] = 1
    positive, _ = laid_out(says(1, mask=mask, mask_sets_area=True), says(0))
    assert positive[0].area == Box(10, 8, 5, 2)


def test_an_empty_mask_sets_a_small_area_at_the_corner():
    positive, _ = laid_out(says(1, mask=torch.zeros(1, 16, 16), mask_sets_area=True), says(0))
    assert positive[0].area == Box(8, 8, 0, 0)


def test_tokens_of_a_batch_go_to_the_images_in_turn():
    tokens = torch.stack((torch.full((2, 3), 0.0), torch.full((2, 3), 1.0)))
    batch = says(0).each(lambda entry: replace(entry, tokens=tokens))
    assert torch.allclose(answers(batch)[0], torch.cat((alone(0, X[:1]), alone(1, X[1:]))), atol=1e-6)


def test_each_row_is_given_its_own_controls():
    seen = []

    class Watched(Model):
        def denoised(self, *args, **rest):
            seen.append((args[4], rest["unwanted"]))
            return super().denoised(*args[:4])

    model = toy_model()
    watched = Watched(model.family, model.noise, model.prediction, model.network)
    hint = control()
    answers(says(1, controls=(hint,)), says(0), model=watched)
    assert seen == [([(hint,), (hint,), (), ()], [False, True])]


def control(**changes) -> Control:
    """A control that nobody asks."""
    return Control(ControlNet(ToyHandle(), None), X, **changes)


def controls_of(positive, negative):
    """The controls of each entry of what is not wanted."""
    return [region.prompt.controls for region in laid_out(positive, negative)[1]]


def test_a_control_that_acts_everywhere_steers_what_is_not_wanted_too():
    hint, own = control(everywhere=True), control()
    assert controls_of(says(1, controls=(hint,)), says(0)) == [(hint,)]
    assert controls_of(says(1, controls=(own,)), says(0)) == [()]
    assert controls_of(says(1, controls=(hint,)), says(0, controls=(own,))) == [(own,)]


def test_a_control_that_acts_everywhere_leaves_areas_alone():
    hint = control(everywhere=True)
    negative = Conditioning((*says(0, area=LEFT).entries, *says(0).entries))
    assert controls_of(says(1, controls=(hint,)), negative) == [(), (hint,)]


def test_the_controls_of_a_prompt_are_told_its_text_for_controls():
    said = Said(torch.ones(1, 2, 3))
    positive, negative = laid_out(
        says(1, controls=(control(),), control_text=said), says(0, controls=(control(),))
    )
    assert [each.said for each in positive[0].prompt.controls] == [said]
    assert [each.said for each in negative[0].prompt.controls] == [None]
