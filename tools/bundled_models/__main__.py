"""Train the bundled models: `python -m tools.bundled_models --minutes 150 [--from CHECKPOINT]`.

Everything is kept in the folder of `--work`: stopped and started again, it goes on where it was.
`--rehearse` does every step
for seconds, to see that all of it runs; what it makes is of no use.
"""

import argparse
from pathlib import Path

from tools.bundled_models import packages
from tools.bundled_models.packages import ROOT, cache_folder
from tools.bundled_models.pipeline import Pipeline


def main() -> None:
    """Read the command line and run every stage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=150.0, help="of training in all, shared by the stages"
    )
    parser.add_argument(
        "--from", dest="start", type=Path, help="a checkpoint to improve, instead of random weights"
    )
    parser.add_argument(
        "--work", type=Path, default=cache_folder(), help="packages, unfinished and finished files"
    )
    parser.add_argument("--only", nargs="*", help="some of the stages: " + " ".join(Pipeline.STAGES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--rehearse", action="store_true", help="one minute instead of --minutes, and few pictures"
    )
    parser.add_argument("--install", action="store_true", help=f"copy what was made into {ROOT / 'models'}")
    options = parser.parse_args()
    minutes = 1.0 if options.rehearse else options.minutes
    pipeline = Pipeline(options.work, options.start, minutes, options.rehearse, options.threads)
    packages.fetch(options.work / "packages")
    pipeline.run(options.only or Pipeline.STAGES)
    if options.install:
        pipeline.install(ROOT / "models")


if __name__ == "__main__":
    main()
