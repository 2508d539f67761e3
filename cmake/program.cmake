# The program: build/<preset>/doppel, with the page (web/dist) and the demo's files inside.
#
# The page is built before (./run does); without web/dist the server has none and says so.  The
# measured weather of the demo comes out of an npm package, tools/demo-data; without it the demo has
# two twins instead of three.
enable_language(ASM)

set(DOPPEL_WEB_DIST ${CMAKE_SOURCE_DIR}/web/dist)
set(DOPPEL_WEATHER
  ${CMAKE_SOURCE_DIR}/tools/demo-data/node_modules/vega-datasets/data/seattle-weather.csv)
file(GLOB_RECURSE DOPPEL_WEB_FILES CONFIGURE_DEPENDS ${DOPPEL_WEB_DIST}/*)
file(GLOB DOPPEL_DEMO_FILES CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/blueprints/demo/*.json ${DOPPEL_WEATHER})
if(NOT EXISTS ${DOPPEL_WEB_DIST}/index.html)
  message(STATUS "the program will have no page: web/dist is not there (npm ci && npm run build in web)")
endif()
if(NOT EXISTS ${DOPPEL_WEATHER})
  message(STATUS "the demo will have no building: its weather is not there (npm ci in tools/demo-data)")
endif()

set(DOPPEL_EMBED_DIR ${CMAKE_BINARY_DIR}/embedded)
# the lists are in a file of their own, which changes when a file comes or goes
file(GENERATE OUTPUT ${DOPPEL_EMBED_DIR}/list.cmake CONTENT
"set(WEB_DIR [[${DOPPEL_WEB_DIST}]])
set(WEB_FILES [[${DOPPEL_WEB_FILES}]])
set(DEMO_FILES [[${DOPPEL_DEMO_FILES}]])
")
add_custom_command(
  OUTPUT ${DOPPEL_EMBED_DIR}/assets.c ${DOPPEL_EMBED_DIR}/assets_bytes.S
  COMMAND ${CMAKE_COMMAND} -D OUT=${DOPPEL_EMBED_DIR} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${CMAKE_SOURCE_DIR}/cmake/embed.cmake ${DOPPEL_EMBED_DIR}/list.cmake
          ${DOPPEL_WEB_FILES} ${DOPPEL_DEMO_FILES}
  COMMENT "embedding the page and the demo"
  VERBATIM)
add_library(doppel_embedded STATIC
  ${DOPPEL_EMBED_DIR}/assets.c ${DOPPEL_EMBED_DIR}/assets_bytes.S)
set_source_files_properties(${DOPPEL_EMBED_DIR}/assets_bytes.S PROPERTIES
  COMPILE_OPTIONS "-w" OBJECT_DEPENDS ${DOPPEL_EMBED_DIR}/assets.c)
target_link_libraries(doppel_server PUBLIC doppel_embedded doppel::openssl doppel::sqlite)

add_executable(doppel src/server/main.c)
target_link_libraries(doppel PRIVATE doppel_server)
install(TARGETS doppel RUNTIME DESTINATION bin)
