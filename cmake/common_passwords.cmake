# The list of common passwords inside the room crypto, made from an npm package (tools/passwords),
# which ./run and ./test fetch.
enable_language(ASM)

set(DOPPEL_PASSWORDS
  ${CMAKE_SOURCE_DIR}/tools/passwords/node_modules/@zxcvbn-ts/language-common/src/passwords.json)
set(DOPPEL_PASSWORDS_TXT ${CMAKE_BINARY_DIR}/common_passwords/list.txt)
set(DOPPEL_PASSWORDS_S ${CMAKE_BINARY_DIR}/common_passwords/list.S)
file(WRITE ${DOPPEL_PASSWORDS_S}.new
"    .section .rodata
    .globl doppel_common_passwords, doppel_common_passwords_end
doppel_common_passwords:
    .incbin \"${DOPPEL_PASSWORDS_TXT}\"
doppel_common_passwords_end:
    .byte 0
    .section .note.GNU-stack, \"\", %progbits
")
file(COPY_FILE ${DOPPEL_PASSWORDS_S}.new ${DOPPEL_PASSWORDS_S} ONLY_IF_DIFFERENT)
if(EXISTS ${DOPPEL_PASSWORDS})
  add_custom_command(OUTPUT ${DOPPEL_PASSWORDS_TXT}
    COMMAND ${CMAKE_SOURCE_DIR}/tools/common-passwords ${DOPPEL_PASSWORDS} ${DOPPEL_PASSWORDS_TXT}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/common-passwords ${DOPPEL_PASSWORDS}
    COMMENT "sorting the common passwords"
    VERBATIM)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  message(FATAL_ERROR "the list of common passwords is missing: npm ci --ignore-scripts in tools/passwords")
else()
  message(WARNING "common passwords will be taken, and password_test fails: their list is missing (npm ci --ignore-scripts in tools/passwords, then cmake again)")
  file(TOUCH ${DOPPEL_PASSWORDS_TXT})
endif()
add_library(doppel_common_passwords STATIC ${DOPPEL_PASSWORDS_S})
set_source_files_properties(${DOPPEL_PASSWORDS_S} PROPERTIES
  COMPILE_OPTIONS "-w" OBJECT_DEPENDS ${DOPPEL_PASSWORDS_TXT})
add_library(doppel::common_passwords ALIAS doppel_common_passwords)
