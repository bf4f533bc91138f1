# make demo   everything on a fresh machine: environment, the paper's algorithm and the default, tables, pictures and a film
# make test   the same environment, then pytest: every notebook, the repository, the style, the installation, the site
# make test BROWSER=1   and in Chromium: the notebooks in JupyterLab and Voila; make browser: that only, screenshots in browser/
# make test ARGS="--slow"   what takes longer, too; ARGS takes any option of pytest
# make prepare   what a change of a notebook needs: export, clean, README.md
# make site      the notebooks as web pages, in _docs/
# make coverage  how much of the package the tests run, and every error that they meet: benchmarks/results/coverage.json
# make audit     the versions of constraints.txt beside the known vulnerabilities (needs the network)
# make bench     every number of README.md, the experiments and what things cost again, some five hours and a half;
#                stopped, it goes on where it was
# make bench-clean   the next `make bench` begins anew; make clean removes what was made

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
export OMP_NUM_THREADS := 1
export NO_MKDOCS_2_WARNING := 1
SHELL := /bin/bash
TABLES := table1a table1b clusters digits ablations restarts ablations_mnist how_many many
SCRIPTS := stack_speed phases growth convolutions time_to_nmi mapped scale_pictures pictures
ARGS :=
UNMEASURED := $(foreach t,install style site repository,--ignore tests/test_$(t).py)

.PHONY: demo test browser prepare site coverage audit bench bench-clean clean

.venv/ready: settings.ini setup.py constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("kvae_nb needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) torch torchvision
	$(PIP) -e '.[dev]'
	-git rev-parse --git-dir >/dev/null 2>&1 && $(BIN)/nbdev_install_hooks >/dev/null
	touch $@

.venv/browser: .venv/ready
	$(PIP) -e '.[dev,browser]'
	touch $@

demo: .venv/ready
	rm -rf demo
	@printf '\nAlgorithm 1 of the paper: a random split, 100 iterations at most, one restart of seed 0\n'
	@echo '(of the seeds 0 to 4, each once, four come to an NMI of .997 on these points, and seed 2 to .968)'
	$(BIN)/kvae-train --data five_modes --k 5 --recipe paper --n_init 1 --seed 0 --out demo/paper --film --compare
	@printf '\nThe default: a start is chosen first, which leaves less to the iterations\n'
	$(BIN)/kvae-train --data five_modes --k 5 --out demo/five_modes --compare
	$(BIN)/kvae-train --data digits --k 10 --out demo/digits --compare
	@printf '\nPictures to open:\n'
	@printf '  %s\n' 'demo/paper/film.gif            the paper, iteration by iteration' \
		'demo/paper/partitions.png      the same at the start, after 5 and 30 iterations, and at the end' \
		'demo/paper/history.png         its curves' \
		'demo/five_modes/partition.png  what the default finds' \
		'demo/digits/partition.png      typical digits of each expert; samples.png: drawn by it' \
		'demo/digits/composition.png    who got which digits'
	@echo 'Beside them: settings, history, weights and results of each run'

test: $(if $(filter 1,$(BROWSER)),.venv/browser,.venv/ready)
	$(BIN)/pytest -n 2 $(ARGS)

browser: .venv/browser
	$(BIN)/pytest --browser tests/browser $(ARGS)

prepare: .venv/ready
	$(BIN)/nbdev_export && $(BIN)/nbdev_clean && $(BIN)/python docs/prepare.py

site: .venv/ready
	$(BIN)/mkdocs build --strict -f docs/mkdocs.yml
	@echo "Open _docs/index.html; with search: $(BIN)/python -m http.server -d _docs"

coverage: export KVAE_ROOT := $(CURDIR)
coverage: .venv/ready
	rm -rf .measured && mkdir .measured
	-$(BIN)/coverage run tests/measured.py pytest -q $(UNMEASURED) $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/python tests/measured.py report

audit: .venv/ready
	$(PIP) pip-audit
	$(BIN)/python tests/audit.py

bench: .venv/ready .bench/begun
	$(PIP) clustpy==0.0.3 umap-learn==0.5.12 leidenalg==0.12.0 pythae==0.1.2
	for b in $(SCRIPTS); do \
		test -e .bench/$$b || { $(BIN)/python benchmarks/$$b.py && touch .bench/$$b; } || exit 1; \
	done
	for t in $(TABLES); do $(BIN)/kvae-reproduce $$t || exit 1; done
	rm -rf .bench

.bench/begun:  # the tables begin anew once, and a restart keeps their rows
	mkdir -p .bench
	rm -f $(foreach t,$(TABLES),benchmarks/results/$(t).json)
	touch $@

bench-clean:
	rm -rf .bench

clean:
	rm -rf .venv .bench .measured demo browser _docs build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
