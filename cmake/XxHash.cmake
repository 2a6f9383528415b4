# Finds the header of xxHash (XXH3 is stable from 0.8.0 on) and offers it as fr_xxhash.
# SPDX-License-Identifier: Apache-2.0
find_path(XXHASH_INCLUDE_DIR xxhash.h DOC "Directory of xxhash.h")
if(NOT XXHASH_INCLUDE_DIR)
    message(FATAL_ERROR
        "xxhash.h was not found. Install xxHash 0.8 or newer (Debian and Ubuntu: "
        "'apt-get install libxxhash-dev'), or point -DXXHASH_INCLUDE_DIR= at its directory.")
endif()
file(STRINGS "${XXHASH_INCLUDE_DIR}/xxhash.h" _minor REGEX "define XXH_VERSION_MINOR +[0-9]+")
file(STRINGS "${XXHASH_INCLUDE_DIR}/xxhash.h" _major REGEX "define XXH_VERSION_MAJOR +[0-9]+")
string(REGEX MATCH "[0-9]+" _minor "${_minor}")
string(REGEX MATCH "[0-9]+" _major "${_major}")
if("${_major}.${_minor}" VERSION_LESS 0.8)
    message(FATAL_ERROR
        "${XXHASH_INCLUDE_DIR}/xxhash.h is version ${_major}.${_minor}; 0.8 or newer is needed, "
        "whose XXH3 hash no longer changes.")
endif()

add_library(fr_xxhash INTERFACE)
target_include_directories(fr_xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
