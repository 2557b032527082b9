# Everything that runs produce goes to out/, which git ignores.
OUT := out
GO  := go
LINTERS := $(OUT)/linters
# The go command leaves folders named testdata out of ./... .
PKGS := ./... ./testdata/traces
# Modules of their own, so that nobody else gets their dependencies.
MODULES := bench deploy/observe deploy/schema deploy/packaging/notices

.DEFAULT_GOAL := help
.PHONY: help build run test bench anatomy cached overload curves tails regress chaos soak micro micro-diff lint monitoring fuzz train eval clean dist deb rpm two-versions deploy-test machine-test cluster-test observe schema reproducible

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the three commands into out/bin
	@mkdir -p $(OUT)/bin
	$(GO) build -trimpath -o $(OUT)/bin/ ./cmd/ml-bridge ./cmd/mld ./cmd/kernelsim

run: build ## run the whole path on this machine and show the verdict (ARGS="load --duration=2s": the load alone, kernelsim's flags)
	@$(GO) build -trimpath -o $(OUT)/run-local ./cmd/internal/local
	@KERNELSIM_OUT="$(OUT)" $(OUT)/run-local $(OUT)/bin $(ARGS)

# Sockets of tests are in their temporary folders, and a socket's path has at most 107 bytes.
test: export TMPDIR := $(shell [ $${#TMPDIR} -le 40 ] && echo "$$TMPDIR" || echo /tmp)
test: ## run every test, with the race detector
	$(GO) vet $(PKGS)
	$(GO) test -race -timeout 15m $(PKGS)
	cd bench && $(GO) vet ./... && $(GO) test -race ./...

bench: ## measure the whole path beside its peers (QUICK=1: under a minute)
	cd bench && $(GO) run ./cmd/chain $(if $(QUICK),-quick) $(ARGS)

anatomy: ## say where the microseconds of a call go, as table and picture
	cd bench && $(GO) run ./cmd/anatomy $(ARGS)

cached: ## measure what the caches answer and what it is wrong by (QUICK=1: shorter)
	cd bench && $(GO) run ./cmd/cached $(if $(QUICK),-quick) $(ARGS)

overload: ## measure what the model still answers in time at up to ten times its load
	cd bench && $(GO) run ./cmd/overload $(ARGS)

curves: ## measure how cost grows with work, up to saturation (QUICK=1: about a minute)
	cd bench && $(GO) run ./cmd/curves $(if $(QUICK),-quick) $(ARGS)

tails: ## measure the slowest answers under disturbances (QUICK=1: in about a minute)
	cd bench && $(GO) run ./cmd/tails $(if $(QUICK),-quick) $(ARGS)

regress: ## compare this tree with AGAINST=commit, or the last release; fails when worse
	cd bench && $(GO) run ./cmd/regress $(if $(AGAINST),-against $(AGAINST)) $(if $(QUICK),-quick) $(ARGS)

chaos: build ## break everything under load, check every answer; docs/chaos.md (QUICK=1: under two minutes, out/ only)
	@$(GO) build -trimpath -o $(OUT)/chaosrun ./cmd/internal/chaosrun
	$(OUT)/chaosrun chaos $(if $(QUICK),-quick,-docs docs/chaos.md) -out $(OUT) $(ARGS) $(OUT)/bin

soak: build ## load for an hour at a fifth of the maximum, and see that nothing grows (FOR=1h)
	@$(GO) build -trimpath -o $(OUT)/chaosrun ./cmd/internal/chaosrun
	$(OUT)/chaosrun soak -for $(or $(FOR),1h) -docs docs/soak.md -out $(OUT) $(ARGS) $(OUT)/bin

micro: ## run the micro-benchmarks (BENCH=regexp, COUNT=n, PKG=./ipc/...)
	@mkdir -p $(OUT)
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) $(or $(PKG),./...) | tee $(OUT)/micro.txt

# The old side is an archive of the commit in a temporary folder, and test binaries of
# both sides take turns, so that what the machine does meanwhile happens to both.
BENCHSTAT  := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
MICROFLAGS := -test.run '^$$' -test.bench '$(or $(BENCH),.)' -test.benchmem -test.benchtime 0.2s
micro-diff: ## compare micro-benchmarks with those of AGAINST=commit (PKG=./ipc, BENCH=regexp, COUNT=8)
	@mkdir -p $(OUT); test -n "$(AGAINST)" -a -n "$(PKG)" || { echo "make micro-diff AGAINST=commit PKG=./folder"; exit 2; }
	@git rev-parse --verify --quiet "$(AGAINST)^{commit}" >/dev/null || { echo "$(AGAINST) is not a commit"; exit 2; }
	@test -d "$(PKG)" || { echo "$(PKG) is not a folder: one package at a time"; exit 2; }
	@set -e; old=$$(mktemp -d); trap 'rm -rf "$$old"' EXIT INT TERM; mkdir -p $(LINTERS); \
	test -x $(LINTERS)/benchstat || GOBIN="$(abspath $(LINTERS))" $(GO) install $(BENCHSTAT); \
	git archive $(AGAINST) | tar x -C $$old; \
	(cd $$old && $(GO) test -c -o old.test $(PKG)); \
	$(GO) test -c -o $(OUT)/new.test $(PKG); \
	: > $(OUT)/micro-old.txt; : > $(OUT)/micro-new.txt; \
	for i in $$(seq $(or $(COUNT),8)); do \
		(cd $$old/$(PKG) && $$old/old.test $(MICROFLAGS)) >> $(OUT)/micro-old.txt; \
		(cd $(PKG) && "$(abspath $(OUT))/new.test" $(MICROFLAGS)) >> $(OUT)/micro-new.txt; \
	done; \
	$(LINTERS)/benchstat $(AGAINST)=$(OUT)/micro-old.txt new=$(OUT)/micro-new.txt

# Built at pinned versions, so that a newer linter cannot turn a commit red.
lint: ## check formatting, vet, staticcheck and golangci-lint
	@mkdir -p $(LINTERS)
	@test -x $(LINTERS)/golangci-lint || echo "building the linters, once: this takes minutes"
	@test -x $(LINTERS)/gofumpt || GOBIN="$(abspath $(LINTERS))" $(GO) install mvdan.cc/gofumpt@v0.12.0
	@test -x $(LINTERS)/staticcheck || GOBIN="$(abspath $(LINTERS))" $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	@test -x $(LINTERS)/golangci-lint || GOBIN="$(abspath $(LINTERS))" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@files=$$($(LINTERS)/gofumpt -l $$(git ls-files '*.go' ':!*.pb.go')); if [ -n "$$files" ]; then echo "not gofumpt-ed:"; echo "$$files"; exit 1; fi
	$(GO) vet $(PKGS)
	$(LINTERS)/staticcheck $(PKGS)
	$(LINTERS)/golangci-lint run
	@set -e; for module in $(MODULES); do (set -x; cd $$module; $(GO) vet ./...; "$(abspath $(LINTERS))/staticcheck" ./...; "$(abspath $(LINTERS))/golangci-lint" run); done

# promtool 0.x is Prometheus 3's: the module has no version 3. It replaces a module that it
# needs, so go install refuses it; it is built in a module of its own.
PROMTOOL ?= $(or $(shell command -v promtool),$(LINTERS)/promtool)
monitoring: ## check and test the alert rules (with promtool; built when there is none)
	@mkdir -p $(LINTERS)
	@command -v $(PROMTOOL) >/dev/null || { made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && cd "$$made" && $(GO) mod init promtool && \
		$(GO) get github.com/prometheus/prometheus/cmd/promtool@v0.305.0 && $(GO) build -o "$(abspath $(LINTERS))/promtool" github.com/prometheus/prometheus/cmd/promtool; }
	cd deploy/monitoring && "$(abspath $(PROMTOOL))" check config prometheus.yaml && "$(abspath $(PROMTOOL))" test rules alerts_test.yaml

# Packagers are built at pinned versions too, as Go modules.
TOOLS := $(OUT)/tools
DIST  := $(OUT)/dist
ARCHES ?= amd64 arm64
$(TOOLS)/nfpm:
	GOBIN="$(abspath $(TOOLS))" $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
$(TOOLS)/cyclonedx-gomod:
	GOBIN="$(abspath $(TOOLS))" $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

dist: $(TOOLS)/cyclonedx-gomod ## build what is released: static binaries, manual, completion, bill of materials
	@mkdir -p $(DIST)
	SBOM="$(abspath $(TOOLS)/cyclonedx-gomod)" deploy/packaging/dist $(DIST) $(ARCHES)

deb: dist $(TOOLS)/nfpm ## make Debian packages, in out/dist
	for arch in $(ARCHES); do NFPM="$(abspath $(TOOLS)/nfpm)" deploy/packaging/package deb $(DIST) $$arch || exit 1; done

rpm: dist $(TOOLS)/nfpm ## make RPM packages, in out/dist
	for arch in $(ARCHES); do NFPM="$(abspath $(TOOLS)/nfpm)" deploy/packaging/package rpm $(DIST) $$arch || exit 1; done

# The second version is the first under a higher number, to upgrade to.
HOSTARCH = $$($(GO) env GOHOSTARCH)
two-versions: deb rpm
	for format in deb rpm; do PACKAGE_VERSION=9999 NFPM="$(abspath $(TOOLS)/nfpm)" deploy/packaging/package $$format $(DIST) "$(HOSTARCH)" $(OUT)/dist-next || exit 1; done

deploy-test: ## try the packages under a real systemd, as root: deploy/test says what it needs
	$(MAKE) two-versions ARCHES="$(HOSTARCH)"
	deploy/test/systemd $(DIST) $(OUT)/dist-next

machine-test: ## the same in a machine with a kernel of its own, where memory is bounded (QEMU; ACCEL=tcg)
	$(MAKE) two-versions ARCHES="$(HOSTARCH)"
	deploy/test/machine $(DIST) $(OUT)/dist-next

cluster-test: ## run the DaemonSet on a node: a real kubelet and control plane, in a container, as root
	$(MAKE) dist ARCHES="$(HOSTARCH)"
	deploy/cluster/run $(DIST)

observe: ## watch the daemons with a real Prometheus (PROMETHEUS=path) and OpenTelemetry Collector
	cd deploy/observe && $(GO) vet ./... && $(GO) test -count=1 ./...

# Not from the cache: what they look at lies outside of their modules.
schema: ## hold the DaemonSet and the dashboard against Kubernetes' and Grafana's types
	cd deploy/schema && $(GO) vet ./... && $(GO) test -count=1 ./...
	cd deploy/packaging/notices && $(GO) vet ./... && $(GO) test -count=1 ./...

reproducible: $(TOOLS)/nfpm $(TOOLS)/cyclonedx-gomod ## build twice, from two copies in two folders, and compare every byte
	NFPM="$(abspath $(TOOLS)/nfpm)" SBOM="$(abspath $(TOOLS)/cyclonedx-gomod)" deploy/test/reproducible

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME (30s), or those of PKG=./ipc/... FUZZ=regexp
	@$(GO) list $(or $(PKG),./...) | while read -r pkg; do \
		$(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' | grep -E '$(FUZZ)' | while read -r target; do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$pkg || exit 1; \
		done || exit 1; \
	done

train: ## train the models from DATA=dir into OUTDIR (default: the embedded ones; needs Python)
	@test -n "$(DATA)" || { echo "make train DATA=dir: the folder with the data sets; daemon/train/README.md says where each comes from"; exit 2; }
	daemon/train/run "$(DATA)" "$(or $(OUTDIR),daemon/models)"

eval: ## judge the models on DATA=dir: table, out/eval.json (MODELS=dir, or URL=http://… of a live mld)
	@test -n "$(DATA)" || { echo "make eval DATA=dir: the folder with the data sets; docs/judging.md says what it reads"; exit 2; }
	@mkdir -p $(OUT)
	$(GO) run ./daemon/eval -data "$(DATA)" -out $(OUT) $(if $(MODELS),-models "$(MODELS)") $(if $(URL),-url "$(URL)") $(ARGS)

clean: ## remove out/
	rm -rf $(OUT)
