# Each target does its own set-up; see CONTRIBUTING.md.  make demo ONCE=1 stops by itself and checks the verdicts;
# make docs PICTURES=1 takes the screenshots anew.
.PHONY: demo test lint docs packages bench

demo:
	@scripts/set-up run
	@.venv/bin/datacat demo $(if $(ONCE),--once) $(ARGS)

test:
	@scripts/set-up test
	@scripts/test $(ARGS)

lint:
	@scripts/set-up test
	@scripts/lint

docs:
	@scripts/set-up $(if $(PICTURES),test,docs)
	@scripts/docs/build $(if $(PICTURES),--pictures)

packages:
	@scripts/set-up test
	@scripts/packages

bench:
	@scripts/set-up bench
	@.venvs/bench/bin/python benchmarks $(ARGS)
