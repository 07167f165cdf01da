# The two commands of the workbook are `make lab` and `make test`; each sets up what it needs.

PYTHON ?= python3

PY = .venv/bin/python
SANITIZE = $(addprefix --nbval-sanitize-with ,$(wildcard tests/sanitize.cfg))

# Everything stays in this folder, and the caller's shell does not leak in.
export JUPYTER_CONFIG_DIR := $(CURDIR)/.jupyter/config
export JUPYTER_DATA_DIR := $(CURDIR)/.jupyter/data
export JUPYTER_RUNTIME_DIR := $(CURDIR)/.jupyter/runtime
export IPYTHONDIR := $(CURDIR)/.jupyter/ipython
export MPLCONFIGDIR := $(CURDIR)/.jupyter/matplotlib
export npm_config_cache := $(CURDIR)/.jupyter/npm
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0
export PIP_ARGS
unexport PYTHONPATH PYTHONHOME JUPYTER_PATH JUPYTER_CONFIG_PATH MPLBACKEND

.PHONY: help setup lab test lint data results save student site publish clean

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1	\2/p' Makefile
	@echo
	@echo 'PYTHON=python3.12                   another Python (3.10 to 3.13) for .venv'
	@echo 'LAB_ARGS="--no-browser --port 9999" more arguments for JupyterLab'
	@echo 'PYTEST_ARGS="-k checks"             more arguments for pytest'
	@echo 'JOBS=4                              so many programs share the runs of make results (2)'
	@echo 'NOTEBOOK=notebooks/…/….ipynb       the one to save'
	@echo 'SOLVED=https://…                    where the solved pages are, for make student'
	@echo 'PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"'
	@echo '                                    no CUDA: 5 GB less on Linux'

# A set-up that was killed, a moved folder or a lost Python: set up again.
ifneq ($(shell [ ! -e .venv/.unfinished ] && [ -x $(PY) ] && cat .venv/.ready 2>/dev/null),$(CURDIR))
.PHONY: .venv/.ready
endif

.venv/.ready: requirements.txt pyproject.toml .binder/overrides.json
	@sh .ci/setup.sh requirements.txt $@ $(PYTHON)

.venv/.ready-dev: .venv/.ready requirements-dev.txt
	@sh .ci/setup.sh requirements-dev.txt $@ $(PYTHON)

setup: .venv/.ready  ## Make .venv and install the pinned packages

# JupyterLab shows the saved figures of a notebook only once it is trusted.
lab: .venv/.ready  ## Open the workbook in JupyterLab
	-@$(PY) -m nbformat.sign notebooks/*/*.ipynb >/dev/null
	@PATH="$$PWD/.venv/bin:$$PATH" exec $(PY) -m jupyterlab --ip=127.0.0.1 \
	    --notebook-dir=notebooks --LabApp.default_url=/lab/tree/8_4_googlenet/0_googlenet.ipynb \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

test: .venv/.ready-dev  ## Run every test and every notebook
	$(PY) -m pytest tests notebooks -n auto --dist loadscope --nbval $(SANITIZE) $(PYTEST_ARGS)

lint: .venv/.ready-dev  ## Check code and notebooks with ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

data: .venv/.ready  ## Fetch the whole Fashion-MNIST into data/
	$(PY) -m d2l_utils

# On two cores two programs of one thread train faster than one of two; they share the runs out.
JOBS ?= 2

results: .venv/.ready  ## Repeat the recorded full runs (hours; goes on where it stopped)
	@set -e; for notebook in notebooks/*/*.ipynb; do \
	    echo "== $$notebook"; \
	    seq $(JOBS) | D2L_BUDGET=full xargs -P $(JOBS) -n 1 sh -ec ' \
	        cd "$${2%/*}"; [ "$$3" = 1 ] || exec >/dev/null; \
	        [ $(JOBS) = 1 ] || export OMP_NUM_THREADS=1; \
	        exec "$$1" -m IPython "./$${2##*/}"' sh "$$PWD/$(PY)" "$$notebook"; \
	done

# Saved with the progress of a fresh copy: none can be kept in a file below a file. And with
# pictures in place of sliders, which would be dead.
export NOTEBOOK
save: .venv/.ready  ## Run a notebook, NOTEBOOK=path, and save it with its outputs
	$(if $(NOTEBOOK),,$(error save: which notebook? make save NOTEBOOK=notebooks/…/….ipynb))
	case $$NOTEBOOK in /*) ;; *) NOTEBOOK=./$$NOTEBOOK ;; esac; \
	env -u D2L_BUDGET D2L_STATIC=1 D2L_PROGRESS="$(CURDIR)/Makefile/none" $(PY) -m nbconvert \
	    --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	    --ExecutePreprocessor.store_widget_state=False "$$NOTEBOOK"

export STUDENT SOLVED
student: .venv/.ready  ## Write the edition without solutions to the new folder STUDENT=path
	$(if $(STUDENT),,$(error student: where to? make student STUDENT=../students))
	$(PY) -m d2l_utils.teaching student $(if $(SOLVED),--solved "$$SOLVED") -- "$$STUDENT"

site: .venv/.ready-dev  ## Build the website in the folder _site
	rm -rf _site
	$(PY) docs/build.py _site
	@echo "It is there: _site/index.html"

export REPO
publish: .venv/.ready  ## Name the repository, REPO=owner/name, in every link to it
	$(if $(REPO),,$(error publish: where to? make publish REPO=owner/name))
	$(PY) .ci/publish.py "$$REPO"

clean:  ## Remove .venv and caches; data and results stay
	rm -rf .venv .jupyter .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name .git -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune \
	    -exec rm -rf {} +
