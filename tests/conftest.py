"""Settings for all tests: none depends on how fast the machine is at the moment."""

import os

from hypothesis import settings

# Set before torch is imported: threads that spin while they wait slow each other down on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("photogram", deadline=None, max_examples=50)
settings.load_profile("photogram")
