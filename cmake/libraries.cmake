# Every library of ours from outside, one line each, as `doppel::NAME`.  docs/dependencies.md
# gives the reasons.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(doppel_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(doppel::${name} ALIAS PkgConfig::${name})
endfunction()

doppel_pkg(uv libuv)
doppel_pkg(openssl openssl)
doppel_pkg(sodium libsodium)
doppel_pkg(utf8proc libutf8proc)
doppel_pkg(sqlite sqlite3)
doppel_pkg(nghttp2 libnghttp2)
doppel_pkg(zlib zlib)
doppel_pkg(curl libcurl)
doppel_pkg(cmocka cmocka)

# These have no pkg-config file in Debian.
function(doppel_plain name header library)
  find_path(${name}_INCLUDE ${header} REQUIRED)
  find_library(${name}_LIBRARY ${library} REQUIRED)
  add_library(doppel_${name}_library INTERFACE)
  target_include_directories(doppel_${name}_library SYSTEM INTERFACE ${${name}_INCLUDE})
  target_link_libraries(doppel_${name}_library INTERFACE ${${name}_LIBRARY} m)
  add_library(doppel::${name} ALIAS doppel_${name}_library)
endfunction()

doppel_plain(udunits udunits2.h udunits2)
doppel_plain(wslay wslay/wslay.h wslay)

# llhttp: Debian's node-llhttp ships its C source, which is compiled as it stands.
find_path(LLHTTP_INCLUDE llhttp.h PATHS /usr/share/include PATH_SUFFIXES llhttp node-llhttp REQUIRED)
file(GLOB LLHTTP_SOURCES /usr/share/llhttp/*.c /usr/share/llhttp/src/*.c)
if(NOT LLHTTP_SOURCES)
  message(FATAL_ERROR "the C source of llhttp is missing: apt-get install node-llhttp")
endif()
add_library(doppel_llhttp STATIC ${LLHTTP_SOURCES})
target_include_directories(doppel_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
target_compile_options(doppel_llhttp PRIVATE -w)
target_compile_definitions(doppel_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
add_library(doppel::llhttp ALIAS doppel_llhttp)
