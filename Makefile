# gridmap's commands. `make help` lists them; each sets up what it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= out/demo
# one more than there are cores (tests/conftest.py)
WORKERS ?= auto
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MPLBACKEND := Agg
# compiled tests are kept between runs, whatever the shell has set
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-windows smoke test-slow lint spark ray docs wheel windows bench bench-studies lock fonts clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | awk -F '\t' '{printf "  make %-11s %s\n", $$1, $$2}'

install: $(STAMP)  ## make .venv with gridmap and everything its tests need

# The stamp is written last, so an installation that was interrupted is done again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gridmap needs Python 3.11 or newer; found: $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "Python's venv is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## the bundled police data, end to end, into out/demo (OUT=… for elsewhere)
	$(BIN)/gridmap demo $(OUT)

test: $(STAMP)  ## all tests but the slow ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-windows: $(STAMP)  ## the rooms that handle files, with what Windows has not got taken away
	PYTHONPATH=.ci $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -p seen_as_windows tests/runs tests/exports tests/reports tests/test_cli.py tests/test_io.py

smoke: $(STAMP)  ## the main job end to end, the layers, the names and the messages, in under a minute
	$(BIN)/python -m pytest -n $(WORKERS) tests/test_smoke.py tests/test_layers.py tests/test_public_names.py tests/messages

test-slow: $(STAMP)  ## simulations and fuzzing
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m slow

lint: $(STAMP)  ## ruff, the layers, and the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python .ci/typed.py

ray: $(STAMP)  ## add Ray to .venv, for engine="ray"
	$(BIN)/python -m pip install --quiet --no-build-isolation --require-hashes -r requirements-ray.lock

spark: $(STAMP)  ## add Spark to .venv, for engine="spark" (needs Java 17)
	$(BIN)/python -m pip install --quiet --no-build-isolation --require-hashes -r requirements-spark.lock

# The peers have a virtual environment of their own: gridmap needs none of them.
PEERS := benchmarks/points_in_zones/requirements.txt
.venv-bench/.installed: $(PEERS)
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet -r $(PEERS)
	@touch $@

bench: $(STAMP)  ## measure every part at three sizes, beside its peers (ONLY=join for one), into docs/performance.md
	$(BIN)/python benchmarks/three_sizes.py --write $(if $(ONLY),--only $(ONLY))

bench-studies: $(STAMP) .venv-bench/.installed  ## measure: each other benchmark in benchmarks/, beside its peers (hours)
	for script in $(filter-out benchmarks/three_sizes.py,$(wildcard benchmarks/[a-z]*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra papers --extra patrol --extra databases --extra desk --extra sign --extra mcp --group test --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 --upgrade --quiet -o requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && $(BIN)/python .ci/image_lock.py
	echo 'pyspark>=3.5' | uv pip compile - --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 --upgrade --quiet -o requirements-spark.lock
	sed 's/ \\$$//; /--hash/d' requirements.lock > build/constraints.txt
	echo 'ray[data]>=2.50' | uv pip compile - -c build/constraints.txt --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11 --upgrade --quiet -o requirements-ray.lock

docs: $(STAMP)  ## the manual in both languages, into gridmap/desk/manual: opens from the folder, a wheel takes it along
	$(BIN)/python docs/manual/build.py

wheel: export SOURCE_DATE_EPOCH ?= 1577836800
wheel: docs  ## dist/*.whl and dist/*.tar.gz, with the manual
	rm -rf build *.egg-info
	$(BIN)/python -c 'from setuptools import build_meta; print(build_meta.build_wheel("dist"), build_meta.build_sdist("dist"))'

windows: docs  ## one zip for a Windows PC without internet (PYTHON_EMBED=zip SHA256=… puts Python in)
	$(BIN)/python .ci/windows.py build $(if $(PYTHON_EMBED),--python $(PYTHON_EMBED) --sha256 $(SHA256))

fonts: $(STAMP)  ## make gridmap/fonts anew from Noto Sans SC (needs npm and a network)
	$(BIN)/python .ci/fonts.py

clean:  ## remove .venv and what was built
	rm -rf $(VENV) .venv-bench build dist out *.egg-info gridmap/desk/manual
