# What `make demo`, `make test`, `make lint` and the others need is installed first, into .tools
# and .venv of this folder and nowhere else. The machine gives make, and Python with pip.

PYTHON ?= python3
# A python3 that is too old may come first on the PATH. A PYTHON that was asked for is not replaced.
ifeq ($(origin PYTHON),file)
OTHER_PYTHONS := python3.13 python3.12 python3.11 python3.10 python3.14
endif

# The tests start a tap some thousand times: compiled anew each time, it would take twice as long.
unexport PYTHONDONTWRITEBYTECODE

# The folder is named after the version, so that a changed version is installed anew.
UV_VERSION := 0.13
UV_FOLDER := .tools/uv-$(UV_VERSION)
# The cache lies here as well, also for Meltano, which installs plugins with uv: what one has
# fetched the other need not.
UV_CACHE_DIR ?= $(CURDIR)/.tools/cache
export UV_CACHE_DIR
# A company's proxy shows a certificate that only the system knows; for Meltano as well.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS
UV := UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv $(UV_FOLDER)/bin/uv

# The stamp says which folder and which PYTHON .venv was made for. It goes when the folder has moved,
# another PYTHON is asked for, or the one behind .venv is gone; then .venv is brought up to date.
STAMP := .venv/.made
$(shell test -x .venv/bin/python && grep -sqxF "$(CURDIR)" $(STAMP) \
  $(if $(OTHER_PYTHONS),,&& grep -sqxF "$(PYTHON)" $(STAMP)) || rm -f $(STAMP))

# Named, since without a git repository ruff would not know that the other folders are ignored. It
# follows no links, so that it would not find the kit within the taps.
CODE := examples kit tap-clari tap-gladly tests tools

.PHONY: help demo sandbox definitions test test-slow soak test-install recipes targets lint documents bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(STAMP) ## take a local Clari and Gladly into a local PostgreSQL through Meltano; again: what changed
	@.venv/bin/python -m tests.demo $(ARGS)

sandbox: $(STAMP) ## serve a local Clari and Gladly, and print the environment that points a tap at them
	@.venv/bin/python -m tests.sandbox $(ARGS)

definitions: $(STAMP) ## write what is told of the taps (settings, addresses) into every file that tells it
	@.venv/bin/python -m tools.definitions

test: $(STAMP) ## run the tests; a part of them with ARGS, as in make test ARGS="-k topics"
	@.venv/bin/python -m pytest $(ARGS)

test-slow: $(STAMP) ## run the tests that take long, or measure rates and would be disturbed by others
	@.venv/bin/python -m pytest -m slow -n 2 $(ARGS)

soak: $(STAMP) ## end tap and target by signals, 60 times each, while the accounts change; compare the tables
	@.venv/bin/python -m tests.soak $(ARGS)

test-install: $(STAMP) ## install each tap alone, and type what the READMEs show into an empty folder
	@.venv/bin/python -m pytest -m install tests/packaging $(ARGS)

recipes: $(STAMP) ## run the examples: Dagster, a container without Docker, another warehouse
	@.venv/bin/python -m pytest -m recipes -n 2 tests/examples $(ARGS)

targets: $(STAMP) ## load what the taps write into the common targets; writes the table of docs/targets.md
	@.venv/bin/python -m pytest -m "targets or not targets" -n 2 tests/targets $(ARGS)

lint: $(STAMP) ## check style, types, the lock file, meltano.yml and the workflows
	.venv/bin/python -m ruff check $(CODE)
	.venv/bin/python -m ruff format --check $(CODE)
	.venv/bin/python -m mypy
	.venv/bin/lint-imports --no-cache --no-logo
	@echo "uv lock --check"; $(UV) lock --check --python .venv/bin/python
	.venv/bin/python -m check_jsonschema --builtin-schema vendor.meltano meltano.yml
	.venv/bin/python -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/python -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv/bin/zizmor --offline --quiet .github

documents: $(STAMP) ## tell which documents of the vendors are not what the schemas were made from
	@.venv/bin/python -m tools.documents $(ARGS)

bench: $(STAMP) ## measure the figures of docs/benchmarks.md
	@.venv/bin/python -m tests.bench $(ARGS)

# Sets $python to the first Python that will do, or says in one sentence why none does. Its question
# is one that Python 2 understands too.
QUESTION := import sys; sys.version_info >= (3, 10) or sys.exit(10); import pip; print(sys.executable)
define find_python
python=; without_pip=; \
for name in "$(PYTHON)" $(OTHER_PYTHONS); do \
  if python=$$("$$name" -c '$(QUESTION)' 2>/dev/null); then break; \
  elif [ $$? -eq 1 ]; then without_pip=$${without_pip:-$$name}; fi; \
done; \
if [ -z "$$python" ] && [ -n "$$without_pip" ]; then \
  echo "$$without_pip has no pip: install it (python3-pip on Debian and Ubuntu), or name another Python as in make PYTHON=/path/to/python3." >&2; exit 1; \
elif [ -z "$$python" ]; then \
  echo "Python 3.10 or newer is needed, and $(PYTHON) is not one: install it, or name another as in make PYTHON=/path/to/python3." >&2; exit 1; \
fi
endef

# uv, by pip but beside the Python that pip belongs to, which may not be ours to change. Settings of
# pip that do not go with --target are overruled. The stamp comes last: an interrupted installation
# begins again.
$(UV_FOLDER)/.made:
	@$(find_python); \
	echo "Installing uv into .tools (once) ..."; \
	rm -rf $(UV_FOLDER) && \
	PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
	  "$$python" -m pip install --quiet --no-cache-dir --only-binary=:all: --target $(UV_FOLDER) \
	  "uv==$(UV_VERSION).*" && \
	$(UV) --version >/dev/null && touch $@

$(STAMP): $(UV_FOLDER)/.made pyproject.toml $(wildcard tap-*/pyproject.toml tap-*/hatch_build.py) uv.lock
	@$(find_python); \
	echo "Installing the dependencies into .venv (again only when they change) ..."; \
	$(UV) sync --quiet --locked --group dev --python "$$python" && \
	printf '%s\n' "$(CURDIR)" "$(PYTHON)" > $@
