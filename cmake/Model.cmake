# fr-model (tests/model/): the engine on abstract programs, a command of the built environment.
# SPDX-License-Identifier: Apache-2.0
file(GLOB _model CONFIGURE_DEPENDS
    "${CMAKE_CURRENT_SOURCE_DIR}/tests/model/fr_model.c"
    "${CMAKE_CURRENT_SOURCE_DIR}/tests/model/model_*.c")
add_executable(fr-model ${_model})
target_link_libraries(fr-model PRIVATE fr_testlib)
if(SKBUILD)
    install(TARGETS fr-model RUNTIME DESTINATION "${SKBUILD_SCRIPTS_DIR}")
endif()
if(FRONTRUN_BUILD_TESTS)
    # Not tests: their numbers are read, not checked. Run them from the project's root.
    foreach(_bench engine bound estimate)
        add_executable(bench_${_bench}
            "${CMAKE_CURRENT_SOURCE_DIR}/tests/bench/bench_${_bench}.c")
        target_link_libraries(bench_${_bench} PRIVATE fr_testlib)
    endforeach()
endif()
