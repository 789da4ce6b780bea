# The commands of development. "make help" lists them; CI calls nothing else.

GO         ?= go
FUZZTIME   ?= 30s
BENCHSIZE  ?= 1GiB
BENCHPAIRS ?= 7
BENCHOUT   ?= bench
# Cached files of a disk file system, as images are; in /dev/shm reading costs everyone more.
BENCHDIR   ?= /var/tmp

# Tools that are not dependencies: run at these versions, absent from go.mod.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
BENCHSTAT   := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

# Go keeps its caches under HOME; without one that can be written they go to bin/.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME    := $(CURDIR)/bin/.home
export GOFLAGS := $(GOFLAGS) -modcacherw
$(shell mkdir -p "$(HOME)")
endif
# A checkout that git refuses to read (another owner's, an unpacked archive) builds unstamped.
ifneq ($(shell git rev-parse --is-inside-work-tree 2>/dev/null),true)
export GOFLAGS := $(GOFLAGS) -buildvcs=false
endif
export GO STATICCHECK GOFUMPT BENCHSTAT

# The program that keeps testdata lies where ./... does not look.
PACKAGES := ./... ./testdata/regenerate

.DEFAULT_GOAL := help
.PHONY: help build demo tools test race purego emulated cross vet lint fmt generate check-generate \
	fuzz fuzz-smoke fuzz-long bench bench-compare cover testdata clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/dmimg
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ .

demo: build ## make a verity image, break it, find the damage; decrypt a dm-crypt image
	@bash .ci/demo

tools: ## install the programs that tests compare with (apt, as root), say what is missing
	@bash .ci/tools

test: ## everything on this machine: tests, purego, a cross-build, vet, what other CPUs could get wrong
	@bash .ci/test

race: ## the tests of every package that uses goroutines, under the race detector
	@bash .ci/race

purego: ## the tests without assembly, for the oldest amd64
	GOAMD64=v1 $(GO) test -short -tags purego ./...

emulated: ## the tests of all engines as arm64 and s390x would run them, under qemu-user
	@bash .ci/emulated all

cross: ## build for every platform
	@bash .ci/platforms build

vet: ## go vet for every platform, with and without purego
	@bash .ci/platforms vet

lint: ## staticcheck, gofumpt, no work left open in the code
	$(GO) run $(STATICCHECK) $(PACKAGES)
	@bash .ci/tidy

fmt: ## format with gofumpt
	$(GO) run $(GOFUMPT) -w .

generate: ## run go generate, also in the modules that write assembly
	$(GO) generate ./...
	for dir in $$(find . -path '*/_asm/go.mod' -exec dirname {} \;); do $(GO) generate -C $$dir ./... || exit; done

check-generate: ## fail if go generate changes a file
	@git diff --quiet || { echo "check-generate: commit or put away your changes first" >&2; exit 1; }
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code

fuzz: ## every fuzz target for FUZZTIME (30s)
	@bash .ci/fuzz $(FUZZTIME)

fuzz-smoke: ## every fuzz target for a moment
	@bash .ci/fuzz 500x

fuzz-long: ## every fuzz target for ten minutes
	@bash .ci/fuzz 10m

bench: build ## measure beside the peers, write bench/RESULTS.md and .svg (BENCHSIZE, BENCHPAIRS, BENCHDIR, BENCHOUT)
	-$(GO) build -C bench/peers -o ../../bin/peers/ tool ./...
	mkdir -p "$(BENCHOUT)"
	PATH="$(CURDIR)/bin/peers:$$PATH:/usr/sbin:/sbin" bin/dmimg bench all --size $(BENCHSIZE) --pairs $(BENCHPAIRS) --rounds 100 \
		--dir "$(BENCHDIR)" --svg "$(BENCHOUT)/RESULTS.svg" --markdown "$(BENCHOUT)/RESULTS.md" --force

bench-compare: ## Go benchmarks of this tree beside those of REF=commit, by turns (BENCH, PKG, COUNT)
	@bash .ci/bench-compare "$(REF)"

cover: ## coverage of the whole module, in coverage.out
	$(GO) test -short -coverpkg=./... -coverprofile=coverage.out ./...
	$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: lab lab-full corpus
lab: ## boot a Debian kernel in QEMU and use device-mapper in it (the first run fetches the kernel)
	$(GO) run ./kernel/internal/lab/cmd/lab smoke

lab-full: ## the lab itself, then all that needs a live kernel, on each kernel, with and without udev
	DMIMG_LAB_SELF_CHECK=1 DMIMG_TEST_REQUIRE=all $(GO) test -count=1 ./kernel/internal/lab
	$(GO) run ./kernel/internal/lab/cmd/lab full -artifacts bin/lab

corpus: ## make the volumes of testdata/images/lab anew in a live kernel, with new content
	$(GO) run ./kernel/internal/lab/cmd/lab full -kernels 6.12 -only "difftest: corpus" -artifacts bin/lab
	$(GO) run ./testdata/regenerate lab bin/lab/kernel-difftest-corpus-6.12/corpus

testdata: ## check the committed images; make the veritysetup runs anew where it is installed
	$(GO) run ./testdata/regenerate check
	@if command -v veritysetup >/dev/null; then $(GO) run ./testdata/regenerate tools; \
	else echo "testdata: veritysetup is not installed: its runs were not made anew"; fi

clean: ## remove what the targets made
	rm -rf bin bench-out demo-out coverage.out
