# One door. `make demo` and `make test` each do everything from a clean clone on a fresh Debian 12, as root.
PYTHON := .venv/bin/python
.PHONY: install demo test check bench

install:            ## system packages, .venv, Asterisk 22 where there is none, prompts; may be repeated
	@scripts/install.sh

demo: install       ## a city's calls, answered by a real Asterisk
	@.venv/bin/hotline demo

test: install       ## everything, with a real Asterisk and real SIP phones
	@.venv/bin/pytest -q -n 2 --dist loadscope --no-loadscope-reorder

check: install      ## style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench: install      ## each prints a ratio measured in one run (about 25 minutes)
	@$(PYTHON) -m benchmarks.kernel
	@$(PYTHON) -m benchmarks.wire
	@$(PYTHON) -m benchmarks.owed
	@$(PYTHON) -m benchmarks.matching
	@$(PYTHON) -m benchmarks.speech
	@$(PYTHON) -m benchmarks.speech_calls
	@$(PYTHON) -m benchmarks.queue_delay --systems native,hotline --seconds 10
	@command -v gcc >/dev/null || apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(PYTHON) -m benchmarks.planner
	@$(PYTHON) -m benchmarks.roster
