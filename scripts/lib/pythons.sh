# Interpreters: which are on this machine, which of them can be built for, which one is meant.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Needs: say.sh

# Prints "VERSION REAL_PATH VERDICT"; the verdict is "usable" or says what is missing.
probe_program='
import importlib.util, os, sys, sysconfig
version = "%d.%d.%d" % sys.version_info[:3]
verdict = "usable"
if sys.implementation.name != "cpython" or not (3, 10) <= sys.version_info < (3, 15):
    verdict = "not CPython 3.10 to 3.14"
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    verdict = "a free-threaded build, which is not supported"
elif not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    verdict = "without its C headers"
elif importlib.util.find_spec("ensurepip") is None:
    verdict = "without venv and ensurepip"
print(version, os.path.realpath(sys.executable), verdict)
'

# probe_python PATH: the line above; nothing if it is no working Python.
probe_python() {
    "$1" -I -S -c "$probe_program" 2>/dev/null || true
}

# Every candidate, one path per line: PATH first, in its order, then what pyenv has installed, then
# what scripts/python-debian has fetched.
# pyenv's shims are no interpreters: they only choose among its versions.
python_candidates() {
    local pyenv_root=${PYENV_ROOT:-$HOME/.pyenv} directory name directories
    IFS=: read -r -a directories <<<"$PATH"
    for directory in "${directories[@]}"; do
        [[ -n $directory && $directory != "$pyenv_root/shims" ]] || continue
        for name in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
            [[ ! -x $directory/$name ]] || printf '%s\n' "$directory/$name"
        done
    done
    for directory in "$pyenv_root"/versions/3.1[0-4]*; do
        [[ ! -x $directory/bin/python3 ]] || printf '%s\n' "$directory/bin/python3"
    done
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/frontrun-fuzz
    compgen -G "$cache/python3.*/usr/bin/python3.1[0-4]" || true
}

# Every interpreter that can be built for, newest first: "VERSION REAL_PATH", no path twice.
usable_pythons() {
    local path real version verdict
    local -A seen=()
    while read -r path; do
        real=$(readlink -f "$path")
        [[ -z ${seen[$real]-} ]] || continue
        seen[$real]=1
        read -r version real verdict < <(probe_python "$path") || continue
        # A virtual environment's python is a link whose target was seen, or will be.
        [[ $verdict != usable ]] || printf '%s %s\n' "$version" "$real"
    done < <(python_candidates) | sort -u | sort -V -r -k1,1 -s
}

# find_python WANTED: "VERSION REAL_PATH" of the interpreter that is meant by a path, a name
# (python3.12), a version (3.12, 3.12.1), or "" for the newest. Dies with a sentence if there is
# none.
find_python() {
    local wanted=$1 version path verdict
    if [[ -z $wanted ]]; then
        read -r version path < <(usable_pythons) || die "no usable Python was found; CPython 3.10" \
            "to 3.14 with its headers and venv is needed (Debian: python3-dev, python3-venv)"
        printf '%s %s\n' "$version" "$path"
        return
    fi
    if [[ $wanted == */* ]] || command -v "$wanted" >/dev/null; then
        read -r version path verdict < <(probe_python "$wanted") || version=
        if [[ $version && $verdict != usable ]]; then
            die "$wanted (Python $version) cannot be used: it is $verdict"
        fi
        [[ -z $version ]] || { printf '%s %s\n' "$version" "$path"; return; }
        [[ $wanted != */* ]] || die "$wanted is no working Python interpreter"
    fi
    wanted=${wanted#python}
    while read -r version path; do
        if [[ $version == "$wanted" || $version == "$wanted".* ]]; then
            printf '%s %s\n' "$version" "$path"
            return
        fi
    done < <(usable_pythons)
    die "no usable Python $wanted was found on PATH or among pyenv's versions;" \
        "scripts/pythons lists what there is"
}
