"""What a workflow is, and how it runs.

No tensors and no HTTP: this package may import the standard library, networkx, msgspec and annotated_types.
Start with `workflow.py` (the document), `node.py` (what a node is) and `execute.py` (how a run goes).
"""
