# The tests of the engine: each tests/{unit,model}/test_<module>.c is one program of ctest.
# SPDX-License-Identifier: Apache-2.0
set(_tests "${CMAKE_CURRENT_SOURCE_DIR}/tests")
foreach(_kind unit model)
    file(GLOB _programs CONFIGURE_DEPENDS "${_tests}/${_kind}/test_*.c")
    foreach(_program IN LISTS _programs)
        get_filename_component(_name "${_program}" NAME_WE)
        string(REGEX REPLACE "^test_" "" _module "${_name}")
        add_executable(${_kind}_${_module} "${_program}")
        target_link_libraries(${_kind}_${_module} PRIVATE fr_testlib)
        add_test(NAME ${_kind}/${_module} COMMAND ${_kind}_${_module}
            WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    endforeach()
endforeach()
