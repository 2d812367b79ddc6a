"""From a file of weights to a latent and a picture.

No graph, no server: this package may import torch, diffusers, transformers, safetensors, numpy, Pillow and
PyAV.
Start with `values.py` (what travels), `model.py` (handles on weights) and `sample.py` (the loop).
"""
