"""Speed and memory: figures, and ratios against a plain baseline in the same run. No tests; see README.md."""
