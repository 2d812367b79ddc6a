"""Nodes that steer a diffusion model with a picture."""

from dataclasses import replace
from typing import Annotated, NamedTuple

from diffusion.controlnet import KINDS, Control, ControlNet, Said, completed
from diffusion.encode import encode
from diffusion.library import ModelLibrary
from diffusion.model import Model, TextEncoder, Vae
from diffusion.values import Conditioning, Image
from graph.define import node
from graph.widgets import FileIn, OneOf, Range, Text

Strength = Annotated[float, Range(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Range(0.0, 1.0, step=0.001)]


class Steered(NamedTuple):
    """Both conditionings with the control attached."""

    positive: Conditioning
    negative: Conditioning


@node(
    "ControlNetApplyAdvanced",
    category="conditioning/controlnet",
    title="Apply ControlNet",
    outputs=("positive", "negative"),
)
def apply_controlnet(
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Image,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    vae: Vae | None = None,  # noqa: ARG001  only controls that work on latents read it
) -> Steered:
    """Steer a diffusion model with a hint picture, such as edges or depth. Several can be chained.

    Args:
        positive: The prompt that is wanted.
        negative: The prompt that is not.
        control_net: The network that reads the hint.
        image: The hint picture.
        strength: How strongly it steers.
        start_percent: The part of the sampling after which it acts, 0 from the beginning.
        end_percent: The part of the sampling until which it acts, 1 to the end.
        vae: Only for controls that read a latent.
    """
    if strength == 0:
        return Steered(positive, negative)
    control = control_net.control(image, strength, start_percent, end_percent)
    return Steered(steered(positive, control), steered(negative, control))


def steered(conditioning: Conditioning, control: Control) -> Conditioning:
    """A conditioning with one more control."""
    return conditioning.each(lambda entry: replace(entry, controls=(*entry.controls, control)))


@node(
    "ControlNetApplySD3",
    category="conditioning/controlnet",
    title="Apply Controlnet with VAE",
    outputs=("positive", "negative"),
    deprecated=True,
)
def apply_controlnet_with_vae(
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    vae: Vae,
    image: Image,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
) -> Steered:
    """Steer a diffusion model with a hint picture, as Apply ControlNet does.

    Args:
        positive: The prompt that is wanted.
        negative: The prompt that is not.
        control_net: The network that reads the hint.
        vae: Only for controls that read a latent.
        image: The hint picture.
        strength: How strongly it steers.
        start_percent: The part of the sampling after which it acts, 0 from the beginning.
        end_percent: The part of the sampling until which it acts, 1 to the end.
    """
    return apply_controlnet(positive, negative, control_net, image, strength, start_percent, end_percent, vae)


@node(
    "ControlNetApply",
    category="conditioning/controlnet",
    title="Apply ControlNet (OLD)",
    outputs=("CONDITIONING",),
    deprecated=True,
)
def apply_controlnet_old(
    conditioning: Conditioning, control_net: ControlNet, image: Image, strength: Strength = 1.0
) -> Conditioning:
    """Steer a diffusion model with a hint picture, also for a negative prompt without a control of its own.

    Args:
        conditioning: The prompt that is wanted.
        control_net: The network that reads the hint.
        image: The hint picture.
        strength: How strongly it steers.

    Returns:
        The prompt with the control.
    """
    if strength == 0:
        return conditioning
    return steered(conditioning, replace(control_net.control(image, strength), everywhere=True))


@node(
    "SetUnionControlNetType",
    category="conditioning/controlnet",
    title="Set Union ControlNet Type",
    outputs=("CONTROL_NET",),
)
def set_union_controlnet_type(
    control_net: ControlNet, type: Annotated[str, OneOf(("auto", *KINDS))] = "auto"
) -> ControlNet:
    """Tell a ControlNet for several kinds of hints which kind it gets.

    Args:
        control_net: The network that reads the hint.
        type: The kind of hint; auto leaves it to the network.

    Returns:
        The network for that kind.
    """
    return control_net.of_kind(type)


@node(
    "CLIPTextEncodeControlnet",
    category="_for_testing/conditioning",
    outputs=("CONDITIONING",),
    experimental=True,
)
def encode_for_controlnets(
    clip: TextEncoder, conditioning: Conditioning, text: Annotated[str, Text(multiline=True, dynamic=True)]
) -> Conditioning:
    """Tell the ControlNets of a prompt something else than the prompt.

    Args:
        clip: The text encoder of the model that is guided.
        conditioning: The prompt.
        text: What the ControlNets are told.

    Returns:
        The prompt, with a text for its ControlNets.
    """
    entry = encode(clip, text).entries[0]
    said = Said(entry.tokens, entry.pooled)
    return conditioning.each(lambda each: replace(each, control_text=said))


@node(
    "DiffControlNetLoader",
    category="loaders",
    title="Load ControlNet Model (diff)",
    outputs=("CONTROL_NET",),
)
def load_diff_controlnet(
    model: Model, control_net_name: Annotated[str, FileIn("controlnet")], *, library: ModelLibrary
) -> ControlNet:
    """Load a ControlNet whose file holds only the difference to a model.

    Args:
        model: That model.
        control_net_name: The file, in the controlnet folder.

    Returns:
        The complete ControlNet.
    """
    return completed(library.controlnet(control_net_name), model.network)
