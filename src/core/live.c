/* live.c - what a twin is now: last values, levels, who is live and who has gone quiet.
 *
 * Staleness costs nothing per reading: a live sensor stands in one slot of a timing wheel, by the
 * time at which it would be stale if nothing more came.  When the wheel gets there it looks at when
 * the last reading really came, and either puts the sensor in a later slot or calls it stale. */
#include "base/clock.h"
#include "base/err.h"
#include "core/graph_keep.h"
#include "core/internal.h"

#include <stdlib.h>

#define DEFAULT_PATIENCE_US INT64_C(10000000) /* without an expected interval, or "realtime" */
#define LATENCY_MAX_US INT64_C(3600000000)    /* what is older is a replay, no latency */
#define LEAST_PATIENCE_US INT64_C(2000000)    /* for the jitter of networks */

enum live_state sensor_state(const struct sensor *s)
{
    return !s->has_value ? LIVE_WAITING : s->stale ? LIVE_STALE : LIVE_LIVE;
}

int64_t sensor_patience_us(const struct sensor *s)
{
    int64_t interval = s->spec->interval_us ? s->spec->interval_us : s->twin->interval_us;
    if (!interval)
        return DEFAULT_PATIENCE_US;
    if (interval > INT64_MAX / 4)
        interval = INT64_MAX / 4;
    return 3 * interval > LEAST_PATIENCE_US ? 3 * interval : LEAST_PATIENCE_US;
}

void core_tell(struct core *c, enum core_event_kind kind, struct twin *t, const struct rejection *r)
{
    struct core_event event = {.kind = kind, .twin = t, .rejection = r};
    for (struct core_tap *tap = c->taps, *next; tap; tap = next) {
        next = tap->next;
        if (tap->on_event)
            tap->on_event(tap->arg, &event);
    }
}

void core_tap_add(struct core *c, struct core_tap *t)
{
    t->next = c->taps;
    c->taps = t;
}

void core_tap_remove(struct core *c, struct core_tap *t)
{
    for (struct core_tap **at = &c->taps; *at; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            return;
        }
    }
}

/* ---- the wheel ---- */

static int64_t tick_of(int64_t mono_us)
{
    return mono_us / (WHEEL_TICK_MS * 1000);
}

static void wheel_out(struct sensor *s)
{
    if (!s->due_link)
        return;
    *s->due_link = s->due_next;
    if (s->due_next)
        s->due_next->due_link = s->due_link;
    s->due_link = NULL;
    s->due_next = NULL;
}

static void wheel_in(struct core *c, struct sensor *s, int64_t now_us, int64_t due_us)
{
    int64_t tick = tick_of(due_us) + 1, last = tick_of(now_us) + WHEEL_SLOTS - 1;
    if (tick > last)
        tick = last; /* looked at again then */
    if (tick <= c->wheel_at)
        tick = c->wheel_at + 1;
    struct sensor **slot = &c->wheel[tick % WHEEL_SLOTS];
    s->due_next = *slot;
    s->due_link = slot;
    if (*slot)
        (*slot)->due_link = &s->due_next;
    *slot = s;
}

static void set_twin_state(struct core *c, struct twin *t, int64_t mono_us)
{
    enum live_state state = t->live_n ? LIVE_LIVE : LIVE_WAITING;
    for (size_t i = 0; i < t->sensors_n && state == LIVE_WAITING; i++)
        if (t->sensors[i]->has_value)
            state = LIVE_STALE;
    if (state == t->state)
        return;
    if (state == LIVE_LIVE) {
        t->up_since_us = mono_us;
    } else if (t->up_since_us) {
        t->up_us += mono_us - t->up_since_us;
        t->up_since_us = 0;
    }
    t->state = state;
    core_tell(c, EVENT_STATE, t, NULL);
}

static void tell_quiet(struct core *c, struct sensor *s)
{
    for (struct core_tap *tap = c->taps; tap; tap = tap->next)
        if (tap->on_quiet)
            tap->on_quiet(tap->arg, s);
}

static void set_live(struct core *c, struct sensor *s, int64_t mono_us)
{
    bool was = s->stale;
    s->stale = false;
    s->twin->live_n++;
    wheel_in(c, s, mono_us, mono_us + sensor_patience_us(s));
    set_twin_state(c, s->twin, mono_us);
    if (was)
        tell_quiet(c, s);
}

static void set_stale(struct core *c, struct sensor *s, int64_t mono_us)
{
    s->stale = true;
    s->twin->live_n--;
    set_twin_state(c, s->twin, mono_us);
    tell_quiet(c, s);
}

static void turn_slot(struct core *c, int64_t tick, int64_t mono_us)
{
    struct sensor *s = c->wheel[tick % WHEEL_SLOTS];
    c->wheel[tick % WHEEL_SLOTS] = NULL;
    if (s)
        s->due_link = &s;
    while (s) {
        struct sensor *this = s;
        wheel_out(this);
        int64_t patience = sensor_patience_us(this);
        int64_t due = (this->twin->in_session ? mono_us : this->arrived_us) + patience;
        if (due > mono_us)
            wheel_in(c, this, mono_us, due);
        else
            set_stale(c, this, mono_us);
    }
}

void core_twin_session(struct core *c, struct twin *t, bool lasts)
{
    int64_t mono = clock_mono_us();
    bool ends = t->in_session && !lasts;
    t->in_session = lasts;
    for (size_t i = 0; ends && i < t->sensors_n; i++) {
        struct sensor *s = t->sensors[i];
        if (!s->has_value || s->stale)
            continue;
        wheel_out(s);
        set_stale(c, s, mono);
    }
}

void live_turn_wheel(struct core *c)
{
    int64_t mono = clock_mono_us(), tick = tick_of(mono);
    if (tick - c->wheel_at > WHEEL_SLOTS)
        c->wheel_at = tick - WHEEL_SLOTS; /* once around is every slot */
    while (c->wheel_at < tick) {
        c->wheel_at++;
        turn_slot(c, c->wheel_at, mono);
    }
}

void live_wake(struct core *c)
{
    int64_t now = clock_now_us(), mono = clock_mono_us();
    for (size_t i = 0; i < c->by_series_n; i++) {
        struct sensor *s = c->by_series[i];
        if (!s || !s->has_value || s->retired)
            continue;
        int64_t age = now - s->last.t_us;
        if (age < 0 || age >= sensor_patience_us(s))
            continue;
        s->arrived_us = mono - age;
        set_live(c, s, mono);
    }
}

void live_drop(struct sensor *s)
{
    wheel_out(s);
}

/* ---- levels ---- */

static void set_alarm(struct core *c, struct sensor *s, int level, int64_t at_us)
{
    int before = s->alarm;
    s->alarm = (int8_t)level;
    if (before <= LEVEL_NORMAL && level <= LEVEL_NORMAL)
        return;
    for (struct core_tap *tap = c->taps; tap; tap = tap->next)
        if (tap->on_level)
            tap->on_level(tap->arg, s, before, at_us);
}

static void set_level(struct core *c, struct sensor *s, int64_t at_us)
{
    struct value v = point_value(&s->last);
    s->level = (int8_t)sensor_level(s->spec, v);
    int level = s->level;
    if (s->alarm > level && s->spec->alarm.hysteresis > 0)
        level = sensor_alarm_level(s->spec, v, s->alarm);
    if (level != s->alarm || level > LEVEL_NORMAL)
        set_alarm(c, s, level, at_us);
}

static void clear_level(struct core *c, struct sensor *s)
{
    s->level = LEVEL_UNKNOWN;
    set_alarm(c, s, LEVEL_UNKNOWN, clock_now_us());
}

/* Of a reading: most sensors have nothing to compare it with. */
static inline void note_level(struct core *c, struct sensor *s, int64_t at_us)
{
    const struct sensor_spec *spec = s->spec;
    if (s->level != LEVEL_UNKNOWN || spec->has_normal || spec->has_critical || spec->has_threshold)
        set_level(c, s, at_us);
}

static void retire(struct core *c, struct sensor *s)
{
    if (s->has_value && !s->stale) {
        s->stale = true;
        s->twin->live_n--;
    }
    s->retired = true;
    clear_level(c, s);
}

void live_revise(struct core *c, struct sensor *s, bool retired)
{
    wheel_out(s);
    if (retired) {
        if (!s->retired)
            retire(c, s);
        return;
    }
    s->retired = false;
    if (!s->has_value)
        return;
    set_level(c, s, clock_now_us());
    if (!s->stale)
        wheel_in(c, s, clock_mono_us(), s->arrived_us + sensor_patience_us(s));
}

void live_recount(struct core *c, struct twin *t)
{
    set_twin_state(c, t, clock_mono_us());
}

/* ---- a reading ---- */

static bool keep_last_of_any(struct sensor *s, const struct reading *r)
{
    if (r->value.type != VALUE_TEXT && s->last.type != VALUE_TEXT)
        return point_make(r->t_us, r->value, r->quality, &s->last) == 0;
    struct point p;
    if (point_make(r->t_us, r->value, r->quality, &p))
        return false;
    point_release(&s->last);
    s->last = p;
    return true;
}

static inline bool keep_last(struct sensor *s, const struct reading *r)
{
    if (r->value.type != VALUE_DOUBLE || s->last.type == VALUE_TEXT)
        return keep_last_of_any(s, r);
    s->last.t_us = r->t_us;
    s->last.as.d = r->value.as.d;
    s->last.type = VALUE_DOUBLE;
    s->last.quality = r->quality;
    return true;
}

static void note_latency(struct twin *t, int64_t late_us)
{
    if (late_us < 0)
        late_us = 0;
    /* smoothed as TCP smooths its round trip: an eighth of the new */
    t->latency_us = t->latency_us < 0 ? late_us : t->latency_us + (late_us - t->latency_us) / 8;
}

void live_apply(struct core *c, struct sensor *s, const struct reading *r, bool replay)
{
    s->updates += !replay;
    if (s->kind == VALUE_NONE)
        s->kind = (uint8_t)(r->value.type == VALUE_INT ? VALUE_DOUBLE : r->value.type);
    if (s->has_value && r->t_us < s->last.t_us)
        return; /* late: history has it, the present does not change */
    if (!keep_last(s, r))
        return;
    struct twin *t = s->twin;
    bool was_live = s->has_value && !s->stale;
    s->has_value = true;
    if (r->t_us > t->synced_us)
        t->synced_us = r->t_us;
    if (!s->retired)
        note_level(c, s, r->t_us);
    if (replay || s->retired) { /* it left the profile while this was under way */
        s->stale = true;        /* until it speaks again */
        return;
    }
    if (c->apply_now_us - r->t_us < LATENCY_MAX_US)
        note_latency(t, c->apply_now_us - r->t_us);
    s->arrived_us = c->apply_mono_us;
    if (!was_live)
        set_live(c, s, s->arrived_us);
    for (struct core_tap *tap = c->taps; tap; tap = tap->next)
        if (tap->on_reading)
            tap->on_reading(tap->arg, s, r);
}

void live_restore(struct core *c, struct sensor *s, const struct reading *r)
{
    live_apply(c, s, r, true);
    if (r->t_us > s->assigned_us) /* the clock may have been set back meanwhile */
        s->assigned_us = r->t_us;
    if (s->twin->state == LIVE_WAITING && s->has_value && !s->retired)
        s->twin->state = LIVE_STALE;
}

void live_fall_back(struct core *c, struct sensor *s, const struct point *newest)
{
    struct point p = {0};
    if (newest->type != VALUE_NONE &&
        point_make(newest->t_us, point_value(newest), newest->quality, &p))
        return; /* out of memory: it stays as it was until the next reading */
    point_release(&s->last);
    s->last = p;
    s->has_value = p.type != VALUE_NONE;
    if (!s->has_value && !s->stale && !s->retired) {
        wheel_out(s);
        s->twin->live_n--;
    }
    s->stale = s->stale && s->has_value;
    if (s->has_value && !s->retired) {
        set_level(c, s, clock_now_us());
    } else {
        clear_level(c, s);
    }
    set_twin_state(c, s->twin, clock_mono_us());
}

/* ---- JSON ---- */

static const char *quality_name(uint8_t quality)
{
    static const char *const names[] = {"good", "uncertain", "bad"};
    return names[quality <= QUALITY_BAD ? quality : QUALITY_BAD];
}

void core_write_update(struct buf *out, const struct org *reader, const struct sensor *s,
                       int64_t t_us, struct value v, uint8_t quality)
{
    buf_add(out, "{\"twin\":\"", 9); /* ids need no escapes */
    if (reader && reader != s->twin->org) {
        buf_add_str(out, org_slug(s->twin->org));
        buf_add_byte(out, '~');
    }
    buf_add_str(out, s->twin->id);
    buf_add(out, "\",\"sensor\":\"", 12);
    buf_add_str(out, s->id);
    buf_add(out, "\",\"t\":", 6);
    clock_format_ms(out, t_us);
    buf_add(out, ",\"value\":", 9);
    struct json_writer w;
    json_writer_init(&w, out, 0);
    json_put_value(&w, v);
    buf_add(out, ",\"quality\":\"", 12);
    buf_add_str(out, quality_name(quality));
    buf_add(out, "\"}", 2);
}

static void put_string(struct arena *a, struct jval *object, const char *key, const char *text)
{
    struct jval *v = jval_new_string(a, slice_str(text));
    if (object && object->type == J_OBJECT && v)
        jval_set(a, object, slice_str(key), v);
}

static void put_time(struct arena *a, struct jval *object, const char *key, int64_t t_us)
{
    struct buf b = {0};
    clock_format(&b, t_us);
    buf_add_byte(&b, 0);
    if (!b.failed)
        put_string(a, object, key, b.p);
    buf_release(&b);
}

static struct jval *value_node(struct arena *a, struct value v)
{
    struct buf digits = {0};
    struct jval *node = NULL;
    switch (v.type) {
    case VALUE_BOOL:
        return jval_new_bool(a, v.as.b);
    case VALUE_TEXT:
        return jval_new_string(a, v.as.text);
    case VALUE_INT:
        buf_add_i64(&digits, v.as.i);
        node = jval_new_raw_number(a, buf_slice(&digits));
        buf_release(&digits);
        return node;
    default:
        return jval_new_number(a, v.as.d);
    }
}

static struct jval *member(struct arena *a, struct jval *object, const char *key, enum jtype type)
{
    struct jval *v = jval_get(object, key);
    if (v && v->type == type)
        return v;
    v = jval_new(a, type);
    return v ? jval_set(a, object, slice_str(key), v) : NULL;
}

static void write_uptime(struct arena *a, const struct twin *t, struct jval *performance)
{
    int64_t now = clock_mono_us(), watched = now - t->watched_us;
    int64_t up = t->up_us + (t->up_since_us ? now - t->up_since_us : 0);
    double percent = watched > 0 ? 100.0 * (double)up / (double)watched : 0;
    put_string(a, performance, "uptime",
               arena_printf(a, "%.1f%%", percent > 100 ? 100.0 : percent));
}

static void write_sensors(struct arena *a, struct twin *t, struct jval *root)
{
    struct jval *list = jval_get(root, "sensors");
    if (!list || list->type != J_ARRAY)
        return;
    for (struct jval *o = list->first; o; o = o->next) {
        struct sensor *s = core_sensor(t, jval_string(jval_get(o, "id")));
        if (!s || !s->has_value)
            continue;
        struct jval *v = value_node(a, point_value(&s->last));
        if (v)
            jval_set(a, o, SLICE_LIT("currentValue"), v);
        put_time(a, o, "timestamp", s->last.t_us);
    }
}

void core_hide_sensors(struct core *c, const struct principal *who, const struct twin *t,
                       struct jval *root)
{
    struct jval *list = jval_get(root, "sensors");
    graph_hide(c, who, t, root);
    if (!list || list->type != J_ARRAY || access_is_plain(c->access, who, t->org))
        return;
    for (struct jval *o = list->first, *next; o; o = next) {
        struct sensor *s = core_sensor(t, jval_string(jval_get(o, "id")));
        next = o->next;
        if (!s || !core_may(c, who, OP_DATA_READ, s))
            jval_take_out(o);
    }
}

int core_live_profile(struct core *c, const struct principal *who, struct twin *t, struct arena *a,
                      struct slice kept, struct buf *out)
{
    static const char *const states[] = {"waiting", "active", "stale"};
    struct jval *root;
    int err = jdoc_parse(a, kept, &root, NULL);
    if (err)
        return err == ERR_MALFORMED ? ERR_CORRUPT : err;
    core_hide_sensors(c, who, t, root);
    write_sensors(a, t, root);
    struct jval *sync = member(a, root, "synchronization", J_OBJECT);
    if (t->synced_us)
        put_time(a, sync, "lastSynced", t->synced_us);
    put_string(a, sync, "connectionStatus", states[t->state]);
    if (sync && t->latency_us >= 0)
        jval_set(a, sync, SLICE_LIT("latency"),
                 jval_new_number(a, (double)(t->latency_us / 1000) + 0.0));
    struct jval *performance = member(a, root, "performance", J_OBJECT);
    if (!performance)
        return ERR_NOMEM;
    write_uptime(a, t, performance);
    struct jval *alerts = member(a, performance, "alerts", J_ARRAY);
    if (c->alerts && alerts)
        c->alerts(c->alerts_arg, who, a, t, alerts);
    struct json_writer w;
    json_writer_init(&w, out, 2);
    jval_write(&w, root);
    return out->failed ? ERR_NOMEM : 0;
}
