#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs forge's tests and prints TAP. Node is taken from ACESO_NODE or PATH.
set -u
cd "$(dirname "$0")" || exit 1
node=${ACESO_NODE:-node}
forge=../.deps/node/node_modules/@foundry-rs/forge-linux-amd64/bin/forge
# The compiler that forge calls is a script for `node`.
case $node in */*) PATH=$(dirname "$node"):$PATH ;; esac
export PATH FOUNDRY_DISABLE_NIGHTLY_WARNING=1

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
"$forge" test --json 2>"$log" | "$node" tap.mjs
status=$?
[ $status -eq 0 ] || cat "$log" >&2
exit $status
