# Everything a developer or CI runs. Needed: GNU make, and Python 3.11 or newer with its venv module.
# The recipes use relative paths only, so the checkout may lie in a folder with spaces in its name.

UV_VERSION := 0.13.8
UV_SERIES := 0.13
WORKERS ?= 3
ARGS ?=

# A uv of the series that wrote uv.lock, if there is one; else the pinned one, put into .make by pip.
UV := $(shell case "$$(uv --version 2>/dev/null)" in ("uv $(UV_SERIES)."*) echo uv;; esac)
ifeq ($(UV),)
UV := .make/uv-$(UV_VERSION)/bin/uv
UV_HERE := $(UV)
endif

SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(SUITABLE)' >/dev/null 2>&1 && echo "$$python" && break; done)

NEED_PYTHON = test -n "$(PYTHON)" || { \
	echo "Multivac needs Python 3.11 or newer with its venv module: apt-get install python3 python3-venv" >&2; exit 1; }

READY := .venv/.ready

export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV
# Or each of the processes that test would compile everything for itself, each time anew.
unexport PYTHONDONTWRITEBYTECODE

# Looks every locked package up in the public database of advisories (osv.dev); a finding fails the check.
# That needs the internet beyond a package index, which not every machine has: uv then ends with 2, and the
# check goes on, but says loudly that nothing was audited. The lock file itself is checked in any case.
AUDIT = UV_HTTP_TIMEOUT=10 UV_HTTP_RETRIES=0 $(UV) audit --frozen --preview-features audit

.PHONY: help demo test check chaos bench docs locales format

help:  ## Print what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' Makefile | while IFS=@ read -r name text; do \
		printf '%-14s %s\n' "$$name" "$$text"; done

demo: $(READY)  ## Try Multivac without any account: daemon, sandbox and a scripted outage, at one address
	.venv/bin/multivac demo $(ARGS)

test: $(READY)  ## Run all tests; ARGS="-k lead" chooses, WORKERS=4 for more cores
	.venv/bin/python -m pytest -n $(WORKERS) --dist=worksteal $(ARGS)

check: $(READY)  ## Run the linters, the type checker and the architecture's contracts
	.venv/bin/ruff format --check --quiet --output-format=concise .
	.venv/bin/ruff check --quiet .
	.venv/bin/python -m mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/codespell .
	.venv/bin/hadolint Dockerfile
	$(UV) lock --check --quiet
	@said="$$($(AUDIT) 2>&1)"; case $$? in \
		(0) ;; \
		(2) echo "!!!! DEPENDENCIES NOT AUDITED: the advisories cannot be reached from here:" >&2; \
			echo "$$said" | tail -n 1 >&2;; \
		(*) echo "$$said" >&2; exit 1;; esac

chaos: $(READY)  ## Kill it at every point of a response, and compare what comes of it; ARGS=--all for everything
	.venv/bin/python -m tests.chaos $(ARGS)

bench: $(READY)  ## Measure: time to an assembled channel, webhooks a second, memory; beside an ideal client
	.venv/bin/python -m benchmarks $(ARGS)

docs: $(READY)  ## Write the generated files again: the pages of all settings and verbs, and the Slack manifest
	.venv/bin/python -c 'import multivac.reference as it; print(it.settings_page(), end="")' > .make/settings
	mv .make/settings docs/settings.md
	.venv/bin/python -c 'import multivac.reference as it; print(it.verbs_page(), end="")' > .make/verbs
	mv .make/verbs docs/verbs.md
	.venv/bin/multivac manifest > .make/manifest
	mv .make/manifest config/slack-manifest.yaml

LANGUAGES := de ja ko
SAID := .make/multivac.pot

locales: $(READY)  ## Find every text that people read, and put what is new into the catalogs, to be translated
	.venv/bin/pybabel --quiet extract --no-default-keywords --no-location --sort-output --omit-header --ignore-dirs demo \
		-k phrase -k plural:1,2 -k written -k mark -o $(SAID) multivac integrations/slack integrations/jira \
		integrations/pagerduty
	for language in $(LANGUAGES); do touch multivac/locales/$$language.po; \
		.venv/bin/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap \
		-i $(SAID) -o multivac/locales/$$language.po -l $$language; done

format: $(READY)  ## Let ruff lay out the code and mend what it can
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format --quiet .

$(READY): uv.lock pyproject.toml $(UV_HERE)
	@$(NEED_PYTHON)
	@mkdir -p .make
	$(UV) sync --frozen --quiet --python "$(PYTHON)"
	@touch $@

.make/uv-%/bin/uv:
	@$(NEED_PYTHON)
	$(PYTHON) -m venv .make/uv-$*
	.make/uv-$*/bin/python -m pip install --quiet --disable-pip-version-check uv==$*
