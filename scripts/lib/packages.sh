# What a fresh Debian lacks: looks for the tools themselves, and asks apt only for missing ones.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Needs: say.sh

# Every libFuzzer archive that is installed, where cmake/LibFuzzer.cmake looks.
libfuzzer_archives() {
    local machine
    machine=$(uname -m)
    compgen -G "/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer_no_main*.a" ||
        compgen -G "/usr/lib/clang/*/lib/*/libclang_rt.fuzzer_no_main*.a" ||
        compgen -G "/usr/local/lib/clang/*/lib/$machine-*/libclang_rt.fuzzer_no_main.a" || true
}

# newest_tool NAME: NAME, or the NAME-N with the highest N, on PATH; nothing if there is none.
newest_tool() {
    if command -v "$1" >/dev/null; then
        printf '%s\n' "$1"
    else
        compgen -c "$1-" | grep -E "^$1-[0-9]+\$" | sort -u -V | tail -n 1 || true
    fi
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Debian or what descends from it: everything that the tests need can be had there.
is_debian_like() {
    [[ -e /etc/debian_version ]]
}

# Can packages be installed here without asking anybody?
can_install() {
    command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

update_package_lists() {
    [[ -z ${package_lists_are_fresh-} ]] || return 0
    package_lists_are_fresh=1
    as_root apt-get -qq update >/dev/null 2>&1 || say "apt-get update failed; going on without it"
}

# install_packages NAME...: true if apt installed all of them. Quiet but for one sentence.
install_packages() {
    local log code=0
    can_install || return 1
    update_package_lists
    say "installing $*"
    log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        "$@" >"$log" 2>&1 </dev/null || code=$?
    ((code == 0)) || tail -n 5 "$log" >&2
    rm -f "$log"
    return "$code"
}

# Compiler, CMake and xxHash are needed; anything else only makes the build better.
need_build_tools() {
    local missing=()
    command -v "${CC:-cc}" >/dev/null || missing+=(gcc libc6-dev)
    command -v cmake >/dev/null || missing+=(cmake)
    command -v ninja >/dev/null || missing+=(ninja-build)
    compgen -G "/usr/include/xxhash.h" >/dev/null ||
        compgen -G "/usr/local/include/xxhash.h" >/dev/null || missing+=(libxxhash-dev)
    ((${#missing[@]} > 0)) || return 0
    install_packages "${missing[@]}" ||
        say "could not install ${missing[*]}; please install what provides them"
}

# The newest libclang-rt-N-dev that apt has, and the C++ library it is linked with.
need_libfuzzer() {
    local package
    [[ -z $(libfuzzer_archives) ]] || return 0
    if can_install; then
        update_package_lists
        for package in $(apt-cache search --names-only '^libclang-rt-[0-9]+-dev$' |
            cut -d' ' -f1 | sort -rV); do
            ! install_packages "$package" g++ || return 0
        done
    fi
    say "libFuzzer's archive could not be installed (any libclang-rt-N-dev from LLVM 14 on, and" \
        "g++); building without that engine"
}

# need_formatter: true if clang-format-14 is there, or could be installed.
need_formatter() {
    command -v clang-format-14 >/dev/null || install_packages clang-format-14
}

# Headers and venv for Debian's own Python, if no other interpreter is usable.
need_python() {
    [[ -z $(usable_pythons) ]] || return 0
    install_packages python3 python3-dev python3-venv ||
        say "could not install python3, python3-dev and python3-venv"
}
