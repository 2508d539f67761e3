/* spark_name.c - topics of Sparkplug, and the ids of twins and sensors.
 *
 * A twin is called group:node or group:node:device; a sensor like its metric, with colons for the
 * slashes of its folders.  Bytes that no id has become _.  An id that says less than what it was
 * made of (such bytes, a colon where none parts, more than 128 bytes) ends in a colon and eight
 * digits of a checksum of the whole, so that no two things have one id. */
#include "base/crc32c.h"
#include "core/spark_in.h"

#include <stdio.h>

enum { ID_MAX = 128, SUFFIX = 9 };

struct id {
    char text[ID_MAX];
    size_t n;
    uint32_t sum;
    bool lossy;
};

static void add_byte(struct id *id, char c)
{
    if (id->n < ID_MAX)
        id->text[id->n++] = c;
    else
        id->lossy = true;
}

/* folders: a slash parts. */
static void add_part(struct id *id, struct slice part, bool folders)
{
    for (size_t i = 0; i < part.n; i++) {
        char c = part.p[i];
        bool fits = slice_is_id(slice_of(&c, 1)), folder = folders && c == '/';
        id->lossy |= (!fits && !folder) || c == ':';
        add_byte(id, folder ? ':' : fits ? c : '_');
    }
    id->sum = crc32c(id->sum, part.p ? part.p : "", part.n);
    id->sum = crc32c(id->sum, "", 1); /* its NUL: where the part ends */
}

static struct slice finish(struct id *id, struct arena *a)
{
    char suffix[SUFFIX + 1];
    if (!id->n)
        id->lossy = true;
    if (id->lossy) {
        if (id->n > ID_MAX - SUFFIX)
            id->n = ID_MAX - SUFFIX;
        snprintf(suffix, sizeof suffix, ":%08x", id->sum);
        memcpy(id->text + id->n, suffix, SUFFIX);
        id->n += SUFFIX;
    }
    return arena_dup(a, slice_of(id->text, id->n));
}

struct slice spark_twin_id(struct arena *a, struct slice group, struct slice node,
                           struct slice device)
{
    struct id id = {0};
    add_part(&id, group, false);
    add_byte(&id, ':');
    add_part(&id, node, false);
    if (device.p) {
        add_byte(&id, ':');
        add_part(&id, device, false);
    }
    return finish(&id, a);
}

struct slice spark_sensor_id(struct arena *a, struct slice metric)
{
    struct id id = {0};
    add_part(&id, metric, true);
    return finish(&id, a);
}

void spark_topic_parse(struct slice topic, struct spark_topic *ret)
{
    static const struct {
        const char *name;
        enum spark_kind kind;
        bool device;
    } types[] = {
        {"NBIRTH", SPARK_NBIRTH, false}, {"NDATA", SPARK_NDATA, false},
        {"NDEATH", SPARK_NDEATH, false}, {"DBIRTH", SPARK_DBIRTH, true},
        {"DDATA", SPARK_DDATA, true},    {"DDEATH", SPARK_DDEATH, true},
        {"NCMD", SPARK_NONE, false},     {"DCMD", SPARK_NONE, true},
    };
    struct slice rest, type;
    *ret = (struct spark_topic){.kind = SPARK_NONE};
    if (!slice_starts(topic, "spBv1.0/"))
        return;
    rest = slice_skip(topic, 8);
    slice_cut(&rest, '/', &ret->group);
    if (slice_is(ret->group, "STATE"))
        return;
    ret->kind = SPARK_BAD;
    if (!ret->group.n || !slice_cut(&rest, '/', &type) || !slice_cut(&rest, '/', &ret->node) ||
        !ret->node.n)
        return;
    bool device = rest.p != NULL;
    ret->device = rest;
    if (device && (!rest.n || slice_find(rest, '/') >= 0))
        return;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_is(type, types[i].name) && types[i].device == device)
            ret->kind = types[i].kind;
}
