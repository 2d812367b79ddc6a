"""HTTP, storage, people and processes.

The server process never imports torch; all node code runs in the worker process (`worker.py`).
Start with `app.py` (what is built), `api.py` (what is said) and `runner.py` (how a run is handed over).
"""
