# What the engine's tests and fr-model share: abstract programs, brute force, checks (tests/lib).
# SPDX-License-Identifier: Apache-2.0
set(_tests "${CMAKE_CURRENT_SOURCE_DIR}/tests")
# Tests may look inside: they see the engine's private headers.
add_library(fr_test_settings INTERFACE)
target_include_directories(fr_test_settings INTERFACE
    "${CMAKE_CURRENT_SOURCE_DIR}/engine" "${_tests}/lib")
target_compile_definitions(fr_test_settings INTERFACE _GNU_SOURCE)
target_link_libraries(fr_test_settings INTERFACE fr_engine fr_warnings m)

file(GLOB _lib CONFIGURE_DEPENDS "${_tests}/lib/*.c")
if(_lib)
    add_library(fr_testlib STATIC ${_lib})
    target_link_libraries(fr_testlib PUBLIC fr_test_settings)
else()
    add_library(fr_testlib INTERFACE)
    target_link_libraries(fr_testlib INTERFACE fr_test_settings)
endif()
