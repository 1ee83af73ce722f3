# Short verbs; what they do stands in scripts/. Works with GNU Make 3.81.

LABS := $(patsubst compose/%.yml,%,$(wildcard compose/lab-*.yml))

# The names given on the command line; a lab refuses misspelt ones of its own.
export LAB_GIVEN := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))

.PHONY: help $(LABS) down clean stats top logs observability report history compare doctor offline-images test e2e soak-queue bench fmt lint

help: ## show this list (the default)
	@sh scripts/help.sh $(MAKEFILE_LIST)

$(LABS): lab-%:
	@sh scripts/lab.sh $*

# A lab that is not there: the script says which are.
lab-%:
	@sh scripts/lab.sh $*

stats: ## what the stations use right now, beside their limits
	@sh scripts/stats.sh

top: ## the same full screen, against what is granted; ONCE=1 as text, JSON=1 for programs
	@sh scripts/top.sh $(if $(JSON),--json) $(if $(ONCE),--once)

logs: ## what the stations say; STATION=… for one of them
	@sh scripts/logs.sh $(STATION)

observability: ## fetch, build and start what watches labs, and say where to look
	@sh scripts/observability.sh

report: ## the newest run as a page, made again; RUN=… for another
	@sh scripts/report.sh $(RUN)

history: ## the runs so far, with what was changed; LAB=… for one lab
	@sh scripts/history.sh $(LAB)

compare: ## the newest run against the one before (BEFORE=… AFTER=… others); LAB=… runs it in Docker and without
	@BEFORE=$(BEFORE) AFTER=$(AFTER) LAB=$(LAB) sh scripts/compare.sh

down: ## stop and remove the stations; results stay
	@sh scripts/down.sh

clean: ## down, and remove what was built; results stay
	@sh scripts/clean.sh

doctor: ## can labs run here, with Docker or without; JSON=1 for programs
	@sh scripts/doctor.sh $(if $(JSON),--json)

offline-images: ## make the base images here where no registry can be reached
	@sh scripts/offline-images.sh

test: ## all tests; those in Docker where it answers
	@sh scripts/test.sh

e2e: ## only the tests that run labs
	@sh scripts/e2e.sh

soak-queue: ## a million jobs while workers are killed and Redis is restarted; prints its account
	@sh scripts/soak-queue.sh

bench: ## measure the figures of docs/performance.md; ONLY=… for some parts
	@sh scripts/bench.sh

fmt: ## format the Rust code
	@cargo fmt

lint: ## formatting, clippy and shellcheck, all without a warning
	@sh scripts/lint.sh
