# cmake -D OUT=DIR -P embed.cmake: writes DIR/assets.c and DIR/assets_bytes.S from DIR/list.cmake.
#
# Each file of the page becomes a row of `assets` (src/server/assets.h); text is compressed here, once,
# and an ETag is the hash of its content.  The demo's files become rows of `embedded_files`.
cmake_minimum_required(VERSION 3.25)
include(${OUT}/list.cmake)

set(types
  "html=text/html\\; charset=utf-8" "js=text/javascript\\; charset=utf-8"
  "mjs=text/javascript\\; charset=utf-8" "css=text/css\\; charset=utf-8"
  "json=application/json" "webmanifest=application/manifest+json"
  "svg=image/svg+xml" "txt=text/plain\\; charset=utf-8" "wasm=application/wasm" "xml=application/xml"
  "png=image/png" "jpg=image/jpeg" "jpeg=image/jpeg" "webp=image/webp" "avif=image/avif"
  "gif=image/gif" "ico=image/x-icon" "woff=font/woff" "woff2=font/woff2" "ttf=font/ttf"
  "glb=model/gltf-binary" "gltf=model/gltf+json" "pdf=application/pdf")
set(compressed html js mjs css json webmanifest svg txt wasm xml gltf ico ttf)

set(bytes "")
set(declarations "")
set(count 0)

# Adds a file to the bytes; its number is `count` before.
macro(add_bytes file size)
  string(APPEND bytes
    "    .balign 16\n    .globl doppel_embedded_${count}\ndoppel_embedded_${count}:\n    .incbin \"${file}\"\n    .byte 0\n")
  string(APPEND declarations "extern const unsigned char doppel_embedded_${count}[${size} + 1];\n")
endmacro()

set(asset_rows "")
set(assets_n 0)
file(MAKE_DIRECTORY ${OUT}/gz)
foreach(file IN LISTS WEB_FILES)
  file(RELATIVE_PATH path ${WEB_DIR} ${file})
  get_filename_component(extension ${file} LAST_EXT)
  string(REGEX REPLACE "^\\." "" extension "${extension}")
  string(TOLOWER "${extension}" extension)
  if(extension STREQUAL "map")
    continue() # the sources are at hand for whoever needs them
  endif()
  set(type "application/octet-stream")
  foreach(row IN LISTS types)
    if(row MATCHES "^${extension}=(.*)$")
      set(type "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 20 hash)
  file(SIZE ${file} size)
  set(gzip false)
  set(source ${file})
  if(extension IN_LIST compressed AND size GREATER 512)
    set(packed ${OUT}/gz/${hash}.gz)
    execute_process(COMMAND gzip -9 -n -c ${file} OUTPUT_FILE ${packed} RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "gzip failed for ${file}: ${failed}")
    endif()
    file(SIZE ${packed} packed_size)
    if(packed_size LESS size)
      set(gzip true)
      set(source ${packed})
      set(size ${packed_size})
    endif()
  endif()
  add_bytes(${source} ${size})
  string(APPEND asset_rows
    "    {\"/${path}\", \"${type}\", doppel_embedded_${count}, ${size}, ${gzip}, \"\\\"${hash}\\\"\"},\n")
  math(EXPR count "${count} + 1")
  math(EXPR assets_n "${assets_n} + 1")
endforeach()

set(file_rows "")
set(files_n 0)
foreach(file IN LISTS DEMO_FILES)
  get_filename_component(name ${file} NAME)
  file(SIZE ${file} size)
  add_bytes(${file} ${size})
  string(APPEND file_rows
    "    {\"demo/${name}\", {(const char *)doppel_embedded_${count}, ${size}}},\n")
  math(EXPR count "${count} + 1")
  math(EXPR files_n "${files_n} + 1")
endforeach()

file(WRITE ${OUT}/assets_bytes.S
"/* Made by cmake/embed.cmake. */\n    .section .rodata\n${bytes}    .section .note.GNU-stack, \"\", %progbits\n")
file(WRITE ${OUT}/assets.c
"/* Made by cmake/embed.cmake. */
#include \"server/assets.h\"

${declarations}
const struct api_asset assets[] = {
${asset_rows}    {0},
};
const size_t assets_n = ${assets_n};

const struct embedded embedded_files[] = {
${file_rows}    {0},
};
const size_t embedded_files_n = ${files_n};
")
