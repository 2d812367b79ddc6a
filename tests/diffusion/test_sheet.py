import pytest
import torch

from diffusion.errors import DiffusionError
from diffusion.sheet import GAP, LINES, Labels, font_for, legible, sheet, wrapped


def colour(red, green, blue, height=20, width=30, batch=1):
    return torch.tensor([red, green, blue], dtype=torch.float32).expand(batch, height, width, 3)


def places(page, red, green, blue):
    """Where a colour is: the mean column and row, as parts of the sheet."""
    rows, columns = torch.where((page[0] - torch.tensor([red, green, blue])).abs().amax(-1) < 0.01)
    return columns.float().mean() / page.shape[2], rows.float().mean() / page.shape[1]


def test_pictures_lie_row_by_row():
    page = sheet(
        [colour(1, 0, 0), colour(0, 1, 0), colour(0, 0, 1), colour(1, 1, 0)], Labels(("a", "b"), ("1", "2"))
    )
    red, green, blue, yellow = (places(page, *each) for each in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)))
    assert red[0] == blue[0] < green[0] == yellow[0]
    assert red[1] == green[1] < blue[1] == yellow[1]


def test_labels_are_written_in_the_margins():
    page = sheet([colour(1, 0, 0)], Labels(("cfg 4",), ("steps 20",)))
    plain = sheet([colour(1, 0, 0)], Labels(("",), ("",)))
    dark = (page[0] < 0.3).all(-1)
    assert dark.any()
    assert not (plain[0] < 0.3).all(-1).any()


@pytest.mark.parametrize("width", [128, 256, 384])
def test_labels_are_an_eighth_of_a_picture_high_so_that_they_are_read_on_a_small_sheet(width):
    assert font_for(width).size == width / 8


def test_a_batch_lies_side_by_side_in_its_cell():
    wide = sheet([colour(1, 0, 0, batch=3)], Labels(("a",)))
    assert wide.shape[2] - sheet([colour(1, 0, 0)], Labels(("a",))).shape[2] == 60


def test_smaller_pictures_are_centred():
    page = sheet([colour(1, 0, 0, 10, 10), colour(0, 0, 1, 40, 40)], Labels(("", "")))
    assert places(page, 1, 0, 0)[1] == pytest.approx(places(page, 0, 0, 1)[1].item(), abs=0.02)


def test_masks_and_transparent_pictures_have_their_place():
    page = sheet([torch.zeros(1, 8, 8, 1), torch.ones(1, 8, 8, 4)], Labels(("a", "b")))
    assert page.shape[-1] == 3


def test_too_few_pictures_are_told_with_both_numbers():
    with pytest.raises(DiffusionError, match="2 x 1 cells, but 1 pictures"):
        sheet([colour(1, 0, 0)], Labels(("a", "b")))


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "euler_ancestral_cfg_pp"])
def test_the_name_of_a_sampler_is_read_in_full_over_a_small_picture(sampler):
    assert "".join(wrapped(f"sampler {sampler}", font_for(128), 128).split("\n")) == f"sampler{sampler}"


def test_a_label_breaks_at_spaces_then_after_marks_then_anywhere():
    font = font_for(128)
    assert wrapped("sampler dpmpp_2m", font, 128) == "sampler\ndpmpp_2m"
    assert wrapped("euler_ancestral_cfg_pp", font, 128) == "euler_ancestral_\ncfg_pp"
    assert wrapped("m" * 12, font, font.getlength("m" * 5)) == "mmmmm\nmmmmm\nmm"


@pytest.mark.parametrize(
    "text", ["a photograph of a red apple on a wooden table, " * 9 + "soft light", "x" * 5000]
)
def test_a_label_too_long_loses_its_middle(text):
    font = font_for(128)
    lines = wrapped(text, font, 128).split("\n")
    assert len(lines) == LINES
    assert max(map(font.getlength, lines)) <= 128
    head, tail = "".join(lines).replace(" ", "").split("…")
    assert text.replace(" ", "").startswith(head)
    assert text.replace(" ", "").endswith(tail)
    assert min(len(head), len(tail)) > 10


def test_letters_lose_accents_that_the_font_lacks():
    assert legible("Café Mu\u0308ller ≠ 日本…") == "Cafe Muller ≠ 日本…"


def test_labels_of_rows_take_no_more_room_than_a_picture():
    cells = [colour(1, 0, 0, 128, 128), colour(0, 0, 1, 128, 128)]
    page = sheet(cells, Labels(("",), ("a photograph of a red apple on a wooden table " * 9, "a fox")))
    assert page.shape[2] <= 2 * (128 + GAP) + 2 * GAP


def test_labels_of_rows_are_no_higher_than_their_pictures():
    cells = [colour(1, 1, 1, 40, 400)] * 2
    page = sheet(cells, Labels(("",), ("a photograph of a red apple on a wooden table " * 9, "")))
    dark = torch.where((page[0] < 0.5).all(-1))[0]
    assert dark.max() - dark.min() <= 40


def test_labels_of_columns_do_not_touch_the_pictures():
    cells = [colour(1, 0, 0, 128, 128), colour(1, 0, 0, 128, 128)]
    page = sheet(cells, Labels(("sampler gpq_2m_sde " * 5, "j")))[0]
    first = torch.where((page == torch.tensor([1.0, 0, 0])).all(-1))[0].min()
    dark = torch.where((page < 0.5).all(-1))[0]
    assert dark.max() < first
    assert dark.min() > 0
