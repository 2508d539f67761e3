set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

set(DOPPEL_SANITIZE "" CACHE STRING "sanitizers for every target: address,undefined or thread")
option(DOPPEL_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(DOPPEL_WERROR "warnings are errors" ON)

add_compile_definitions(_GNU_SOURCE DOPPEL_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wwrite-strings -Wcast-qual -Wformat=2 -Wimplicit-fallthrough -fno-common
  -fno-omit-frame-pointer -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(DOPPEL_WERROR)
  add_compile_options(-Werror)
endif()
include_directories(src)

if(DOPPEL_SANITIZE)
  add_compile_options(-fsanitize=${DOPPEL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DOPPEL_SANITIZE})
  # a file alone, so that the rest is the same to a cache of compilers
  set_source_files_properties(src/server/serve.c PROPERTIES COMPILE_DEFINITIONS DOPPEL_SANITIZED)
endif()
if(DOPPEL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  include(CheckIPOSupported)
  check_ipo_supported(RESULT DOPPEL_IPO LANGUAGES C)
  if(DOPPEL_IPO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # -flto=auto uses every core that the machine has
    add_compile_options(-flto=auto)
    add_link_options(-flto=auto)
  endif()
  add_compile_options(-D_FORTIFY_SOURCE=2 -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection)
  endif()
  # an assert is an invariant and stays in the program that people run
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
endif()
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
add_link_options(-Wl,-z,relro,-z,now)
