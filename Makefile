# Every target brings the environment up to date first.
.DEFAULT_GOAL := help
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11
export KERAS_BACKEND := tensorflow
export TF_CPP_MIN_LOG_LEVEL := 3

IMAGE := deepfm

.PHONY: help environment run unit test check bench serve notebooks image lock clean
help: ## what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/'
environment: ## make or update .venv
	@tools/environment
run: environment ## the whole pipeline on a click log that it draws itself
	@$(BIN)/deepfm run
unit: environment ## the fast tests
	@$(BIN)/pytest -n 2 --dist loadfile -m "not pipeline and not browser and not image" tests
test: environment check ## everything that has to pass
	@tools/chromium
	@$(BIN)/pytest -n 2 --dist loadfile -m "not image" tests
check: environment ## format, lint, types, import rule
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo >.lint-imports.log || { cat .lint-imports.log; false; }
bench: environment ## the figures that README and docs name; half an hour
	@for name in planted ingest interactions unseen small_data throughput evaluator serving; do \
		echo "$$name" && $(BIN)/python benchmarks/$$name.py || exit 1; done
serve: environment ## the model that `make run` pushed, on port 8500
	@$(BIN)/deepfm serve runs/generated/serving/generated
image: environment ## the components' image, tagged IMAGE:fingerprint of the code
	@version=$$($(BIN)/python -m pipeline.code_version) && \
		docker build --build-arg CODE_VERSION=$$version -t $(IMAGE):$$version .
notebooks: environment ## the notebooks, executed on what `make run` left, into its folder
	@mkdir -p runs/generated/notebooks
	@$(BIN)/jupyter-execute --timeout=-1 \
		--output='$(CURDIR)/runs/generated/notebooks/{notebook_name}' notebooks/*.ipynb
lock: environment ## the lock files anew, within what setup.py allows
	@$(LOCK) tools/bootstrap.in -o tools/bootstrap.lock
	@$(LOCK) tools/compiler.in -o tools/compiler.lock
	@$(LOCK) --extra dev setup.py -o requirements.lock
clean: ## remove runs and caches, not the environment
	@rm -rf runs .pytest_cache .mypy_cache .ruff_cache .lint-imports.log
