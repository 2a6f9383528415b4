# Finds the newest archive of libFuzzer that links here: FRONTRUN_LIBFUZZER_FOUND and fr_libfuzzer.
# SPDX-License-Identifier: Apache-2.0
include(CheckCSourceCompiles)

set(FRONTRUN_LIBFUZZER_ARCHIVE "" CACHE FILEPATH
    "libclang_rt.fuzzer_no_main archive; empty: look for the newest installed one")
# Where Linux packages have it, then the layout of per-target builds (OSS-Fuzz's image has that).
set(_arch "${CMAKE_SYSTEM_PROCESSOR}")
file(GLOB _archives
    "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-${_arch}.a"
    "/usr/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-${_arch}.a"
    "/usr/local/lib/clang/*/lib/linux/libclang_rt.fuzzer_no_main-${_arch}.a"
    "/usr/lib/llvm-*/lib/clang/*/lib/${_arch}-*linux-gnu/libclang_rt.fuzzer_no_main.a"
    "/usr/lib/clang/*/lib/${_arch}-*linux-gnu/libclang_rt.fuzzer_no_main.a"
    "/usr/local/lib/clang/*/lib/${_arch}-*linux-gnu/libclang_rt.fuzzer_no_main.a")

# Newest first: by the version in "clang/<version>/", whatever directory that is under.
function(sort_by_clang_version variable)
    set(_keyed "")
    foreach(_archive IN LISTS ${variable})
        string(REGEX REPLACE ".*/clang/([^/]+)/.*" "\\1" _version "${_archive}")
        list(APPEND _keyed "${_version}|${_archive}")
    endforeach()
    list(SORT _keyed COMPARE NATURAL ORDER DESCENDING)
    list(TRANSFORM _keyed REPLACE "^[^|]*[|]" "")
    set(${variable} "${_keyed}" PARENT_SCOPE)
endfunction()

if(FRONTRUN_LIBFUZZER_ARCHIVE)
    set(_archives "${FRONTRUN_LIBFUZZER_ARCHIVE}")
else()
    sort_by_clang_version(_archives)
endif()

# An archive that was built against another C++ library does not link: take the next one.
set(FRONTRUN_LIBFUZZER_FOUND FALSE)
set(CMAKE_REQUIRED_QUIET ON)
foreach(_archive IN LISTS _archives)
    string(MAKE_C_IDENTIFIER "FRONTRUN_LINKS_${_archive}" _links)
    set(CMAKE_REQUIRED_LIBRARIES "${_archive}" stdc++ m pthread dl)
    check_c_source_compiles("
        int LLVMFuzzerRunDriver(int *, char ***, int (*)(const unsigned char *, unsigned long));
        static int one(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }
        int main(int argc, char **argv) { return LLVMFuzzerRunDriver(&argc, &argv, one); }
        " ${_links})
    unset(CMAKE_REQUIRED_LIBRARIES)
    if(${_links})
        set(FRONTRUN_LIBFUZZER_FOUND TRUE)
        set(_libfuzzer "${_archive}")
        break()
    endif()
    message(STATUS "libFuzzer: ${_archive} does not link (is g++ installed?)")
endforeach()

if(FRONTRUN_LIBFUZZER_FOUND)
    message(STATUS "libFuzzer: ${_libfuzzer}")
    add_library(fr_libfuzzer INTERFACE)
    target_compile_definitions(fr_libfuzzer INTERFACE FRONTRUN_LIBFUZZER=1)
    target_link_libraries(fr_libfuzzer INTERFACE "${_libfuzzer}" stdc++ m pthread dl)
else()
    message(WARNING
        "No usable libFuzzer archive (libclang_rt.fuzzer_no_main) was found: frontrun is built "
        "without the libFuzzer engine. To have it, install any libclang-rt-N-dev from LLVM 14 on "
        "(Debian: 'apt-get install libclang-rt-14-dev g++') and build again, or point "
        "-DFRONTRUN_LIBFUZZER_ARCHIVE= at the archive.")
endif()
