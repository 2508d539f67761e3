/* ingest_plain.c - the message that most devices send most of the time, read in one pass.
 *
 * {"temp-1":21.5,"rpm-1":1480} and perhaps a "timestamp": one object of bare numbers, of sensors
 * that take numbers.  Sensors come in the order of the profile again and again, so each key is
 * first compared with the id behind the last one, and a number is read where it stands.  Nothing is
 * collected: a reading is kept as soon as it is read, and gets its time at the end.
 *
 * Whatever is not exactly that - an escape, a word, a fault, a sensor nobody knows, a time that is
 * refused - undoes it all, and ingest_body.c reads the message from its beginning and says what
 * there is to say.  So nothing is refused here, and no rule of messages stands here a second time.
 */
#include "base/clock.h"
#include "core/ingest.h"
#include "core/layouts.h"

struct cursor {
    const char *p, *end;
};

static inline void skip_space(struct cursor *at)
{
    while (at->p < at->end && (*at->p == ' ' || *at->p == '\n' || *at->p == '\r' || *at->p == '\t'))
        at->p++;
}

/* Is c the next character but for spaces?  Then behind it. */
static inline bool take(struct cursor *at, char c)
{
    skip_space(at);
    if (at->p == at->end || *at->p != c)
        return false;
    at->p++;
    return true;
}

/* The characters up to the closing quote, where they stand for themselves. */
static bool take_string(struct cursor *at, struct slice *ret)
{
    const char *from = at->p;
    while (at->p < at->end && *at->p >= ' ' && *at->p < 0x7f && *at->p != '"' && *at->p != '\\')
        at->p++;
    *ret = slice_of(from, (size_t)(at->p - from));
    return at->p < at->end && *at->p++ == '"';
}

static inline bool is_next(const struct cursor *at, struct slice id)
{
    return (size_t)(at->end - at->p) > id.n && at->p[id.n] == '"' && memcmp(at->p, id.p, id.n) == 0;
}

/* The sensor whose id stands behind the opening quote.  False: none that is known.  *ret NULL: it
 * is the time's key. */
static bool take_key(struct cursor *at, const struct twin *t, size_t *hint, struct sensor **ret)
{
    static const struct slice time_key = {"timestamp", 9};
    struct slice key;
    for (size_t i = *hint; i < t->sensors_n && i < *hint + 2; i++) {
        struct slice id = t->layout->specs[i].id; /* side by side, unlike the sensors */
        if (!is_next(at, id) || slice_eq(id, time_key))
            continue;
        at->p += id.n + 1;
        *hint = i + 1;
        *ret = t->sensors[i];
        return true;
    }
    if (!take_string(at, &key))
        return false;
    *ret = NULL;
    if (slice_eq(key, time_key))
        return true;
    if ((*ret = core_sensor(t, key)))
        *hint = (*ret)->spec->index + 1;
    return *ret != NULL;
}

static bool take_time(struct cursor *at, int64_t *ret_us)
{
    struct slice text;
    struct value v;
    if (take(at, '"'))
        return take_string(at, &text) && clock_parse(text, ret_us) == 0;
    at->p = json_number_at(at->p, at->end, &v);
    return at->p && v.type == VALUE_DOUBLE && body_time_of_ms(v.as.d, ret_us) == 0;
}

/* The members of the object, the brace is open. */
static bool take_members(struct ingest *in, struct cursor *at, const struct twin *t,
                         int64_t *ret_time, bool *ret_has_time)
{
    size_t hint = 0, n = 0;
    do {
        struct sensor *s;
        struct value *place;
        if (!take(at, '"') || !take_key(at, t, &hint, &s) || !take(at, ':'))
            return false;
        skip_space(at);
        if (!s) {
            *ret_has_time = true;
            if (!take_time(at, ret_time))
                return false;
            continue;
        }
        if (s->kind != VALUE_DOUBLE || n++ == INGEST_MEMBERS_MAX || !(place = ingest_push(in, s)) ||
            !(at->p = json_number_at(at->p, at->end, place)))
            return false;
    } while (take(at, ','));
    if (!take(at, '}'))
        return false;
    skip_space(at);
    return at->p == at->end;
}

bool ingest_plain(struct ingest *in, const struct twin *t, struct slice payload)
{
    struct ingest_mark before = ingest_mark(in);
    struct cursor at = {payload.p, payload.p + payload.n};
    int64_t t_us = 0;
    bool has_time = false;
    if (in->picky)
        return false;
    if (take(&at, '{') && take_members(in, &at, t, &t_us, &has_time) &&
        (!has_time || ingest_time_fits(in, t_us))) {
        ingest_stamp(in, before.n, has_time, t_us);
        in->index += in->n - before.n;
        return true;
    }
    ingest_rewind(in, before);
    return false;
}
