"""Trains the models that come with Photogram, from drawings: `python -m tools.bundled_models`."""
