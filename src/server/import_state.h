/* import_state.h - how far an import has come, in a file beside the table.
 *
 * The file says which table it belongs to (size, time of change, a checksum of its beginning),
 * which mapping and which server; where one of them is another, it is not the same import and the
 * state is of no use.  It is written whole and synced, after the rows it tells of were
 * acknowledged. */
#ifndef SERVER_IMPORT_STATE_H
#define SERVER_IMPORT_STATE_H

#include "base/buf.h"

struct import_state {
    uint64_t size, changed_us;
    uint32_t head, mapping; /* CRC-32C of the first bytes and of the mapping */
    const char *server;
    uint64_t rows; /* all before this one are settled */
    uint64_t accepted, refused, errors;
};

/* Fill in what tells the table: ERR_IO. */
int import_state_identify(int fd, struct slice mapping, const char *server,
                          struct import_state *ret);

/* Read what an earlier run left: 1 and its counts in *state, 0: nothing there, or of another import
 * (*ret_why says of what, NULL: there is no file).  state is identified before. */
int import_state_read(const char *path, struct import_state *state, const char **ret_why);
int import_state_write(const char *path, const struct import_state *state);

#endif
