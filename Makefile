# loop: the front of the build. Everything goes to build/; Meson and ninja work underneath.
#
#   make run      install what is needed, build, run the C hello
#   make test     the same, and run every test (ONLY=unit|golden|... for one group)
#   make help     the rest

SHELL := /bin/sh
comma := ,
B := build
CACHE := $(or $(LOOP_CACHE_DIR),$(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME)/loop,$(HOME)/.cache/loop))
WASM_TOOLS ?= $(CACHE)/venv/bin/wasm-tools
export WASM_TOOLS

.PHONY: all run install uninstall docs new-provider test bench asan tsan attacks-mutants soak fuzz fmt check examples guests sidecars setup setup-all setup-tests engine clean help wit-tool
.DEFAULT_GOAL := all

all: engine wit-tool $(B)/build.ninja
	@ninja -C $(B) --quiet

run: all
	@sh tools/build_examples.sh $(B)/examples --lang c hello
	@$(B)/loop run $(B)/examples/c-hello.wasm
	@echo "That was $(B)/examples/c-hello.wasm. Next: $(B)/loop inspect $(B)/examples/c-hello.wasm, then knowledge/tutorial.md"

# What is built, as it is: after `make`; as root where PREFIX asks for it.
PREFIX ?= /usr/local
LIBDIR ?= lib
install:
	@python3 tools/install.py $(B) "$(DESTDIR)$(PREFIX)" --libdir "$(LIBDIR)"
uninstall:
	@python3 tools/install.py --remove "$(DESTDIR)$(PREFIX)"

docs:
	@python3 tools/api_docs.py --out $(B)/docs/api --man $(B)/docs/man3

new-provider:
	@python3 tools/new_provider.py --loop $(B)/loop -- "$(NAME)"

setup:
	@sh tools/setup/apt.sh

# A toolchain that cannot be had is left out, with what depends on it; the tests say so.
setup-all: setup
	@sh tools/setup/wasm-tools.sh
	@sh tools/setup/rust-guest.sh || echo "the Rust examples are left out"
	@sh tools/setup/js-guest.sh || echo "the JS examples are left out"

# A registry, which is a service of this machine once it is installed: for tests alone.
setup-tests: setup
	@sh tools/setup/apt.sh --tests || echo "the tests against docker's registry are left out"

engine: setup
	@python3 tools/build_engine.py $(B)/engine

# The program loop-wit: what `loop build` and `loop compose` need of WIT.
wit-tool: setup
	@python3 tools/build_wit_tool.py $(B)/loop-wit

$(B)/build.ninja: meson.build meson_options.txt | engine
	@meson setup $(B) $(if $(wildcard $(B)/build.ninja),--reconfigure) >$(B)/meson.log 2>&1 || { cat $(B)/meson.log; exit 1; }

examples: setup-all
	@sh tools/build_examples.sh $(B)/examples

guests: setup-all
	@sh tools/build_test_guests.sh $(B)/guests
	@sh tools/build_conformance.sh $(B)/conformance

# Those that are compiled; Node's and Python's run as they are.
sidecars:
	@sh tools/build_sidecars.sh $(B)/sidecars

test: setup-tests setup-all all examples guests sidecars
	@python3 tests/run.py --build $(B) $(if $(ONLY),--only $(ONLY))

check: setup-all all
	@python3 tools/check.py --build $(B)

bench: setup-all all guests
	@sh tools/setup/wasm-tools.sh --peer
	@[ "$(or $(ONLY),calls)" != calls ] || sh tools/setup/bench-peers.sh || echo "the rows of a peer that is missing are left out"
	@python3 tools/bench.py --build $(B) $(if $(ONLY),--only $(ONLY))

# Address and undefined-behaviour sanitizers over loop's own code, the same tests; not those that are the
# time of compilers of other languages, or that build programs of their own around what is installed.
asan: setup-tests setup-all engine wit-tool examples guests sidecars
	@[ -f build-asan/build.ninja ] || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >build/meson-asan.log 2>&1 || { cat build/meson-asan.log; exit 1; }
	@ninja -C build-asan --quiet
	@python3 tools/build_wit_tool.py build-asan/loop-wit
	@python3 tests/run.py --build build-asan --components $(B) $(if $(ONLY),--only $(ONLY),--without build$(comma)scaffold$(comma)install$(comma)hosts$(comma)sdk$(comma)docs)

# What runs on several threads, swaps above all, where every access is looked at. The engine's compiler
# gets one thread: it was not built for this, and what it does on several is all noise.
tsan: setup-all engine guests sidecars
	@[ -f build-tsan/build.ninja ] || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >build/meson-tsan.log 2>&1 || { cat build/meson-tsan.log; exit 1; }
	@ninja -C build-tsan --quiet
	@RAYON_NUM_THREADS=1 SWAPS=$${SWAPS:-32} SWAP_KEYS=$${SWAP_KEYS:-2000} python3 tests/run.py --build build-tsan --components $(B) --only $(or $(ONLY),unit,swap)

# Each guard switched off in turn, in a copy of the tree: an attack gets through without it.
attacks-mutants: setup-tests setup-all all examples guests sidecars
	@python3 tests/mutants.py --build $(B) $(if $(ONLY),--only $(ONLY)) $(if $(ENGINE),--engine)

# Some minutes of power cuts, failing disks and kill -9 for what stores, and thousands of swaps.
soak: setup-all all guests sidecars
	@STORE_CRASHES=5000 $(B)/tests/sqlite_crash_test
	@STORE_CRASHES=1000 $(B)/tests/sqlite_take_test
	@STORE_KILLS=200 $(B)/tests/sqlite_kill_test
	@STORE_KILLS=200 SOAK_SECONDS=120 python3 tests/run.py --build $(B) --only storage,sidecars
	@HOSTILE=10000 LOOP_TEST_GUESTS=$(B)/guests $(B)/tests/limits_test
	@SWAP_FIGURES=1 SWAPS=1000 SWAP_KEYS=100000 FLAT_SWAPS=10000 python3 tests/run.py --build $(B) --only swap

fuzz: engine
	@sh tools/setup/wasm-tools.sh
	@sh tools/fuzz.sh $(B)

fmt: setup
	@{ git ls-files '*.c' '*.h' 2>/dev/null || find . -name '*.[ch]' -not -path './build*'; } | grep -v -e '/gen/' -e '^include/loop/wit/' -e '^engine/wasi_rows.c' | xargs clang-format-19 -i

clean:
	rm -rf $(B) build-asan build-tsan build-fuzz build-mutants

help:
	@sed -n 's/^#   //p' Makefile
	@printf '%s\n' \
	  'make install  what is built, into PREFIX (/usr/local), its LIBDIR (lib), below DESTDIR; make uninstall' \
  'make docs     the reference of the C API, into build/docs/api' \
	  'make new-provider NAME=x  providers/x, from templates/provider; outside: loop provider new' \
	  'make examples the components of examples/, in C, Rust and JS' \
	  'make check    layers, formatting, WIT, generated files, licences' \
	  'make bench    timings as ratios against a peer, into build/bench.tsv' \
	  'make asan     the tests of loop itself under the address and undefined-behaviour sanitizers' \
	  'make tsan     unit tests and swaps under ThreadSanitizer' \
  'make attacks-mutants  each guard switched off in turn (tests/attacks/mutants.txt): an attack is red for each' \
  'make soak     power cuts and kill -9 for what stores, thousands of swaps; more than a quarter of an hour' \
  'make fuzz     each fuzz target for a minute, 10,000 random signatures' \
	  'make fmt      format the C code'
