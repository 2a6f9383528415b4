# The extensions frontrun._core (pyhook/) and frontrun._fuzz (fuzz/).
# SPDX-License-Identifier: Apache-2.0
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
if(Python_VERSION VERSION_LESS 3.10 OR NOT Python_VERSION VERSION_LESS 3.15)
    message(FATAL_ERROR
        "CPython ${Python_VERSION} (${Python_EXECUTABLE}) is not supported; 3.10 to 3.14 are. "
        "Choose one with -DPython_EXECUTABLE=.")
endif()
include(LibFuzzer)
enable_language(ASM)  # a switch of stacks cannot be written in C

set(_exports "${CMAKE_CURRENT_SOURCE_DIR}/cmake/exports.map")

# Each extension has its own copy of the engine inside and exports nothing but its entry points.
function(add_extension name room)
    file(GLOB _sources CONFIGURE_DEPENDS
        "${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.c" "${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.S")
    Python_add_library(${name} MODULE WITH_SOABI ${_sources})
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_link_libraries(${name} PRIVATE fr_engine fr_warnings pthread)
    target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL "-Wl,--version-script,${_exports}")
    set_target_properties(${name} PROPERTIES LINK_DEPENDS "${_exports}")
    if(SKBUILD)
        install(TARGETS ${name} LIBRARY DESTINATION frontrun)
    endif()
endfunction()

add_extension(_core pyhook)
add_extension(_fuzz fuzz)
if(FRONTRUN_LIBFUZZER_FOUND)
    target_link_libraries(_fuzz PRIVATE fr_libfuzzer)
    # Another libFuzzer in the process (OSS-Fuzz preloads one) must not take the place of ours.
    target_link_options(_fuzz PRIVATE -Wl,-Bsymbolic)
endif()
