"""Where packs are imported: each becomes `nodes.custom.<pack>`."""
