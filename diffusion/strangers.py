"""What a file of weights is when no model family takes it: told by tensors that only such files have."""

import re
from typing import NamedTuple

from diffusion.checkpoint import Header
from diffusion.parts import find_unet


class Stranger(NamedTuple):
    """A kind of file: the keys that give it away as a pattern, what it is, and what to do with it."""

    keys: str
    what: str
    remedy: str = ""


STRANGERS = (
    Stranger(
        r"\.(lora_(up|down|A|B)\b|hada_w1_a|lokr_w[12])",
        "a LoRA",
        "Put it into models/loras and use Load LoRA.",
    ),
    Stranger(
        r"(^|\.)(input_hint_block\.0|controlnet_cond_embedding\.conv_in)\.weight$",
        "a ControlNet",
        "Put it into models/controlnet and use Load ControlNet Model.",
    ),
    Stranger(r"joint_blocks\.0\.context_block\.attn\.qkv\.weight$", "Stable Diffusion 3"),
    Stranger(r"clf\.1\.weight$", "Stable Cascade"),
    Stranger(r"transformer\.rotary_pos_emb\.inv_freq$", "Stable Audio"),
    Stranger(r"double_layers\.0\.attn\.w1q\.weight$", "AuraFlow"),
    Stranger(r"mlp_t5\.0\.weight$", "HunyuanDiT"),
    Stranger(r"txt_in\.individual_token_refiner\.blocks\.0\.norm1\.weight$", "HunyuanVideo"),
    Stranger(r"double_stream_modulation_img\.", "Flux 2"),
    Stranger(r"distilled_guidance_layer\.", "Chroma"),
    Stranger(r"double_blocks\.0\.img_attn\.norm\.key_norm\.scale$", "Flux"),
    Stranger(r"t5_yproj\.weight$", "Mochi"),
    Stranger(r"adaln_single\.emb\.timestep_embedder\.linear_1\.bias$", "LTX-Video"),
    Stranger(r"(^|\.)t_block\.1\.weight$", "PixArt"),
    Stranger(r"cap_embedder\.1\.weight$", "Lumina 2 or Z-Image"),
    Stranger(r"(^|\.)head\.modulation$", "Wan"),
    Stranger(r"caption_projection\.0\.linear\.weight$", "HiDream"),
    Stranger(r"time_caption_embed\.timestep_embedder\.linear_1\.bias$", "OmniGen 2"),
    Stranger(r"(^|\.)txt_norm\.weight$", "Qwen-Image"),
    Stranger(r"visual_transformer_blocks\.0\.cross_attention\.key_norm\.weight$", "Kandinsky 5"),
    Stranger(r"vision_model\.encoder\.layers\.0\.", "an image encoder", "Put it into models/clip_vision."),
    Stranger(
        r"^(text_model\.)?encoder\.layers\.0\.mlp\.fc1\.weight$|^encoder\.block\.0\.layer\.0\.SelfAttention\.q\.weight$",
        "a text encoder",
        "Put it into models/text_encoders and use Load CLIP.",
    ),
    Stranger(
        r"^(first_stage_model\.|vae\.)?decoder\.conv_in\.weight$",
        "a VAE",
        "Put it into models/vae and use Load VAE.",
    ),
    Stranger(r"^(conv_first|model\.0)\.weight$", "an upscaler", "Put it into models/upscale_models."),
)
"""The first one that a file's keys fit wins, so whole models stand before their parts."""


def stranger(header: Header) -> Stranger | None:
    """What a file is that holds no U-Net, but something else that is known; None of any other file."""
    if find_unet(header) is not None:
        return None
    for kind in STRANGERS:
        pattern = re.compile(kind.keys)
        if any(pattern.search(key) for key in header.entries):
            return kind
    return None
