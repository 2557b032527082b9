# Everything that runs produce goes to out/, which git ignores.
OUT := out
GO  := go
# The go command leaves folders named testdata out of ./... .
PKGS := ./... ./testdata/traces

.DEFAULT_GOAL := help
.PHONY: help build run test bench curves tails regress micro lint fuzz train clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the three commands into out/bin
	@mkdir -p $(OUT)/bin
	$(GO) build -trimpath -o $(OUT)/bin/ ./cmd/ml-bridge ./cmd/mld ./cmd/kernelsim

run: build ## run the whole path on this machine and show the verdict (ARGS="kernelsim's flags")
	@$(GO) build -trimpath -o $(OUT)/run-local ./cmd/internal/local
	@$(OUT)/run-local $(OUT)/bin --out $(OUT) $(ARGS)

test: ## run every test, with the race detector
	$(GO) vet $(PKGS)
	$(GO) test -race -timeout 15m $(PKGS)

bench: ## measure the whole path beside its peers (QUICK=1: under a minute)
	cd bench && $(GO) run ./cmd/chain $(if $(QUICK),-quick) $(ARGS)

curves: ## measure how cost grows with work, up to saturation (QUICK=1: about a minute)
	cd bench && $(GO) run ./cmd/curves $(if $(QUICK),-quick) $(ARGS)

tails: ## measure the slowest answers under disturbances (QUICK=1: in about a minute)
	cd bench && $(GO) run ./cmd/tails $(if $(QUICK),-quick) $(ARGS)

regress: ## compare this tree with AGAINST=commit, or the last release; fails when worse
	cd bench && $(GO) run ./cmd/regress $(if $(AGAINST),-against $(AGAINST)) $(if $(QUICK),-quick) $(ARGS)

micro: ## run the micro-benchmarks (BENCH=regexp, COUNT=n, PKG=./ipc/...)
	@mkdir -p $(OUT)
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem -count $(or $(COUNT),1) $(or $(PKG),./...) | tee $(OUT)/micro.txt

# Built at pinned versions, so that a newer linter cannot turn a commit red.
LINTERS := $(OUT)/linters
lint: ## check formatting, vet, staticcheck and golangci-lint
	@mkdir -p $(LINTERS)
	@test -x $(LINTERS)/golangci-lint || echo "building the linters, once: this takes minutes"
	@test -x $(LINTERS)/gofumpt || GOBIN=$(abspath $(LINTERS)) $(GO) install mvdan.cc/gofumpt@v0.12.0
	@test -x $(LINTERS)/staticcheck || GOBIN=$(abspath $(LINTERS)) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	@test -x $(LINTERS)/golangci-lint || GOBIN=$(abspath $(LINTERS)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@files=$$($(LINTERS)/gofumpt -l $$(git ls-files '*.go' ':!*.pb.go')); if [ -n "$$files" ]; then echo "not gofumpt-ed:"; echo "$$files"; exit 1; fi
	$(GO) vet $(PKGS)
	$(LINTERS)/staticcheck $(PKGS)
	$(LINTERS)/golangci-lint run

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME (30s), or those of PKG=./ipc/... FUZZ=regexp
	@$(GO) list $(or $(PKG),./...) | while read -r pkg; do \
		$(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' | grep -E '$(FUZZ)' | while read -r target; do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done || exit 1; \
	done

train: ## train the models from DATA=dir into OUTDIR (default: the embedded ones; needs Python)
	@test -n "$(DATA)" || { echo "make train DATA=dir: the folder with the data sets; daemon/train/README.md says where each comes from"; exit 2; }
	daemon/train/run "$(DATA)" "$(or $(OUTDIR),daemon/models)"

clean: ## remove out/
	rm -rf $(OUT)
