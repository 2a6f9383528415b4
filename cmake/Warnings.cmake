# What every target of ours is compiled with: fr_warnings (private) and fr_sanitize (public).
# SPDX-License-Identifier: Apache-2.0
add_library(fr_warnings INTERFACE)
# A function without a declaration answers an int: a pointer is cut in half, on that version only.
target_compile_options(fr_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
    $<$<COMPILE_LANGUAGE:C>:-Werror=implicit-function-declaration>)
if(FRONTRUN_WERROR)
    target_compile_options(fr_warnings INTERFACE -Werror)
endif()

add_library(fr_sanitize INTERFACE)
if(FRONTRUN_SANITIZE)
    set(_flags "-fsanitize=${FRONTRUN_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(fr_sanitize INTERFACE ${_flags})
    target_link_options(fr_sanitize INTERFACE ${_flags})
endif()
