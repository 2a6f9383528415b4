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
    # Not a test: its numbers are read, not checked. Run it from the project's root.
    add_executable(bench_engine "${CMAKE_CURRENT_SOURCE_DIR}/tests/bench/bench_engine.c")
    target_link_libraries(bench_engine PRIVATE fr_testlib)
endif()
