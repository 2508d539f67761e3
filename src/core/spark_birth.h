/* spark_birth.h - what the birth of a node or device told: its metrics, by name and by alias.
 *
 * A birth is made anew each time and replaces the one before; all of it lives in one arena. */
#ifndef CORE_SPARK_BIRTH_H
#define CORE_SPARK_BIRTH_H

#include "base/map.h"
#include "codec/sparkplug.h"
#include "core/provision.h"

enum { SPARK_METRICS_MAX = 100000 }; /* of one birth */

struct spark_metric {
    struct slice name, sensor, unit; /* unit p NULL: not said */
    uint64_t alias, type;
    bool control; /* the protocol's own, such as bdSeq: no reading */
};

struct spark_birth; /* opaque */

/* NULL: out of memory, or (*ret_why) too many metrics, or one that has no name. */
struct spark_birth *spark_birth_new(const struct spb_payload *p, const char **ret_why);
void spark_birth_free(struct spark_birth *b);          /* NULL is nothing */
size_t spark_birth_bytes(const struct spark_birth *b); /* memory; 0 of NULL */

/* What a metric of a message means: by its name, else by its alias; NULL: the birth did not tell.
 */
const struct spark_metric *spark_birth_find(const struct spark_birth *b,
                                            const struct spb_metric *m);

/* Want what of it can become readings and is not there. */
void spark_birth_want(const struct spark_birth *b, struct provision *p,
                      const struct provision_twin *twin);

#endif
