# Two commands: `make demo` runs the main job, `make test` the tests. Both set up .venv first,
# which happens once; a later call goes straight to work.
PYTHON ?= python3
EXTRAS ?= test
LANGUAGE ?= en
BIN := .venv/bin

.PHONY: demo test lab notebooks book slides sample figures index names bench \
  bench-quick statistics lint clean

demo: .venv/.ready
	$(BIN)/kequn run --out data/output/demo

test: .venv/.ready
	$(BIN)/python -m pytest -n auto --dist worksteal

lab: .venv/.ready
	$(BIN)/kequn workshop start workshop/$(LANGUAGE) --language $(LANGUAGE)

notebooks: .venv/.ready
	$(BIN)/python notebooks/build.py

book slides: .venv/.ready
	$(BIN)/python notebooks/book.py $@

sample: .venv/.ready
	rm -rf data/sample
	$(BIN)/kequn sample --customers 2000 --seed 0 --out data/sample --format mixed

figures: .venv/.ready
	$(BIN)/kequn run --out data/output/figures --quiet
	$(BIN)/python notebooks/figures/make.py data/output/figures

index: .venv/.ready
	$(BIN)/python notebooks/build.py --execute
	$(BIN)/python notebooks/figures/index.py

names: .venv/.ready
	$(BIN)/python tests/house/test_package.py

# Speed, against peers in environments of their own: one table (benchmarks/results.md).
bench: .venv/.ready
	$(BIN)/python benchmarks/table.py

bench-quick: .venv/.ready
	$(BIN)/python benchmarks/table.py --quick

# Whether what is said is right: verdicts, coverage, names … Each takes minutes to hours.
STATISTICS := coverage verdicts naming recovery mixed monitor registry realism
statistics: .venv/.ready
	@for name in $(STATISTICS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py; done

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv build dist data/generated data/output

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or later is needed, {sys.executable} is {v.major}.{v.minor}; name another: make PYTHON=python3.12")'
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  VIRTUAL_ENV=.venv uv pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'; \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'; \
	fi
	@touch $@
