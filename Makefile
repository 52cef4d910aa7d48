# Two commands: `make up` builds and runs a cluster on this machine, `make test` tests everything that needs no
# special hardware. Both need Go and nothing else.

GO      ?= go
MODULES := transport shard coordinator router ops
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
export CGO_ENABLED = 0

.PHONY: up build cross images test test-arm64 race vet lint fuzz e2e-containers bench fmt clean

up: build
	./bin/stagecoach up $(ARGS)

build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/stagecoach ./ops/cmd/stagecoach

# The same binary for other machines.
cross:
	GOOS=linux GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/stagecoach-linux-arm64 ./ops/cmd/stagecoach
	GOOS=darwin GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/stagecoach-darwin-arm64 ./ops/cmd/stagecoach

# The container image from binaries built here: it pulls nothing.
images: build
	$(GO) build -C transport -trimpath -ldflags '-s -w' -o ../bin/nats-server github.com/nats-io/nats-server/v2
	docker build --target local --tag stagecoach:latest .

test:
	set -e; for m in $(MODULES); do echo "== $$m"; (cd $$m && $(GO) test -timeout 30m ./...); done

# The engine for arm64 on an emulated processor: the kernels with and without the dot product, attention over the cache,
# and what models answer on every path. It needs qemu-aarch64-static (Debian: qemu-user-static) and takes minutes.
ARM64 := GOOS=linux GOARCH=arm64
QEMU  ?= qemu-aarch64-static
test-arm64:
	cd shard && $(GO) vet ./kernels/_arm64 && $(GO) test ./kernels/_arm64 && $(ARM64) $(GO) vet ./...
	set -e; for on in 'cortex-a72 neon' 'max neondot'; do set -- $$on; echo "== $$1, $$2"; \
	  $(ARM64) $(GO) run -exec "$(QEMU) -cpu $$1" ./ops/cmd/stagecoach version | grep "^kernels: *$$2 "; \
	  (cd shard && $(ARM64) $(GO) test -timeout 30m -short -exec "$(QEMU) -cpu $$1" ./kernels); done
	cd shard && $(ARM64) $(GO) test -timeout 30m -exec "$(QEMU) -cpu max" ./kv
	cd shard && $(ARM64) $(GO) test -timeout 30m -exec "$(QEMU) -cpu max" -run '^(TestPathsGiveTheSameBits|TestDemoIsTheSameOnEveryPath)$$' ./qwen2

# Packages whose goroutines share state, under the race detector (which needs cgo and a C compiler).
race:
	set -e; for m in $(MODULES); do echo "== $$m"; (cd $$m && CGO_ENABLED=1 $(GO) test -timeout 30m -race $$($(GO) list ./... | grep -Ev '/(quant|gguf|safetensors|synth|demo|place)$$')); done

vet:
	set -e; for m in $(MODULES); do (cd $$m && $(GO) vet ./...); done

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 5s
fuzz:
	.ci/fuzz-test
	set -e; for m in $(MODULES); do (cd $$m && for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | sed 's/^func //' | sort -u); do \
	    echo "== $$m/$$p $$f"; GO='$(GO)' ../.ci/fuzz $$p $$f $(FUZZTIME); done; done); done

# Containers, where a docker engine answers: chat, scale, a shard killed in mid-answer, usage.
e2e-containers: images
	cd ops && STAGECOACH_CONTAINERS=1 $(GO) test -count=1 -run TestContainers -v ./compose

bench:
	cd shard && $(GO) test -run '^$$' -bench . ./kernels ./qwen2

fmt:
	gofmt -w $(MODULES)

clean:
	rm -rf bin
