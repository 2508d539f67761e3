/* manage.h - what the commands about organisations, members, tokens and shares have in common. */
#ifndef SERVER_MANAGE_H
#define SERVER_MANAGE_H

#include "server/client.h"

#include <stdarg.h>

/* One command's talk with the server. */
struct manage {
    const struct invocation *in;
    struct client *client;
    struct answer answer; /* of the last call */
    char org[64];         /* --org, or the one that the server takes for who asks */
};

/* Connect; with_org: find out which organisation is meant.  A code, told when it is not CODE_OK;
 * manage_end() in every case. */
int manage_begin(struct manage *m, const struct invocation *in, bool with_org);
void manage_end(struct manage *m);

/* GET, or a change with an object as body; anything but 2xx is told as "DOING: ..." and becomes a
 * code.  With --json the answer is printed as it came.  In paths %s is escaped. */
int manage_get(struct manage *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
int manage_do(struct manage *m, const char *method, const struct buf *body, const char *doing,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A body, member by member; a NULL text is left out. */
void form_begin(struct json_writer *w, struct buf *out);
void form_text(struct json_writer *w, const char *key, const char *text);
void form_expires(struct json_writer *w, int64_t from_now_us); /* 0: left out */

/* --for DURATION, as microseconds; 0 without.  CODE_USAGE is told. */
int manage_for(const struct invocation *in, int64_t *ret_us);

/* A table of what stands in the answer under `array`, one column a heading: a member, or several
 * with "|" between of which the first that is there is shown; "to.name" is a member of a member. */
struct manage_column {
    const char *heading, *members;
};
void manage_table(const struct manage *m, const char *array, const struct manage_column *columns,
                  size_t n, const char *none);

/* The id of the member with that id, address or name.  A code, told when there is none. */
int manage_find_member(struct manage *m, const char *who, struct buf *ret_id);

#endif
