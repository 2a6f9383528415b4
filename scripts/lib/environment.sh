# The built environment: one virtual environment per interpreter, with the project installed in it.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Needs: say.sh pythons.sh packages.sh, and $root, the project's directory

# environment_directory VERSION PATH: named after both, and after the project's own place, since a
# virtual environment cannot be moved.
environment_directory() {
    local sum
    sum=$(printf '%s:%s' "$root" "$2" | sha256sum)
    printf '%s/.venv/%s-%s\n' "$root" "$1" "${sum:0:8}"
}

# Changes whenever something changes that the installed package is made of.
environment_fingerprint() {
    (
        cd "$root"
        {
            printf '%s\n' "$1" "${CC-}" "${CFLAGS-}" "${LDFLAGS-}"
            libfuzzer_archives
            find CMakeLists.txt pyproject.toml README.md LICENSE cmake engine pyhook fuzz \
                tests/lib tests/model -type f ! -name '*.prog' ! -name '*.pyc' \
                -printf '%p %s %T@\n' | LC_ALL=C sort
        } | sha256sum
    )
}

create_environment() {
    local python=$1 directory=$2
    say "creating the environment $directory"
    rm -rf "$directory"
    mkdir -p "$root/.venv"
    run_logged "$directory.log" "$python" -m venv "$directory" || return
    run_logged "$directory.log" "$directory/bin/python" -m pip install --quiet \
        --disable-pip-version-check "scikit-build-core>=0.11" "pytest>=7" "hypothesis>=6" || return
    touch "$directory/created"
}

build_environment() {
    local directory=$1
    say "building for $("$directory/bin/python" --version)"
    PATH=$directory/bin:$PATH run_logged "$directory.log" "$directory/bin/python" -m pip install \
        --quiet --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall \
        --config-settings=build-dir="$directory/build" \
        --config-settings=cmake.define.FRONTRUN_BUILD_MODEL=ON "$root"
}

# Under the environment's lock, after somebody else may have done the work.
refresh_environment() {
    local python=$1 directory=$2 fingerprint
    fingerprint=$(environment_fingerprint "$python")
    [[ ! -e $directory/fingerprint || $(<"$directory/fingerprint") != "$fingerprint" ]] || return 0
    need_build_tools
    need_libfuzzer
    fingerprint=$(environment_fingerprint "$python")  # with what has just been installed
    [[ -e $directory/created ]] || create_environment "$python" "$directory" || return
    rm -f "$directory/fingerprint"
    build_environment "$directory" || return
    printf '%s\n' "$fingerprint" >"$directory/fingerprint"
}

# ready_environment VERSION PATH: makes it if needed; then $environment is its directory.
ready_environment() {
    environment=$(environment_directory "$1" "$2")
    if [[ -e $environment/fingerprint ]] &&
        [[ $(<"$environment/fingerprint") == "$(environment_fingerprint "$2")" ]]; then
        return 0
    fi
    mkdir -p "$root/.venv"
    { flock 9 && refresh_environment "$2" "$environment" 9>&-; } 9>"$environment.lock"
}
