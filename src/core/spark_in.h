/* spark_in.h - readings that come as Sparkplug B (Eclipse Sparkplug 3.0, as a host application).
 *
 * An edge node, and each device behind it, is a twin; each metric is a sensor.  A birth says which
 * metrics there are, of which type and under which alias; data that follows may name a metric by
 * its alias alone.  Twins and sensors that are missing are made at the birth, when a grant allows
 * it (core/provision.h).  While a node's session lasts its twins' sensors do not become stale,
 * however seldom they speak, for Sparkplug reports by exception; a death makes them stale at once.
 *
 * Messages of a node are taken one after the other: one that waits for twins to be made, or a death
 * that waits for readings before it to be applied, holds up those behind it.  A gap in the sequence
 * numbers, data before a birth, or an alias that no birth told, is answered with the wish for a
 * rebirth.  What is known of births is in memory alone: after a restart nodes connect anew and are
 * born again.
 *
 * The loop's thread.  Does not block. */
#ifndef CORE_SPARK_IN_H
#define CORE_SPARK_IN_H

#include "core/provision.h"

struct spark_in; /* opaque: one for a broker */

enum spark_kind {
    SPARK_NONE, /* no topic of Sparkplug's, or none that tells a host something */
    SPARK_NBIRTH,
    SPARK_NDATA,
    SPARK_NDEATH,
    SPARK_DBIRTH,
    SPARK_DDATA,
    SPARK_DDEATH,
    SPARK_BAD, /* it begins like one and is none */
};

struct spark_topic {
    enum spark_kind kind;
    struct slice group, node, device; /* device p NULL: of the node itself */
};

/* spBv1.0/{group}/{type}/{node}[/{device}]; NCMD, DCMD and STATE are SPARK_NONE. */
void spark_topic_parse(struct slice topic, struct spark_topic *ret);

struct spark_opts {
    /* Ask an edge node to be born again.  At most every few seconds of one node. */
    void (*rebirth)(void *arg, struct org *org, struct slice group, struct slice node);
    void *arg;
};

int spark_in_new(struct core *c, const struct spark_opts *opts, struct spark_in **ret);
/* Nobody is asked for a rebirth any more; its memory goes when the core has answered all. */
void spark_in_free(struct spark_in *s);

/* Take a message; src is what a rejection tells of it, grant what a birth may make (NULL: nothing).
 * done comes once, when its readings are on stable storage and applied, or refused; maybe before
 * this returns. */
void spark_in_take(struct spark_in *s, const struct ingest_source *src, struct slice payload,
                   struct provision_grant *grant, ingest_done_fn *done, void *arg);

/* The twin of a node or device, and the sensor of a metric; empty when memory ran out. */
struct slice spark_twin_id(struct arena *a, struct slice group, struct slice node,
                           struct slice device);
struct slice spark_sensor_id(struct arena *a, struct slice metric);

#endif
