# How scripts speak: one sentence on stderr, and how they stop.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

say() {
    printf 'frontrun: %s\n' "$*" >&2
}

die() {
    say "$@"
    exit 2
}

# run_logged LOG COMMAND...: quiet if it works; if not, the end of its output and its exit code.
run_logged() {
    local log=$1 code=0
    shift
    "$@" >"$log" 2>&1 </dev/null || code=$?
    if ((code != 0)); then
        tail -n 60 "$log" >&2
        say "failed with exit code $code: $* (whole output: $log)"
    fi
    return "$code"
}
