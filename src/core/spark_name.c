/* spark_name.c - topics of Sparkplug, and the ids of twins and sensors.
 *
 * A twin is called group:node or group:node:device; a sensor like its metric, with colons for the
 * slashes of its folders; made_id.h says what other bytes become. */
#include "core/made_id.h"
#include "core/spark_in.h"

struct slice spark_twin_id(struct arena *a, struct slice group, struct slice node,
                           struct slice device)
{
    struct made_id id = {0};
    made_id_part(&id, group, MADE_ID_PART);
    made_id_byte(&id, ':');
    made_id_part(&id, node, MADE_ID_PART);
    if (device.p) {
        made_id_byte(&id, ':');
        made_id_part(&id, device, MADE_ID_PART);
    }
    return made_id_end(&id, a);
}

struct slice spark_sensor_id(struct arena *a, struct slice metric)
{
    struct made_id id = {0};
    made_id_part(&id, metric, MADE_ID_FOLDERS);
    return made_id_end(&id, a);
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
