/* spark_in.c - sessions of edge nodes: births, data, deaths, in the order in which they came.
 *
 * A node has a line of jobs.  The first of them is at work until its readings were handed to the
 * journal, whose order is that of the handing over; its answer may come later, while the next is at
 * work.  Births and deaths, which change what sensors are, wait until all answers before them have
 * come. */
#include "core/spark_in.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/ingest.h"
#include "core/spark_birth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NODES_MAX = 10000,
    DEVICES_MAX = 10000, /* of a node */
    JOBS_MAX = 10000,    /* of a node, waiting */
    JOB_BYTES_MAX = 64 << 20,
    BIRTHS_BYTES_MAX = 512 << 20, /* of all births together */
    NAME_MAX_BYTES = 512,         /* of a group and a node together, and of a device */
};
#define REBIRTH_US INT64_C(5000000)
#define TIME_MAX_MS UINT64_C(9000000000000000 / 1000)

/* A node or a device. */
struct thing {
    struct slice name;         /* of the device; empty: the node itself */
    struct slice twin;         /* its id, as its organisation calls it */
    struct slice key;          /* and as the core does */
    struct spark_birth *birth; /* NULL: not born, or dead */
};

struct node {
    struct spark_in *owner;
    struct arena *arena; /* names; a device's, too */
    struct slice key;    /* of organisation, group and name */
    struct org *org;
    struct slice group, name;
    struct thing self;
    struct map devices;
    bool has_birth_seq;
    uint64_t birth_seq; /* bdSeq */
    uint8_t next_seq;
    int64_t rebirth_us; /* when one was asked for, monotonic; 0: none since the last birth */
    struct job *first, **last;
    size_t jobs_n, job_bytes, under_way;
    bool working, pumping;
};

struct job {
    struct job *next;
    struct node *node;
    struct spark_topic topic;
    struct slice payload;
    struct ingest_source src;
    struct ingest *in;
    struct provision_grant *grant;
    struct provision *asking;
    struct thing *thing;
    struct spb_payload read;
    ingest_done_fn *done;
    void *arg;
    char bytes[]; /* what the slices point into */
};

struct spark_in {
    struct core *core;
    struct spark_opts opts;
    struct map nodes;
    size_t jobs; /* not answered */
    size_t births_bytes;
    bool closing;
};

int spark_in_new(struct core *c, const struct spark_opts *opts, struct spark_in **ret)
{
    struct spark_in *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct spark_in){.core = c, .opts = *opts};
    *ret = s;
    return 0;
}

static void node_free(struct node *n)
{
    struct thing *t;
    size_t at = 0;
    while ((t = map_next(&n->devices, &at)))
        spark_birth_free(t->birth);
    spark_birth_free(n->self.birth);
    map_release(&n->devices);
    arena_free(n->arena);
    free(n);
}

static void really_free(struct spark_in *s)
{
    struct node *n;
    size_t at = 0;
    while ((n = map_next(&s->nodes, &at)))
        node_free(n);
    map_release(&s->nodes);
    free(s);
}

void spark_in_free(struct spark_in *s)
{
    if (!s)
        return;
    s->closing = true;
    if (!s->jobs)
        really_free(s);
}

/* ---- nodes and devices ---- */

/* The twin's id as the core calls it; p NULL: no memory. */
static struct slice twin_key(struct arena *a, const struct node *n, struct slice id)
{
    if (n->org == access_first_org(core_access(n->owner->core)))
        return id;
    const char *key = arena_printf(a, "%s~%.*s", org_slug(n->org), SLICE_ARG(id));
    return slice_str(key);
}

static struct node *node_new(struct spark_in *s, struct org *org, const struct spark_topic *t,
                             struct slice key)
{
    struct node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    *n = (struct node){.owner = s, .arena = arena_new(), .org = org, .last = &n->first};
    if (n->arena) {
        n->key = arena_dup(n->arena, key);
        n->name = slice_of(n->key.p + key.n - t->node.n, t->node.n);
        n->group = slice_of(n->name.p - 1 - t->group.n, t->group.n);
        n->self.twin = spark_twin_id(n->arena, t->group, t->node, (struct slice){0});
        n->self.key = twin_key(n->arena, n, n->self.twin);
    }
    if (!n->arena || !n->key.p || !n->self.twin.p || !n->self.key.p ||
        map_put(&s->nodes, n->key, n, NULL)) {
        node_free(n);
        return NULL;
    }
    return n;
}

/* Each organisation has its own groups. */
static struct node *find_node(struct spark_in *s, struct org *org, const struct spark_topic *t,
                              int *ret_err)
{
    struct buf key = {0};
    if (!org)
        org = access_first_org(core_access(s->core));
    buf_add_str(&key, org_slug(org));
    buf_add_byte(&key, 0);
    buf_add_slice(&key, t->group);
    buf_add_byte(&key, '/');
    buf_add_slice(&key, t->node);
    struct node *n = key.failed ? NULL : map_get(&s->nodes, buf_slice(&key));
    *ret_err = key.failed ? ERR_NOMEM : 0;
    if (!n && !*ret_err &&
        (s->nodes.count >= NODES_MAX || t->group.n + t->node.n >= NAME_MAX_BYTES))
        *ret_err = ERR_TOO_LARGE;
    else if (!n && !*ret_err && !(n = node_new(s, org, t, buf_slice(&key))))
        *ret_err = ERR_NOMEM;
    buf_release(&key);
    return n;
}

static struct thing *thing_new(struct node *n, struct slice device)
{
    struct thing *t = arena_zalloc(n->arena, sizeof *t);
    if (!t)
        return NULL;
    t->name = arena_dup(n->arena, device);
    t->twin = spark_twin_id(n->arena, n->group, n->name, device);
    t->key = twin_key(n->arena, n, t->twin);
    return t->name.p && t->twin.p && t->key.p && !map_put(&n->devices, t->name, t, NULL) ? t : NULL;
}

static int find_thing(struct node *n, struct slice device, struct thing **ret)
{
    struct thing *t = device.p ? map_get(&n->devices, device) : &n->self;
    if (!t && (n->devices.count >= DEVICES_MAX || device.n > NAME_MAX_BYTES))
        return ERR_TOO_LARGE;
    if (!t && !(t = thing_new(n, device)))
        return ERR_NOMEM;
    *ret = t;
    return 0;
}

static void set_birth(struct node *n, struct thing *t, struct spark_birth *birth)
{
    n->owner->births_bytes -= spark_birth_bytes(t->birth);
    n->owner->births_bytes += spark_birth_bytes(birth);
    spark_birth_free(t->birth);
    t->birth = birth;
}

static void die(struct node *n, struct thing *t)
{
    struct twin *twin = core_twin(n->owner->core, t->key);
    set_birth(n, t, NULL);
    if (twin)
        core_twin_session(n->owner->core, twin, false);
}

static void devices_die(struct node *n)
{
    struct thing *t;
    size_t at = 0;
    while ((t = map_next(&n->devices, &at)))
        die(n, t);
}

static void ask_rebirth(struct node *n)
{
    struct spark_in *s = n->owner;
    int64_t now = clock_mono_us();
    if (s->closing || (n->rebirth_us && now - n->rebirth_us < REBIRTH_US))
        return;
    n->rebirth_us = now;
    s->opts.rebirth(s->opts.arg, n->org, n->group, n->name);
}

/* ---- the line of jobs ---- */

static void pump(struct node *n);

static void job_end(struct job *job)
{
    struct spark_in *s = job->node ? job->node->owner : NULL;
    provision_free(job->asking);
    principal_unref(job->src.who);
    free(job);
    if (s && --s->jobs == 0 && s->closing)
        really_free(s);
}

static void on_ingested(void *arg, const struct ingest_result *r)
{
    struct job *job = arg;
    struct node *n = job->node;
    job->done(job->arg, r);
    n->under_way--;
    n->owner->jobs++; /* the node lives until it was pumped */
    job_end(job);
    pump(n);
    struct spark_in *s = n->owner;
    if (--s->jobs == 0 && s->closing)
        really_free(s);
}

/* Its readings go to the journal; the next is at work. */
static void hand_over(struct job *job)
{
    struct node *n = job->node;
    struct ingest *in = job->in;
    n->first = job->next;
    if (!n->first)
        n->last = &n->first;
    n->jobs_n--;
    n->job_bytes -= job->payload.n;
    n->working = false;
    n->under_way++;
    job->in = NULL;
    ingest_commit(in, on_ingested, job);
}

static void refuse(struct job *job, int err, const char *detail)
{
    ingest_refuse(job->in, job->thing ? job->thing->twin : job->node->self.twin, SLICE_LIT(""), err,
                  detail, SLICE_LIT(""));
    job->in->index++;
}

/* ---- metrics ---- */

static void refuse_metric(struct job *job, const struct spb_metric *m, int err, const char *detail)
{
    char alias[32];
    struct slice name = m->name;
    if (!name.n)
        name = slice_of(alias, (size_t)snprintf(alias, sizeof alias, "alias %llu",
                                                (unsigned long long)m->alias));
    ingest_refuse(job->in, job->thing->twin, name, err, detail, name);
    job->in->index++;
}

static uint8_t quality_of(const struct spb_metric *m)
{
    int32_t q = 192;
    spb_property_number(m->properties, "Quality", &q);
    return q == 192 ? QUALITY_GOOD : q == 0 ? QUALITY_BAD : QUALITY_UNCERTAIN;
}

/* No time, or 0 of a device without a clock, is the time of arrival. */
static void set_time(const struct job *job, const struct spb_metric *m, struct said *said)
{
    uint64_t ms = m->has_timestamp ? m->timestamp : job->read.timestamp;
    said->has_time = ms != 0;
    if (ms > TIME_MAX_MS) {
        said->err = ERR_BAD_TIME;
        said->detail = "the time is a number that Unix milliseconds do not reach";
    } else {
        said->t_us = (int64_t)ms * 1000;
    }
}

static void refuse_unknown(struct job *job, const struct spb_metric *m,
                           const struct spark_metric *known)
{
    char detail[512];
    const char *why = NULL;
    struct slice twin = job->thing->twin;
    bool there = core_twin(job->node->owner->core, job->thing->key);
    int err = job->asking ? provision_why(job->asking, twin, known->sensor, &why) : 0;
    if (err)
        snprintf(detail, sizeof detail, "%.*s of %.*s: %s", SLICE_ARG(known->sensor),
                 SLICE_ARG(twin), why);
    else if (there)
        snprintf(detail, sizeof detail, "%.*s has no sensor \"%.*s\", " PROVISION_NONE,
                 SLICE_ARG(twin), SLICE_ARG(known->sensor));
    else
        snprintf(detail, sizeof detail, "there is no twin \"%.*s\", " PROVISION_NONE,
                 SLICE_ARG(twin));
    refuse_metric(job, m, err ? err : there ? ERR_UNKNOWN_SENSOR : ERR_UNKNOWN_TWIN, detail);
}

static void take_metric(struct job *job, const struct spb_metric *m,
                        const struct spark_metric *known, struct twin *twin)
{
    char room[SPB_ROOM];
    struct said said = {.raw = known->name, .quality = quality_of(m), .unit = known->unit};
    struct sensor *s = twin ? core_sensor(twin, known->sensor) : NULL;
    const char *why;
    if (known->control || m->is_null ||
        (m->member == SPB_NOTHING && job->topic.kind != SPARK_NDATA &&
         job->topic.kind != SPARK_DDATA))
        return; /* a birth may tell of a metric that has no value yet */
    int err = spb_value(m, known->type ? known->type : m->type, room, &said.value, &why);
    if (err) {
        refuse_metric(job, m, err, why);
        return;
    }
    if (!s) {
        refuse_unknown(job, m, known);
        return;
    }
    set_time(job, m, &said);
    if (said.value.type == VALUE_TEXT || said.value.type == VALUE_BOOL)
        said.unit = (struct slice){0};
    ingest_take(job->in, s, &said);
}

static void take_metrics(struct job *job)
{
    struct node *n = job->node;
    struct twin *twin = NULL;
    struct spb_metric m;
    if (ingest_find(job->in, job->thing->twin, &twin))
        twin = NULL; /* each metric says so */
    size_t at = 0;
    while (spb_next(&job->read, &at, &m)) {
        const struct spark_metric *known = spark_birth_find(job->thing->birth, &m);
        if (known) {
            take_metric(job, &m, known, twin);
            continue;
        }
        refuse_metric(job, &m, ERR_UNKNOWN_SENSOR,
                      "its birth did not tell of this metric; a rebirth was asked for");
        ask_rebirth(n);
    }
}

/* ---- births ---- */

static void born(struct job *job)
{
    struct core *c = job->node->owner->core;
    struct twin *twin = core_twin(c, job->thing->key);
    if (twin)
        core_twin_session(c, twin, true);
    take_metrics(job);
    hand_over(job);
}

static void on_made(void *arg, struct provision *p)
{
    struct job *job = arg;
    struct node *n = job->node;
    (void)p;
    n->owner->jobs++; /* it lives until it was pumped */
    born(job);
    pump(n);
    struct spark_in *s = n->owner;
    if (--s->jobs == 0 && s->closing)
        really_free(s);
}

static struct provision_twin describe(const struct job *job)
{
    const struct node *n = job->node;
    struct slice device = job->thing->name;
    return (struct provision_twin){
        .id = job->thing->twin,
        .name = device.n ? device : n->name,
        .type = device.n ? SLICE_LIT("Sparkplug device") : SLICE_LIT("Sparkplug edge node"),
        .description = SLICE_LIT("Made from its Sparkplug B birth"),
    };
}

static void make_and_take(struct job *job)
{
    struct spark_in *s = job->node->owner;
    struct provision_twin twin = describe(job);
    struct asker by = ingest_asker(&job->src);
    if (job->grant)
        job->asking = provision_begin(s->core, &by, job->grant);
    if (!job->asking) {
        born(job);
        return;
    }
    spark_birth_want(job->thing->birth, job->asking, &twin);
    provision_commit(job->asking, on_made, job);
}

/* The number of a birth or death.  False: it is not there. */
static bool find_birth_seq(const struct spb_payload *p, uint64_t *ret)
{
    struct spb_metric m;
    size_t at = 0;
    while (spb_next(p, &at, &m)) {
        bool number = m.member == SPB_LONG_VALUE || m.member == SPB_INT_VALUE;
        if (!slice_is(m.name, "bdSeq") || !number)
            continue;
        *ret = m.bits;
        return true;
    }
    return false;
}

/* The birth of a message, or NULL after having refused it. */
static struct spark_birth *read_birth(struct job *job)
{
    struct spark_in *s = job->node->owner;
    const char *why;
    struct spark_birth *birth = spark_birth_new(&job->read, &why);
    if (!birth) {
        refuse(job, slice_is(slice_str(why), "out of memory") ? ERR_NOMEM : ERR_MALFORMED, why);
    } else if (s->births_bytes + spark_birth_bytes(birth) > BIRTHS_BYTES_MAX) {
        spark_birth_free(birth);
        birth = NULL;
        refuse(job, ERR_TOO_LARGE, "the births of all edge nodes together are too large");
    }
    return birth;
}

static void begin_birth(struct job *job)
{
    struct node *n = job->node;
    struct spark_birth *birth = read_birth(job);
    if (!birth) {
        hand_over(job);
        return;
    }
    if (job->topic.kind == SPARK_NBIRTH) { /* a session begins: no device is born in it yet */
        devices_die(n);
        n->has_birth_seq = find_birth_seq(&job->read, &n->birth_seq);
        n->rebirth_us = 0;
    }
    set_birth(n, job->thing, birth);
    make_and_take(job);
}

/* ---- one message ---- */

/* The sequence numbers of a node's messages and of its devices' go from 0 to 255 and around. */
static void check_seq(struct node *n, const struct job *job)
{
    uint8_t seq = (uint8_t)job->read.seq;
    if (job->topic.kind != SPARK_NBIRTH && (!job->read.has_seq || seq != n->next_seq))
        ask_rebirth(n); /* something was lost: what is here is still true */
    n->next_seq = (uint8_t)(seq + 1);
}

static void node_death(struct job *job)
{
    struct node *n = job->node;
    uint64_t seq = 0;
    bool has = find_birth_seq(&job->read, &seq);
    /* a death of an earlier session, told when that connection was given up */
    if (!n->self.birth || (has && n->has_birth_seq && seq != n->birth_seq))
        return;
    devices_die(n);
    die(n, &n->self);
}

static void take(struct job *job)
{
    struct node *n = job->node;
    enum spark_kind kind = job->topic.kind;
    bool of_device = job->topic.device.p != NULL;
    if (kind == SPARK_NDEATH) {
        node_death(job);
        hand_over(job);
        return;
    }
    if (kind != SPARK_NBIRTH && !n->self.birth) {
        refuse(job, ERR_NOT_FOUND, "the edge node was not born yet; a rebirth was asked for");
        ask_rebirth(n);
        hand_over(job);
        return;
    }
    check_seq(n, job);
    if (kind == SPARK_NBIRTH || kind == SPARK_DBIRTH) {
        begin_birth(job);
        return;
    }
    if (kind == SPARK_DDEATH) {
        die(n, job->thing);
    } else if (of_device && !job->thing->birth) {
        refuse(job, ERR_NOT_FOUND, "the device was not born yet; a rebirth was asked for");
        ask_rebirth(n);
    } else {
        take_metrics(job);
    }
    hand_over(job);
}

static void start(struct job *job)
{
    struct node *n = job->node;
    const char *why = NULL;
    char detail[160];
    size_t at = 0;
    n->working = true;
    int err = find_thing(n, job->topic.device, &job->thing);
    if (err) {
        refuse(job, err,
               err == ERR_NOMEM ? err_info(err)->text
                                : "the node has too many devices, or this one's name is too long");
        hand_over(job);
        return;
    }
    if (spb_read(job->payload, &job->read, &at, &why)) {
        snprintf(detail, sizeof detail, "no payload of Sparkplug B at byte %zu: %s", at, why);
        refuse(job, ERR_MALFORMED, detail);
        hand_over(job);
    } else if (slice_is(job->read.uuid, "SPBV1.0_COMPRESSED")) {
        refuse(job, ERR_UNSUPPORTED, "compressed payloads are not read: send them as they are");
        hand_over(job);
    } else {
        take(job);
    }
}

/* May it begin while answers to those before it are still to come? */
static bool must_wait(const struct job *job)
{
    enum spark_kind kind = job->topic.kind;
    return job->node->under_way && kind != SPARK_NDATA && kind != SPARK_DDATA;
}

static void pump(struct node *n)
{
    if (n->pumping)
        return;
    n->pumping = true;
    while (n->first && !n->working && !must_wait(n->first))
        start(n->first);
    n->pumping = false;
}

/* ---- in ---- */

static struct job *job_new(struct node *n, const struct ingest_source *src,
                           const struct spark_topic *t, struct slice payload)
{
    size_t peer = src->peer ? strlen(src->peer) : 0;
    struct job *job = malloc(sizeof *job + src->topic.n + peer + 1 + payload.n);
    if (!job)
        return NULL;
    char *at = job->bytes;
    *job = (struct job){.node = n, .topic = {.kind = t->kind}, .src = *src};
    memcpy(at, src->topic.p, src->topic.n);
    job->src.topic = slice_of(at, src->topic.n);
    spark_topic_parse(job->src.topic, &job->topic); /* its slices into our own copy */
    at += src->topic.n;
    memcpy(at, src->peer ? src->peer : "", peer + 1);
    job->src.peer = at;
    at += peer + 1;
    if (payload.n)
        memcpy(at, payload.p, payload.n);
    job->payload = slice_of(at, payload.n);
    if (job->src.who) /* whose connection may be gone when its turn comes */
        principal_ref(job->src.who);
    return job;
}

/* A message that becomes no job. */
static void turn_away(struct spark_in *s, const struct ingest_source *src, int err,
                      const char *detail, ingest_done_fn *done, void *arg)
{
    struct ingest *in = ingest_begin(s->core, src);
    if (!in) {
        done(arg, &(struct ingest_result){.rejected = 1, .err = ERR_NOMEM});
        return;
    }
    ingest_refuse(in, SLICE_LIT(""), SLICE_LIT(""), err, detail, SLICE_LIT(""));
    ingest_commit(in, done, arg);
}

void spark_in_take(struct spark_in *s, const struct ingest_source *src, struct slice payload,
                   struct provision_grant *grant, ingest_done_fn *done, void *arg)
{
    struct spark_topic topic;
    int err = 0;
    spark_topic_parse(src->topic, &topic);
    if (topic.kind == SPARK_BAD || topic.kind == SPARK_NONE) {
        turn_away(s, src, ERR_NOT_FOUND,
                  "topics of Sparkplug are spBv1.0/{group}/{type}/{node} or, of a device, with "
                  "/{device} behind, and its types as the standard has them",
                  done, arg);
        return;
    }
    struct node *n = find_node(s, src->who ? src->who->org : NULL, &topic, &err);
    bool full = n && (n->jobs_n >= JOBS_MAX || n->job_bytes + payload.n > JOB_BYTES_MAX);
    struct job *job = n && !full ? job_new(n, src, &topic, payload) : NULL;
    if (job && !(job->in = ingest_begin(s->core, &job->src))) {
        principal_unref(job->src.who);
        free(job);
        job = NULL;
    }
    if (!job) {
        turn_away(s, src,
                  err    ? err
                  : full ? ERR_OVERLOAD
                         : ERR_NOMEM,
                  err == ERR_TOO_LARGE
                      ? "there are too many edge nodes, or the name of this one is too long"
                  : full ? "too many messages of this edge node wait for its twins to be made"
                         : err_info(ERR_NOMEM)->text,
                  done, arg);
        return;
    }
    job->grant = grant;
    job->done = done;
    job->arg = arg;
    *n->last = job;
    n->last = &job->next;
    n->jobs_n++;
    n->job_bytes += payload.n;
    s->jobs++;
    pump(n);
}
