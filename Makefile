# Each target does its own set-up; see CONTRIBUTING.md.  make demo ONCE=1 stops by itself and checks the verdicts.
.PHONY: demo test lint bench

demo:
	@scripts/set-up run
	@.venv/bin/datacat demo $(if $(ONCE),--once) $(ARGS)

test:
	@scripts/set-up test
	@scripts/test $(ARGS)

lint:
	@scripts/set-up test
	@scripts/lint

bench:
	@scripts/set-up bench
	@.venvs/bench/bin/python benchmarks $(ARGS)
