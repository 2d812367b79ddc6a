"""Prompts with boxes that say what should be where, and the empty ones of the others in a run."""

from collections.abc import Sequence
from dataclasses import replace

from diffusion.errors import DiffusionError, FamilyMismatch
from diffusion.gligen import MOST_BOXES, Gligen, Grounding, TextBox, places
from diffusion.memory import Handle
from diffusion.values import Conditioning, Prompt


def boxed(conditioning: Conditioning, gligen: Gligen, box: TextBox) -> Conditioning:
    """A conditioning with one more box; where another GLIGEN read the boxes before, this one does now.

    Raises FamilyMismatch if the text is of an encoder that GLIGEN does not read, DiffusionError if there are
    more boxes than it was made for.
    """
    if box.text.shape[-1] != gligen.text_width:
        raise FamilyMismatch(
            f"{gligen.gates.file.path.name} reads texts of {gligen.text_width} numbers, but this text "
            f"encoder tells them in {box.text.shape[-1]}.",
            "Connect the text encoder of a Stable Diffusion 1 model, for which GLIGEN was made.",
        )

    def longer(entry: Prompt) -> Prompt:
        before = entry.grounding.boxes if entry.grounding else ()
        if len(before) >= MOST_BOXES:
            raise DiffusionError(
                f"This prompt has {len(before)} boxes already, and GLIGEN reads no more than {MOST_BOXES}.",
                "Leave out a box, or say it in the prompt.",
            )
        return replace(entry, grounding=Grounding(gligen, (*before, box)))

    return conditioning.each(longer)


def grounded(
    network: Handle, wanted: Sequence[Conditioning], unwanted: Sequence[Conditioning]
) -> tuple[Sequence[Conditioning], Sequence[Conditioning]]:
    """The prompts of a run as GLIGEN is shown them: where one wanted has boxes, all others have empty ones.

    What is unwanted has empty ones even if it was given some.
    """
    entries = [entry for each in (*wanted, *unwanted) for entry in each.entries]
    found = [entry.grounding for entry in entries if entry.grounding]
    if not found:
        return wanted, unwanted
    where = {each.gligen: places(each.gligen, network) for each in found}
    first = next((entry.grounding for each in wanted for entry in each.entries if entry.grounding), None)

    def shown(entry: Prompt, keeps: bool) -> Prompt:
        own = entry.grounding or first
        if own is None:
            return entry
        boxes = entry.grounding.boxes if entry.grounding and keeps else ()
        return replace(entry, grounding=Grounding(own.gligen, boxes, where[own.gligen]))

    return (
        [each.each(lambda entry: shown(entry, True)) for each in wanted],
        [each.each(lambda entry: shown(entry, False)) for each in unwanted],
    )
