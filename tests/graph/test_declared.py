import pytest

from graph.declared import declared
from graph.node import Grows, Input, Option, Widget

ROW = Input("images", "IMAGE", grows=Grows("image", least=2, most=4))
NAMED = Input("parts", "IMAGE", grows=Grows("", names=("left", "right")))
INNER = Input(
    "crop",
    "COMBO",
    Widget("choice", options=("yes", "no")),
    options=(Option("yes", (Input("edge", "INT"),)), Option("no")),
)
VARIANT = Input("how", "COMBO", options=(Option("by", (Input("factor", "FLOAT"),)), Option("to", (INNER,))))


@pytest.mark.parametrize(
    ("item", "given", "names"),
    [
        (ROW, {}, ["images.image0", "images.image1"]),
        (ROW, {"images.image2": None}, ["images.image0", "images.image1", "images.image2"]),
        (ROW, {"images.image9": None, "images.imagex": 1}, ["images.image0", "images.image1"]),
        (NAMED, {"parts.right": None}, ["parts.right"]),
        (VARIANT, {}, ["how", "how.factor"]),
        (VARIANT, {"how": "to"}, ["how", "how.crop", "how.crop.edge"]),
        (VARIANT, {"how": "to", "how.crop": "no"}, ["how", "how.crop"]),
        (VARIANT, {"how": "neither"}, ["how"]),
    ],
)
def test_rows_and_variants_are_written_out_by_what_is_given(item, given, names):
    assert list(declared([item], given)) == names


def test_members_beyond_the_least_are_optional():
    row = declared([ROW], {"images.image2": None})
    assert [item.optional for item in row.values()] == [False, False, True]
