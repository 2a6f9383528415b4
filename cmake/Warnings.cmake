# What every target of ours is compiled with: fr_warnings (private) and fr_sanitize (public).
# SPDX-License-Identifier: Apache-2.0
add_library(fr_warnings INTERFACE)
target_compile_options(fr_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(FRONTRUN_WERROR)
    target_compile_options(fr_warnings INTERFACE -Werror)
endif()

add_library(fr_sanitize INTERFACE)
if(FRONTRUN_SANITIZE)
    set(_flags "-fsanitize=${FRONTRUN_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(fr_sanitize INTERFACE ${_flags})
    target_link_options(fr_sanitize INTERFACE ${_flags})
endif()
