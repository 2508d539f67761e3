#include "server/demo.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "os/file.h"
#include "server/assets.h"
#include "server/demo_course.h"

#include <stdlib.h>

enum {
    COURSES_MAX = 8,
    TICK_MS = 100,
    BEHIND_MAX = 20, /* batches waiting for the disk; more readings are not made up then */
};

#define BACKFILL_US INT64_C(600000000)
#define JUMP_US INT64_C(10000000) /* the machine slept, or its clock was set */

struct driven {
    struct demo *demo;
    const struct course_kind *kind;
    struct course course;
    int64_t made_us; /* of the twin we made, 0: not yet */
    bool runs;
    bool failed; /* said already that it does not work */
};

struct demo {
    struct core *core;
    struct loop_timer *timer;
    struct arena *arena;
    struct weather weather;
    char *file; /* where it stands what was made */
    struct driven driven[COURSES_MAX];
    size_t n;
    size_t puts;    /* under way */
    size_t waiting; /* batches that are not on disk yet */
    bool stopped;   /* freed when the last of them has answered */
};

static void release(struct demo *d)
{
    if (d->puts || d->waiting)
        return;
    arena_free(d->arena);
    free(d->file);
    free(d);
}

/* ---- what was made ---- */

static void read_made(struct demo *d)
{
    struct buf text = {0};
    struct slice rest, line, id;
    int err = file_read(d->file, 65536, &text);
    if (err && err != ERR_NOT_FOUND)
        log_warn("demo", "%s cannot be read: %s", d->file, file_why(err));
    rest = buf_slice(&text);
    while (slice_cut(&rest, '\n', &line)) {
        int64_t made;
        if (!slice_cut(&line, ' ', &id) || slice_to_i64(line, &made))
            continue;
        for (size_t i = 0; i < d->n; i++) {
            if (slice_is(id, d->driven[i].kind->twin))
                d->driven[i].made_us = made;
        }
    }
    buf_release(&text);
}

static void write_made(struct demo *d)
{
    struct buf b = {0};
    for (size_t i = 0; i < d->n; i++) {
        if (d->driven[i].made_us)
            buf_addf(&b, "%s %lld\n", d->driven[i].kind->twin, (long long)d->driven[i].made_us);
    }
    if (b.failed || file_write(d->file, buf_slice(&b), 0600))
        log_warn("demo", "%s cannot be written", d->file);
    buf_release(&b);
}

/* ---- readings ---- */

struct telling {
    struct driven *driven;
    struct twin *twin;
    struct ingest *in;
    bool past; /* only what is newer than what is known */
};

static void tell(void *arg, const struct course_series *series, int64_t t_us, struct value v)
{
    struct telling *t = arg;
    struct sensor *s = core_sensor(t->twin, slice_str(series->sensor));
    /* somebody gave the sensor another meaning: it is not ours any more */
    if (!s || !slice_is(s->spec->unit, series->unit) ||
        (s->kind != VALUE_NONE && s->kind != series->type))
        return;
    if (t->past && s->has_value && s->last.t_us >= t_us)
        return;
    ingest_value(t->in, s, t_us, v, QUALITY_GOOD);
}

static void on_told(void *arg, const struct ingest_result *r)
{
    struct demo *d = arg;
    (void)r; /* a refusal stands among the rejections like anybody's */
    d->waiting--;
    if (d->stopped)
        release(d);
}

static struct ingest *begin_telling(struct demo *d)
{
    const struct ingest_source src = {"demo", "demo", SLICE_LIT("demo"), BODY_JSON,
                                      core_system(d->core).who};
    return d->waiting < BEHIND_MAX && core_has_room(d->core) ? ingest_begin(d->core, &src) : NULL;
}

static void end_telling(struct demo *d, struct ingest *in)
{
    d->waiting++;
    ingest_commit(in, on_told, d);
}

/* The twin, while it is the one that the demo made. */
static struct twin *own_twin(const struct driven *w)
{
    struct twin *t = core_twin(w->demo->core, slice_str(w->kind->twin));
    return t && t->created_us == w->made_us ? t : NULL;
}

static void run_one(struct driven *w, struct ingest *in, int64_t now_us)
{
    struct telling telling = {.driven = w, .twin = own_twin(w), .in = in};
    int64_t to = course_step_at(&w->course, now_us);
    if (!telling.twin) {
        w->runs = false;
        return;
    }
    int64_t jump = (to - w->course.at) * w->kind->step_us;
    bool back = jump < -JUMP_US; /* a small step back is waited for */
    if (in && !back && jump <= JUMP_US)
        course_run(&w->course, to, tell, &telling);
    else if (back || jump > 0)
        course_seek(&w->course, to);
}

static void tick(void *arg)
{
    struct demo *d = arg;
    int64_t now = clock_now_us();
    struct ingest *in = begin_telling(d);
    for (size_t i = 0; i < d->n; i++) {
        if (d->driven[i].runs)
            run_one(&d->driven[i], in, now);
    }
    if (in)
        end_telling(d, in);
}

/* ---- the start ---- */

/* The last minutes at once, so that there is something to see, then live. */
static void drive(struct driven *w, int64_t made_us)
{
    struct demo *d = w->demo;
    int64_t now = clock_now_us();
    w->made_us = made_us;
    struct telling telling = {.driven = w, .twin = own_twin(w), .past = true};
    if (!telling.twin)
        return;
    course_start(&w->course, w->kind, &d->weather, made_us, now - BACKFILL_US);
    telling.in = begin_telling(d);
    if (telling.in) {
        course_run(&w->course, course_step_at(&w->course, now), tell, &telling);
        end_telling(d, telling.in);
    }
    w->runs = true;
}

static void on_made(void *arg, const struct twin_result *r)
{
    struct driven *w = arg;
    struct demo *d = w->demo;
    d->puts--;
    if (d->stopped) {
        release(d);
        return;
    }
    struct twin *t = r->err ? NULL : core_twin(d->core, slice_str(w->kind->twin));
    if (t)
        drive(w, t->created_us);
    else
        log_warn("demo", "the twin %s could not be made: %s", w->kind->twin,
                 r->detail ? r->detail : err_info(r->err)->text);
    if (d->puts == 0)
        write_made(d);
}

static struct slice find_embedded(const char *name)
{
    for (size_t i = 0; i < embedded_files_n; i++) {
        if (strcmp(embedded_files[i].name, name) == 0)
            return embedded_files[i].bytes;
    }
    return (struct slice){0};
}

static void begin_one(struct driven *w, bool restore)
{
    struct demo *d = w->demo;
    struct slice id = slice_str(w->kind->twin);
    struct twin *t = core_twin(d->core, id);
    if (t && t->created_us == w->made_us) {
        drive(w, w->made_us);
    } else if (t) {
        log_info("demo", "there is a twin %s already that the demo did not make; it is left alone",
                 w->kind->twin);
    } else if (w->made_us && !restore) {
        log_info("demo", "the twin %s was deleted; --demo-restore makes it again", w->kind->twin);
    } else {
        d->puts++;
        const struct asker by = core_system(d->core);
        core_twin_put(d->core, &by, TWIN_CREATE, id, find_embedded(w->kind->blueprint), 0, true,
                      on_made, w);
    }
}

static void choose(struct demo *d)
{
    struct slice csv = find_embedded("demo/seattle-weather.csv");
    bool weather = csv.p && weather_read(d->arena, csv, &d->weather) == 0;
    for (const struct course_kind *k = course_kinds; k->twin; k++) {
        if (!k->life_steps && !weather)
            log_info("demo",
                     "this program was built without the measured weather (tools/demo-data); "
                     "the demo has no %s",
                     k->twin);
        else if (d->n < COURSES_MAX)
            d->driven[d->n++] = (struct driven){.demo = d, .kind = k};
    }
}

int demo_start(struct loop *l, struct core *c, const char *dir, bool restore, struct demo **ret)
{
    struct buf path = {0};
    struct demo *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->core = c;
    buf_addf(&path, "%s/demo", dir);
    d->file = buf_take(&path);
    d->arena = arena_new();
    if (!d->file || !d->arena || loop_timer_new(l, tick, d, &d->timer)) {
        release(d);
        return ERR_NOMEM;
    }
    choose(d);
    read_made(d);
    d->puts++; /* so that what is answered at once is written down once */
    for (size_t i = 0; i < d->n; i++)
        begin_one(&d->driven[i], restore);
    if (--d->puts == 0)
        write_made(d);
    loop_timer_start(d->timer, TICK_MS, TICK_MS);
    *ret = d;
    return 0;
}

void demo_stop(struct demo *d)
{
    if (!d)
        return;
    loop_timer_free(d->timer);
    d->timer = NULL;
    d->stopped = true;
    release(d);
}
