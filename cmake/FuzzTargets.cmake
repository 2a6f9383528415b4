# The fuzz targets of the engine (tests/fuzz_targets), each for 2 s in ctest, 60 s if FRONTRUN_LONG.
# SPDX-License-Identifier: Apache-2.0
#
# With clang and its libFuzzer: coverage-guided under ASan and UBSan, whatever the other targets are
# built with. Else, in a sanitized build, over random bytes (driver.c). Without a sanitizer they
# would say little, and are left out.
include(CheckCSourceCompiles)

set(_fuzz_flags -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -g)
if(CMAKE_C_COMPILER_ID MATCHES "Clang" AND NOT FRONTRUN_SANITIZE)
    set(CMAKE_REQUIRED_FLAGS "-fsanitize=fuzzer,address,undefined")
    check_c_source_compiles("
        #include <stddef.h>
        #include <stdint.h>
        int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n) { return d != 0 && n == SIZE_MAX; }
        " FRONTRUN_FUZZES_TARGETS)
    unset(CMAKE_REQUIRED_FLAGS)
endif()

set(_targets "${CMAKE_CURRENT_SOURCE_DIR}/tests/fuzz_targets")
file(GLOB _programs CONFIGURE_DEPENDS "${_targets}/fuzz_*.c")
if(FRONTRUN_FUZZES_TARGETS)
    add_library(fr_fuzzed STATIC ${_engine} ${_lib})
    target_include_directories(fr_fuzzed PUBLIC
        "${CMAKE_CURRENT_SOURCE_DIR}/engine" "${CMAKE_CURRENT_SOURCE_DIR}/engine/include"
        "${_tests}/lib")
    target_compile_definitions(fr_fuzzed PUBLIC _GNU_SOURCE)
    target_compile_options(fr_fuzzed PUBLIC ${_fuzz_flags})
    target_link_options(fr_fuzzed PUBLIC ${_fuzz_flags})
    target_link_libraries(fr_fuzzed PUBLIC fr_warnings fr_xxhash m)
    set(_fuzz_parts "${_targets}/settings.c")
    set(_fuzz_library fr_fuzzed)
elseif(FRONTRUN_SANITIZE)
    set(_fuzz_parts "${_targets}/settings.c" "${_targets}/driver.c")
    set(_fuzz_library fr_testlib)
else()
    set(_programs "")
endif()

foreach(_program IN LISTS _programs)
    get_filename_component(_name "${_program}" NAME_WE)
    string(REGEX REPLACE "^fuzz_" "" _module "${_name}")
    add_executable(target_${_module} "${_program}" ${_fuzz_parts})
    target_link_libraries(target_${_module} PRIVATE ${_fuzz_library})
    # What is found new goes into the build directory; the model programs are there to begin with.
    set(_corpus "${CMAKE_CURRENT_BINARY_DIR}/corpus/${_module}")
    file(MAKE_DIRECTORY "${_corpus}")
    add_test(NAME target/${_module}
        COMMAND target_${_module} "${_corpus}" "${CMAKE_CURRENT_SOURCE_DIR}/tests/model"
        WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
endforeach()
