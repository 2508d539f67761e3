/* check.h - one judgement of a profile under way: findings are gathered, placed and put in order.
 */
#ifndef TWIN_CHECK_H
#define TWIN_CHECK_H

#include "base/map.h"
#include "twin/profile.h"
#include "twin/shape.h"

enum { FINDINGS_MAX = 1000 };

struct raw_finding {
    const char *rule;
    const struct jval *at;
    const char *message;
    size_t order;
};

struct pile {
    struct raw_finding *items; /* at most FINDINGS_MAX */
    size_t n, cap;
    size_t count; /* of all, also of those that found no room */
};

struct check {
    struct arena *arena;
    const struct jval *root;
    const char *root_name; /* in messages; NULL: "the profile" */
    int64_t now_us;
    struct map sensor_ids; /* struct jval of the first sensor with this id */
    struct map sensor_types;
    struct pile errors, warnings;
    size_t core_errors;
    const struct jval *last_item; /* of a list, and its index: for the next one's index */
    size_t last_index;
    bool failed; /* memory ran out */
};

/* Is there room for one more?  When not, it is counted here and need not be put in words. */
bool check_room_error(struct check *c, const char *rule);
bool check_room_warn(struct check *c);

/* The message ends with a full stop of its own. */
void check_error(struct check *c, const char *rule, const struct jval *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void check_warn(struct check *c, const char *rule, const struct jval *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Place the findings in the text and put them in its order. */
int check_finish(struct check *c, struct slice text, struct findings *ret);

/* What a value is, for a message: "a list", or the value itself, cut when long. */
const char *check_show(struct check *c, const struct jval *v);

/* Where a value stands, for a message: sensors[0].unit, sensors[0] (temp-1); the root
 * is "the profile". */
const char *check_path(struct check *c, const struct jval *v);

/* ' becomes ": how the tables write JSON. */
const char *check_quotes(struct check *c, const char *text);

/* Everything that the table of the structure says of an object. */
void check_members(struct check *c, const struct jval *object, const struct field *fields);

/* Everything that it cannot say: what one member means for another, and advice. */
void check_relations(struct check *c);

/* Is it as its types say? */
struct type_eyes;
void check_types(struct check *c, const struct type_eyes *eyes);

#endif
