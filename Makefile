# The project's commands. `make` without a target lists them.
# Without make (on Windows), use the equivalent commands in README.md.

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints/tested.txt
# Three workers suit two cores, because tests wait for lakehouses and browsers for about a third of the time.
WORKERS ?= 3
# With two workers, two cores are idle for a sixth of the time. With more than three, tests can fail because their pages
# wait too long for a processor: each browser has several processes.
BROWSERS ?= 3
MARKS ?= not browser
SECONDS ?= 600
# Additional options for JupyterLab, such as --no-browser.
LAB_OPTIONS ?=
# Options for the practice console, such as --no-browser.
CONSOLE_OPTIONS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := $(VENV)/.packages
PAGES := $(VENV)/.pages
DBT_READY := .venv-dbt/.ready
RELEASE := .venv-release/.ready
STATE := $(CURDIR)/.zetl

# Many containers set this variable. Python then stores no compiled modules, and each process compiles them again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
# DuckDB and its TPC-DS generator must have the same version.
TPCDS = duckdb==1.5.5 duckdb-extension-tpcds==1.5.5

.PHONY: help install tutorial lab console console-page site kit test lint compiled unit notebook-test browser-test notebooks pictures coverage lock workflows release-check bench tpcds fuzz clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(READY) ## Install everything into .venv

tutorial: $(READY) ## Run every notebook on a fresh local lakehouse; write pages to build/tutorial/
	$(BIN)/zetl run

lab: $(READY) ## Open the notebooks in JupyterLab, with the local lakehouse running
	ZETL_STATE_DIR="$(STATE)" $(BIN)/zetl local start
	ZETL_STATE_DIR="$(STATE)" $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_OPTIONS)

console: $(READY) ## Open the practice console, with the local lakehouse running
	ZETL_STATE_DIR="$(STATE)" $(BIN)/zetl console $(CONSOLE_OPTIONS)

# Node.js is needed only to change the page, because the built page is in the repository.
console-page: ## Build the practice console's page from console_web (needs Node.js 20)
	cd console_web && npm ci && npm run check && npm test && npm run build

site: $(PAGES) ## Build a searchable site in build/site/ from the notebooks
	$(BIN)/zetl site

kit: $(READY) ## Write the instructor's kit to build/kit/
	$(BIN)/zetl kit

test: lint unit notebook-test browser-test ## Check everything

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	test ! -e .git || $(BIN)/python tests/commit_subjects.py -20

# Without compiled modules, each worker compiles them again: 76 instead of 36 CPU seconds for the collection.
compiled: $(READY)
	$(BIN)/python -m pytest -p no:nbval --collect-only -q >/dev/null

unit: $(READY) $(DBT_READY)
	$(BIN)/python -m pytest -p no:nbval -m "$(MARKS)" -n $(WORKERS) --dist loadscope --no-loadscope-reorder

# For each notebook, the stored outputs are compared with the outputs of a run on a fresh lakehouse.
notebook-test: $(READY)
	$(BIN)/python -m pytest -p tests.notebooks.plugin --nbval --nbval-current-env \
		--nbval-sanitize-with tests/notebooks/sanitize.cfg --nbval-cell-timeout 300 \
		-n $(WORKERS) --dist loadscope notebooks

# The tests open JupyterLab, the site and the pages in Chromium, and store screenshots in build/screenshots/.
# One worker runs all tests of a module, so it starts the module's site, JupyterLab or lakehouse only once. The modules
# that take longest start first. Only the notebooks' module is divided between two workers, by its classes.
browser-test: $(PAGES)
	$(BIN)/python -m pytest -m browser -n $(BROWSERS) --dist loadscope --no-loadscope-reorder tests/browser

pictures: $(PAGES) ## Update docs/images: the practice console's pages, and the README's gallery
	$(BIN)/python -m tests.notebooks.gallery
	rm -rf build/screenshots/console
	$(BIN)/python -m pytest -m browser tests/browser/test_console_deep_links.py
	mkdir -p docs/images/console
	cp build/screenshots/console/*.webp docs/images/console/

notebooks: $(READY) ## Run the notebooks and store the outputs
	$(BIN)/zetl run --store
	$(BIN)/python -m tests.notebooks.gallery

fuzz: $(READY) ## Send random requests to a lakehouse for ten minutes (SECONDS=600), then run random statements
	$(BIN)/python -m tests.local_lakehouse.server.fuzzing $(SECONDS)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-40000} FUZZ_TABLES=$${FUZZ_TABLES:-200} $(BIN)/python -m pytest -q --timeout 7200 \
	  tests/local_lakehouse/sql/test_fuzz.py tests/local_lakehouse/athena/test_fuzz.py

coverage: $(READY) ## Measure the unit tests' coverage of each package
	mkdir -p build/coverage
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -m "$(MARKS)" -n $(WORKERS) --dist loadscope $(TESTS)
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage json -q -o build/coverage/lines.json
	$(BIN)/python -m tests.release.coverage_by_package build/coverage/lines.json

lock: $(RELEASE) ## Resolve the versions in constraints/ within the ranges in pyproject.toml (LOCK=--upgrade: the newest versions)
	.venv-release/bin/python -m tests.release.lock $(LOCK)

workflows: $(RELEASE) ## Check the workflows for weaknesses
	.venv-release/bin/zizmor --offline --no-progress .github

release-check: $(READY) $(RELEASE) ## Build the packages, test them in empty environments, and write an SBOM
	.venv-release/bin/python -m tests.release.try_wheel
	.venv-release/bin/cyclonedx-py environment --output-reproducible --of JSON -o build/dist/sbom.json \
		--pyproject pyproject.toml $(BIN)/python

bench: $(READY) ## Run the benchmarks
	$(BIN)/python -m pytest tests/benchmarks -s -o python_files='bench_*.py' -o python_functions='bench_*' -o timeout=1800

tpcds: $(READY) ## Run the 99 TPC-DS queries and compare the results with DuckDB's results
	test -x build/tpcds/venv/bin/python || python3 -m venv build/tpcds/venv
	build/tpcds/venv/bin/pip install -q $(TPCDS)
	test -f build/tpcds/data/queries.json || build/tpcds/venv/bin/python tests/tpcds/generate.py build/tpcds/data
	PYTHONPATH=. $(BIN)/python tests/tpcds/compare.py build/tpcds/data


clean: ## Stop the local lakehouse, and delete all generated files
	-test ! -x $(BIN)/zetl || $(BIN)/zetl local stop --state "$(STATE)"
	rm -rf build .zetl .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# pip installs uv, which then installs the packages in a fraction of the time that pip needs. If uv fails, for example
# because only pip's configuration names the index to use, pip installs the packages.
# constraints/ is complete, so nothing is resolved, and only files with the listed hashes are installed. Each module is
# compiled on its first import, because compiling all modules would double the installation time.
PIP = -m pip install --disable-pip-version-check --no-deps --no-compile
environment = $(PYTHON) -m venv $(1) && { $(1)/bin/python $(PIP) --quiet --require-hashes -r constraints/uv.txt || true; }
install = $(1)/bin/uv pip install --python $(1)/bin/python --no-deps $(2) || $(1)/bin/python $(PIP) $(2)

$(PACKAGES): $(CONSTRAINTS) constraints/uv.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is required: make PYTHON=python3.11 …")'
	$(call environment,$(VENV))
	$(call install,$(VENV),--require-hashes -r $(CONSTRAINTS))
	touch $(PACKAGES)

# This step also writes to the repository, so do not run it for two environments at the same time.
$(READY): pyproject.toml setup.py $(PACKAGES)
	$(call install,$(VENV),--no-build-isolation -e .)
	touch $(READY)

# dbt needs older versions of some packages, so the test that runs it has a separate environment.
$(DBT_READY): constraints/dbt.txt constraints/uv.txt
	$(call environment,.venv-dbt)
	$(call install,.venv-dbt,--require-hashes -r constraints/dbt.txt)
	touch $(DBT_READY)

# The site and the browser tests need more packages than a learner needs.
$(PAGES): $(READY) constraints/pages.txt
	$(call install,$(VENV),--require-hashes -r constraints/pages.txt)
	touch $(PAGES)

$(RELEASE): constraints/release.txt constraints/uv.txt
	$(call environment,.venv-release)
	$(call install,.venv-release,--require-hashes -r constraints/release.txt)
	touch $(RELEASE)
