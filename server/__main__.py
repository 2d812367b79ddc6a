"""`python -m server` is `photogram`."""

import sys

from server.cli import main

sys.exit(main())
