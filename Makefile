# make run: set everything up and open the editor at http://127.0.0.1:8188     make test: every check there is

PYTHON ?= python3

.PHONY: run test soak bench clean

run:
	@$(PYTHON) tools/setup.py run
	@.venv/bin/photogram serve $(ARGS)

test:
	@$(PYTHON) tools/setup.py test
	@.venv/bin/python tools/check.py $(ONLY)

soak:
	@$(PYTHON) tools/setup.py test
	@.venv/bin/python -m pytest -m soak --timeout=0

bench:
	@$(PYTHON) tools/setup.py run
	@.venv/bin/python -m bench.all

clean:
	rm -rf .venv web/node_modules web/dist build dist
