/* made_id.h - ids of twins and sensors out of words that others chose.
 *
 * Bytes that no id has become _.  An id that says less than what it was made of (such bytes, a
 * colon where none parts, more than 128 bytes, nothing at all) ends in a colon and eight digits of
 * a checksum of the whole, so that no two things have one id.  So do . and .., which the address of
 * a page or of REST cannot have in it.  Pure. */
#ifndef CORE_MADE_ID_H
#define CORE_MADE_ID_H

#include "base/arena.h"

enum { MADE_ID_MAX = 128 };

struct made_id { /* {0} to begin with */
    char text[MADE_ID_MAX];
    size_t n;
    uint32_t sum;
    bool lossy; /* it says less than what it was made of */
};

enum made_id_colons {
    MADE_ID_PART,    /* no colon is the part's own: one separates it from others */
    MADE_ID_WHOLE,   /* nothing else has colons here */
    MADE_ID_FOLDERS, /* its slashes become colons */
};

void made_id_byte(struct made_id *id, char c); /* that separates */
void made_id_part(struct made_id *id, struct slice part, enum made_id_colons how);
struct slice made_id_end(struct made_id *id, struct arena *a); /* p NULL: no memory */

#endif
