/* core.h - the live twins and the few commands through which everything goes.
 *
 * Owner: the loop's thread calls everything here.  Nothing here blocks: what does goes to pools and
 * comes back through a callback, which is called exactly once, maybe before the call returns.
 *
 * A reading's way: ingest_*() checks and collects, ingest_commit() hands the batch to the journal;
 * when it is on stable storage it is applied: last value, series head, taps; then the sender hears.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "access/access.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "core/body.h"
#include "core/step.h"
#include "os/loop.h"
#include "store/history.h"
#include "twin/profile.h"

struct core;        /* opaque */
struct open_series; /* codec/open_series.h */

struct core_opts {
    const char *dir;           /* the data directory; made when missing */
    const char *mqtt_endpoint; /* for profiles that do not say; see profile_defaults */
    size_t head_readings;      /* in memory before a flush; 0: 16,000,000 */
    unsigned flush_ms;         /* oldest reading in memory before a flush; 0: 30 s */
    /* How long after core_stop() memory is still written to history; what is left stays in the
     * journal, where the next start finds it.  0: to the end. */
    unsigned end_ms;
    bool
        leave_memory; /* core_close() frees no twins: the process ends, and the system is quicker */
    bool access_open; /* everybody may do everything */
    const struct key_ring *keys; /* seals what must not be read; outlives the core; or NULL */
    int64_t audit_retention_us;  /* how long the audit log's lines stay; 0: for ever */
    struct quotas quotas;        /* of organisations that are made from now on */
};

/* Opens everything, replays the journal.  Blocks: before the loop runs.  *ret_why: a sentence. */
int core_open(struct loop *l, const struct core_opts *opts, struct core **ret,
              const char **ret_why);
/* The end comes in two steps, so that everyone who waits still hears while the front ends live:
 * core_stop() ends what is under way and answers it, and takes nothing more (ERR_CANCELLED);
 * core_close() writes memory to history and frees.  Both block. */
void core_stop(struct core *c);
void core_close(struct core *c);
struct access *core_access(struct core *c); /* who may do what; lives as long as the core */
/* For rooms above that keep things in the catalog as well: it, and the one thread that writes there
 * and those that read.  NULL once the core has stopped. */
struct catalog *core_catalog(struct core *c);
struct pool *core_writes(struct core *c);
struct pool *core_reads(struct core *c);
void core_set_endpoint(struct core *c,
                       const char *mqtt_endpoint); /* once the listener has its port */

/* ---- live state, to be read on the loop's thread and only until it turns ---- */

enum live_state { LIVE_WAITING, LIVE_LIVE, LIVE_STALE };
enum live_level { LEVEL_UNKNOWN = -1, LEVEL_NORMAL, LEVEL_WARNING, LEVEL_CRITICAL };

/* There may be ten million of these: what many have in common is elsewhere, and shared. */
struct sensor {
    struct twin *twin;
    const struct sensor_spec *spec; /* what it is; shared by the twins of one layout */
    const char *id;
    struct point last;                   /* the newest by time */
    int64_t arrived_us;                  /* server time at which the newest came */
    int64_t assigned_us;                 /* behind it are times that the server gives to readings */
    uint64_t updates;                    /* readings since start */
    struct open_series *head;            /* readings not yet in history */
    struct open_series *frozen;          /* those on their way there; they belong to the flush */
    struct sensor *due_next, **due_link; /* in the wheel of those that may become stale */
    uint32_t series;
    uint32_t dirty_at;  /* its place among those with a head, from 1; 0: none */
    uint32_t unsettled; /* readings under way that alone decide the kind */
    uint8_t kind;       /* enum value_type that it is bound to; VALUE_NONE: still open */
    int8_t level;       /* enum live_level */
    int8_t alarm;       /* the level with its hysteresis: sensor_alarm_level() */
    bool retired : 1;   /* not in the profile any more */
    bool has_value : 1;
    bool stale : 1;
};

struct twin {
    const char *id;  /* within its organisation */
    const char *key; /* the id in the first organisation, else "org~id"; id points into it */
    struct org *org;
    const char *name, *description, *type; /* one block, which begins with the name */
    bool simulated, demo;
    bool in_session; /* core_twin_session() */
    enum live_state state;
    uint64_t version;
    int64_t created_us, modified_us;
    int64_t synced_us;  /* time of the newest reading, 0: none */
    int64_t latency_us; /* arrival minus the reading's own time, smoothed; -1: not known */
    int64_t interval_us;
    struct history_policy policy; /* how its past is kept */
    struct sensor **sensors;      /* of the profile, in its order */
    struct sensor **all; /* the retired ones too; their objects live as long as the twin.  The
                            same array as sensors when no other is in it */
    size_t sensors_n, all_n;
    const char *twin_types;  /* that the profile names: each with a zero behind it, then another */
    uint32_t misfits;        /* in how much it is not as its types say: core/types.h */
    struct node *node;       /* its place in the graph; NULL: no edge touches it */
    struct layout *layout;   /* of sensors */
    struct layout *gone;     /* of the retired; NULL: there are none */
    size_t live_n;           /* sensors that are live */
    int64_t up_us;           /* time spent live since watched_us, without the present spell */
    int64_t up_since_us;     /* when the present spell began; 0: not live */
    int64_t watched_us;      /* since when we look: the start of the server or the twin's making */
    struct alarm_spec alarm; /* of its silence */
};

struct twin *core_twin(struct core *c, struct slice key);
/* The twin that `who` calls id, when they may do that to it, as access_check() answers: with
 * ERR_UNKNOWN_TWIN for what is not there and what they may not see.  ERR_FORBIDDEN sets *ret, too.
 */
int core_find(struct core *c, const struct principal *who, struct slice id, enum access_op op,
              struct twin **ret);
struct sensor *core_sensor(const struct twin *t, struct slice id); /* NULL also when retired */
struct sensor *core_series(struct core *c, uint32_t series);
uint32_t core_series_end(const struct core *c); /* all numbers are below */
size_t core_twin_count(const struct core *c);
size_t core_series_count(const struct core *c);                /* of retired sensors too */
struct twin *const *core_twins(struct core *c, size_t *ret_n); /* in order of key */
enum live_state sensor_state(const struct sensor *s);
int64_t sensor_patience_us(const struct sensor *s); /* quiet for longer, it is stale */

/* The twin's device is connected in a way that tells when it no longer is: while that lasts its
 * sensors do not become stale, and at its end they are at once. */
void core_twin_session(struct core *c, struct twin *t, bool lasts);

/* May they do that to the sensor? */
bool core_may(const struct core *c, const struct principal *who, enum access_op op,
              const struct sensor *s);

/* ---- who looks on ---- */

enum core_event_kind {
    EVENT_TWIN_CREATED,
    EVENT_TWIN_CHANGED,
    EVENT_TWIN_DELETED,
    EVENT_STATE,
    EVENT_REJECTION
};

struct rejection {
    int64_t at_us;
    int err; /* ERR_*: its code in docs/interfaces.md */
    const char *via, *peer, *topic, *twin, *sensor, *detail,
        *payload;          /* never NULL; payload is cut */
    const struct org *org; /* of who sent it; NULL: of none */
};

struct core_event {
    enum core_event_kind kind;
    struct twin *twin; /* NULL for a rejection */
    const struct rejection *rejection;
};

/* Called on the loop's thread for every applied reading and every event.  on_reading is on the hot
 * path.  A tap is embedded in its owner. */
struct core_tap {
    void (*on_reading)(void *arg, struct sensor *s, const struct reading *r);
    void (*on_event)(void *arg, const struct core_event *e);
    /* The sensor's `alarm` was `before`.  Also told when it is still above LEVEL_NORMAL, with each
     * reading; at_us is the reading's time, or when the profile changed. */
    void (*on_level)(void *arg, struct sensor *s, int before, int64_t at_us);
    void (*on_quiet)(void *arg, struct sensor *s); /* `stale` has changed */
    void *arg;
    struct core_tap *next;
};
void core_tap_add(struct core *c, struct core_tap *t);
void core_tap_remove(struct core *c, struct core_tap *t);

/* The update object of the stream and of MQTT, one line of JSON (docs/interfaces.md).  The twin has
 * the name that it has in the reader's organisation; NULL: in its own. */
void core_write_update(struct buf *out, const struct org *reader, const struct sensor *s,
                       int64_t t_us, struct value v, uint8_t quality);

/* Readings come in batches whose numbers rise, also over restarts.  The last one that was applied;
 * while a tap hears a reading, the one that it is in. */
uint64_t core_applied(const struct core *c);
uint64_t core_applied_all(const struct core *c); /* the last one that was applied to its end */

/* The readings behind a batch that were found in the journal at the start and became their sensor's
 * newest: those of the last 65,536 that were found.  Until the loop has run for a moment. */
typedef void core_replayed_fn(void *arg, uint64_t batch, struct sensor *s, const struct reading *r);
void core_replayed(struct core *c, uint64_t after, core_replayed_fn *fn, void *arg);

/* ---- readings in ---- */

struct ingest; /* opaque: one message under way */

struct ingest_source {
    const char *via;    /* "mqtt", "http", "websocket", "demo" */
    const char *peer;   /* "127.0.0.1:4711 client-id" */
    struct slice topic; /* or path, as the sender named it */
    enum body_format format;
    struct principal *who; /* they live until commit; twins are named as they call them */
};

struct asker ingest_asker(const struct ingest_source *src);

struct ingest_reject {
    size_t index; /* of the reading in the message */
    struct slice sensor;
    int err;
    const char *detail;
};

struct ingest_result {
    size_t accepted, rejected;
    int err;            /* 0, or the error of the first refusal */
    const char *detail; /* of the first refusal, a sentence; lives until done returns */
    const struct ingest_reject *rejects;
    size_t rejects_n; /* at most 100 of them are told */
};

typedef void ingest_done_fn(void *arg, const struct ingest_result *r);

struct ingest *ingest_begin(struct core *c,
                            const struct ingest_source *src); /* NULL: out of memory */

/* The bodies of docs/interfaces.md, in the source's format.  They collect good readings and
 * refusals; what they answer is only about memory. */
void ingest_sensor(struct ingest *in, struct slice twin, struct slice sensor, struct slice payload);
void ingest_telemetry(struct ingest *in, struct slice twin, struct slice payload);
void ingest_readings(struct ingest *in, struct slice twin,
                     struct slice payload); /* telemetry or {"sensor":...} */
void ingest_sequence(struct ingest *in, struct slice twin,
                     struct slice payload); /* of readings: NDJSON, or a CBOR sequence */
void ingest_value(struct ingest *in, struct sensor *s, int64_t t_us, struct value v,
                  uint8_t quality); /* t_us 0: now */
void ingest_refuse(struct ingest *in, struct slice twin, struct slice sensor, int err,
                   const char *detail, struct slice payload);

/* Ends the message: in is dead.  done comes when the good readings are on stable storage and
 * applied, or refused. */
void ingest_commit(struct ingest *in, ingest_done_fn *done, void *arg);

/* A body that may be large, and the commit: much of it is read in turns of the loop, so that others
 * are served between.  All that is pointed to, the source's words too, lives until done. */
struct ingest_body {
    struct slice twin, sensor; /* sensor empty: as ingest_readings() */
    struct slice payload;
    bool sequence;
};
void ingest_large(struct ingest *in, const struct ingest_body *body, ingest_done_fn *done,
                  void *arg);

void ingest_drop(struct ingest *in); /* ends it and keeps nothing */

/* Does it make sense to read more from the peers?  False while too much waits for the disk. */
bool core_has_room(const struct core *c);

/* ---- twins: create, read, change, delete ---- */

enum { TWIN_SENSORS_MAX = 10000 }; /* of a twin */

struct twin_result {
    int err;
    const char *detail;    /* a sentence when err is not 0; lives until done returns */
    struct slice profile;  /* as kept; empty on failure */
    struct slice findings; /* JSON array; also on failure with ERR_PROFILE */
    const char *const *filled;
    const char *id; /* what they call it who asked */
    const char *key;
    uint64_t version;
    bool created;
    size_t grown; /* core_twin_grow(): sensors that were added */
};
typedef void twin_done_fn(void *arg, const struct twin_result *r);

enum twin_put { TWIN_CREATE, TWIN_REPLACE, TWIN_PUT };
/* by lives until the call returns; id is as they call it.  id: empty takes the profile's own; else
 * they must agree.  if_version: 0 for any. */
void core_twin_put(struct core *c, const struct asker *by, enum twin_put how, struct slice id,
                   struct slice profile, uint64_t if_version, bool demo, twin_done_fn *done,
                   void *arg);
void core_twin_patch(struct core *c, const struct asker *by, struct slice id, struct slice patch,
                     uint64_t if_version, twin_done_fn *done, void *arg);
/* Change a profile by what fn makes of it as it is then, on another thread; arg lives until done.
 * What it answers but 0 is the end, with *ret_why, a sentence that lives in the arena or for good.
 */
typedef int twin_edit_fn(void *edit_arg, struct arena *a, struct jval *root, const char **ret_why);
void core_twin_edit(struct core *c, const struct asker *by, struct slice id, twin_edit_fn *edit,
                    void *edit_arg, uint64_t if_version, twin_done_fn *done, void *arg);
void core_twin_remove(struct core *c, const struct asker *by, struct slice id, uint64_t if_version,
                      twin_done_fn *done, void *arg);
void core_twin_get(struct core *c, const struct asker *by, struct slice id, twin_done_fn *done,
                   void *arg); /* as kept */

/* Make the twin, or add to its profile those of the sensors that it lacks; for core/provision.h,
 * which asks whether it may be.  What it points to lives until done. */
struct provision_twin;
struct provision_sensor;
void core_twin_grow(struct core *c, const struct asker *by, const struct provision_twin *twin,
                    const struct provision_sensor *sensors, size_t n, twin_done_fn *done,
                    void *arg);

/* What the live profile has under performance.alerts: whoever knows them appends objects. */
typedef void core_alerts_fn(void *arg, const struct principal *who, struct arena *a,
                            const struct twin *t, struct jval *list);
void core_set_alerts(struct core *c, core_alerts_fn *fn, void *arg);

/* The server itself, as who asks: the demo, and tests of other things than who may. */
struct asker core_system(struct core *c);

/* The profile as they may see it: without the sensors whose values they may not read, and the
 * relationships to twins that they may not see. */
void core_hide_sensors(struct core *c, const struct principal *who, const struct twin *t,
                       struct jval *root);

/* Put the live parts into a kept profile: currentValue, timestamp, lastSynced, connectionStatus,
 * latency, alerts, uptime. */
int core_live_profile(struct core *c, const struct principal *who, struct twin *t, struct arena *a,
                      struct slice kept, struct buf *out);

/* ---- the past ---- */

enum history_how { PAST_RAW, PAST_THIN, PAST_LTTB, PAST_STEPS };
enum history_fn { FN_MEAN, FN_MIN, FN_MAX, FN_FIRST, FN_LAST, FN_COUNT, FN_SUM, FN_N };
enum history_fill { FILL_NONE, FILL_NULL, FILL_PREVIOUS, FILL_LINEAR, FILL_NUMBER };

struct history_query {
    int64_t from_us, to_us; /* from <= t < to */
    enum history_how how;
    size_t limit;      /* PAST_RAW: at most so many, 0: all; thinned: to so many points */
    struct step every; /* PAST_STEPS, and what follows */
    enum history_fn fns[FN_N];
    size_t fns_n;
    enum history_fill fill; /* what steps without readings get */
    double fill_number;
    bool before; /* first the newest reading before `from`, if there is one */
};

/* A point of the answer: a reading, or what a step comes to (t_us is its beginning then). */
struct history_row {
    int64_t t_us;
    const struct value *values; /* one, or one a function */
    size_t n;
    uint8_t quality;
    bool before; /* it stands before `from` */
};

/* How the answer stands after a turn. */
struct history_turn {
    int err;      /* not 0: ended is set */
    bool ended;   /* the job is gone */
    bool more;    /* PAST_RAW: the limit cut it; the rest begins at next_us */
    bool damaged; /* some of it does not check and is left out; the log says what */
    int64_t next_us;
    int64_t width_us;    /* of the widest roll-ups that it was made of; 0: readings alone */
    int64_t raw_from_us; /* readings before have expired; INT64_MIN: none have */
};

/* A question is answered in turns, so that nothing is kept that nobody has taken yet, and no
 * question keeps others waiting: a turn ends when on_row() says that it is enough, or when it has
 * lasted long.  Rows come in order of time. */
struct history_taker_fns {
    /* On a thread of its own, never while on_turn() runs; the row lives until it returns. */
    bool (*on_row)(void *arg, const struct history_row *row);
    /* On the loop's thread.  The next turn begins with history_go(), unless this was the last. */
    void (*on_turn)(void *arg, const struct history_turn *turn);
};
struct history_job; /* opaque */

/* Begin.  NULL: out of memory, or the core has stopped.  A turn that says `ended` comes exactly
 * once, and not before this returns. */
struct history_job *core_history(struct core *c, const struct sensor *s,
                                 const struct history_query *q, const struct history_taker_fns *fns,
                                 void *arg);
void history_go(struct history_job *job);
/* Want no more.  The last turn says ERR_CANCELLED; it comes at once, out of this call, when no turn
 * is under way. */
void history_cancel(struct history_job *job);

/* ---- taking out of the past ---- */

/* All readings of a sensor with from <= t < to that were acknowledged before the call, and what
 * roll-ups know of them.  When err is 0, none of them comes back, whatever happens. */
struct erase_result {
    int err;
    uint64_t readings; /* how many went; a corrected one may count twice */
};
typedef void erase_done_fn(void *arg, const struct erase_result *r);
void core_erase(struct core *c, const struct asker *by, struct sensor *s, int64_t from_us,
                int64_t to_us, erase_done_fn *done, void *arg);

/* ---- what the operator asks ---- */

struct core_stats {
    uint64_t readings, rejected, batches; /* since start */
    uint64_t rejected_by[ERR_NUMBERS];    /* by -ERR */
    size_t twins, series, head_readings;
    uint64_t journal_syncs, journal_bytes, journal_segments, journal_failures;
    uint64_t chunks, stored, chunk_bytes, history_file_bytes, flushes; /* stored: readings */
    uint64_t disk_free_bytes;               /* of the file system with the history */
    size_t questions;                       /* about the past, under way */
    uint64_t rollup_bytes, rolled, expired; /* readings rolled up, let go of; since start */
    uint64_t rounds;                        /* of upkeep, since start */
    uint64_t damaged; /* answers about the past from which damaged data was left out */
    bool storage_ok;
    int64_t started_us;
};
void core_stats(struct core *c, struct core_stats *ret);
bool core_ready(const struct core *c);

/* The last 1,000 refusals, newest first; i from 0; NULL past the end. */
const struct rejection *core_rejection(const struct core *c, size_t i);
uint64_t core_rejection_total(const struct core *c); /* also those that were only counted */

#endif
