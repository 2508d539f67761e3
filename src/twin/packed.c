/* FORMAT.  Numbers are varints (seven bits a byte, the lowest first), a text is its length, its
 * bytes and a zero, a double its eight bytes, the lowest first.
 *
 *   view      version, flags (1: simulated), name, description, type, interval, retention,
 *             sampling, raw retention, compression, types, relations (relations.c), alarm
 *   sensors   version, how many, then each: flags (bits 0-2 kind, 3 normal, 4 critical, 5
 *             threshold, 6 alarm), id, name, type, unit, interval, two doubles for each range
 *             that there is, one for the threshold, the alarm when it is said
 *   alarm     flags (1: said, 2: off), severity plus one, hysteresis, delay, delay of clearing
 *
 * The version rises when something is added, or when profile_read() comes to mean something else:
 * every server then makes its bytes anew from the profiles. */
#include "twin/packed.h"

#include "base/err.h"
#include "twin/relations.h"

#include <stdlib.h>

enum { VERSION = 4, SENSOR_LEAST = 10 /* bytes of a sensor, at least */ };

enum { VIEW_SIMULATED = 1 };
enum {
    SENSOR_KIND = 7,
    SENSOR_NORMAL = 8,
    SENSOR_CRITICAL = 16,
    SENSOR_THRESHOLD = 32,
    SENSOR_ALARM = 64
};
enum { ALARM_SAID = 1, ALARM_OFF = 2 };

static void put_number(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add_byte(out, (unsigned char)(v | 0x80));
    buf_add_byte(out, (unsigned char)v);
}

static void put_text(struct buf *out, struct slice s)
{
    put_number(out, s.n);
    buf_add_slice(out, s);
    buf_add_byte(out, 0);
}

static void put_double(struct buf *out, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    for (int i = 0; i < 8; i++)
        buf_add_byte(out, (unsigned char)(bits >> (8 * i)));
}

static void put_alarm(struct buf *out, const struct alarm_spec *a)
{
    put_number(out, (a->said ? ALARM_SAID : 0U) | (a->off ? ALARM_OFF : 0U));
    put_number(out, (uint64_t)(a->severity + 1));
    put_double(out, a->hysteresis);
    put_number(out, (uint64_t)a->delay_us);
    put_number(out, (uint64_t)a->clear_delay_us);
}

void view_pack(struct buf *out, const struct profile_view *view)
{
    put_number(out, VERSION);
    put_number(out, view->simulated ? VIEW_SIMULATED : 0);
    put_text(out, view->name);
    put_text(out, view->description);
    put_text(out, view->type);
    put_number(out, (uint64_t)view->interval_us);
    put_number(out, (uint64_t)view->retention_us);
    put_number(out, (uint64_t)view->sampling_us);
    put_number(out, (uint64_t)view->raw_us);
    put_number(out, view->compression);
    put_text(out, view->types);
    put_text(out, view->relations);
    put_alarm(out, &view->alarm);
}

static void pack_sensor(struct buf *out, const struct sensor_spec *s)
{
    put_number(out, (uint64_t)s->kind | (s->has_normal ? SENSOR_NORMAL : 0) |
                        (s->has_critical ? SENSOR_CRITICAL : 0) |
                        (s->has_threshold ? SENSOR_THRESHOLD : 0) |
                        (s->alarm.said ? SENSOR_ALARM : 0));
    put_text(out, s->id);
    put_text(out, s->name);
    put_text(out, s->type);
    put_text(out, s->unit);
    put_number(out, (uint64_t)s->interval_us);
    for (int i = 0; i < 2 && s->has_normal; i++)
        put_double(out, s->normal[i]);
    for (int i = 0; i < 2 && s->has_critical; i++)
        put_double(out, s->critical[i]);
    if (s->has_threshold)
        put_double(out, s->threshold);
    if (s->alarm.said)
        put_alarm(out, &s->alarm);
}

void sensors_pack(struct buf *out, const struct sensor_spec *sensors, size_t n)
{
    put_number(out, VERSION);
    put_number(out, n);
    for (size_t i = 0; i < n; i++)
        pack_sensor(out, &sensors[i]);
}

/* ---- back ---- */

/* What is left to read; after a fault everything that is read is nothing. */
struct rest {
    struct slice bytes;
    bool bad;
};

static uint64_t number(struct rest *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->bytes.n && !r->bad; shift += 7) {
        unsigned char byte = (unsigned char)*r->bytes.p++;
        r->bytes.n--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

static int64_t duration(struct rest *r)
{
    uint64_t v = number(r);
    r->bad |= v > INT64_MAX;
    return r->bad ? 0 : (int64_t)v;
}

static struct slice text(struct rest *r)
{
    uint64_t n = number(r);
    if (r->bad || n >= r->bytes.n || r->bytes.p[n] != 0) {
        r->bad = true;
        return slice_of("", 0);
    }
    struct slice s = slice_of(r->bytes.p, (size_t)n);
    r->bytes.p += n + 1;
    r->bytes.n -= n + 1;
    return s;
}

static double real(struct rest *r)
{
    uint64_t bits = 0;
    double d;
    if (r->bad || r->bytes.n < 8) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)(unsigned char)r->bytes.p[i] << (8 * i);
    r->bytes.p += 8;
    r->bytes.n -= 8;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static void read_alarm(struct rest *r, struct alarm_spec *a)
{
    uint64_t flags = number(r), severity = number(r);
    r->bad |= severity > 4;
    a->said = flags & ALARM_SAID;
    a->off = flags & ALARM_OFF;
    a->severity = r->bad ? -1 : (int8_t)((int)severity - 1);
    a->hysteresis = real(r);
    r->bad |= !(a->hysteresis >= 0);
    a->delay_us = duration(r);
    a->clear_delay_us = duration(r);
}

static int version(struct rest *r)
{
    uint64_t v = number(r);
    return r->bad ? ERR_CORRUPT : v == VERSION ? 0 : ERR_UNSUPPORTED;
}

static int ended(const struct rest *r)
{
    return r->bad || r->bytes.n ? ERR_CORRUPT : 0;
}

int view_unpack(struct slice bytes, struct profile_view *ret)
{
    struct rest r = {.bytes = bytes};
    struct profile_view view = {0};
    int err = version(&r);
    if (err)
        return err;
    view.simulated = number(&r) & VIEW_SIMULATED;
    view.name = text(&r);
    view.description = text(&r);
    view.type = text(&r);
    view.interval_us = duration(&r);
    view.retention_us = duration(&r);
    view.sampling_us = duration(&r);
    view.raw_us = duration(&r);
    uint64_t level = number(&r);
    r.bad |= level > COMPRESSION_HIGH;
    view.compression = (uint8_t)level;
    view.types = text(&r);
    view.relations = text(&r);
    read_alarm(&r, &view.alarm);
    r.bad |= !relations_sound(view.relations);
    if ((err = ended(&r)))
        return err;
    *ret = view;
    return 0;
}

static void unpack_sensor(struct rest *r, struct sensor_spec *s)
{
    uint64_t flags = number(r);
    r->bad |= (flags & SENSOR_KIND) > VALUE_TEXT;
    s->kind = r->bad ? VALUE_NONE : (enum value_type)(flags & SENSOR_KIND);
    s->has_normal = flags & SENSOR_NORMAL;
    s->has_critical = flags & SENSOR_CRITICAL;
    s->has_threshold = flags & SENSOR_THRESHOLD;
    s->id = text(r);
    s->name = text(r);
    s->type = text(r);
    s->unit = text(r);
    s->interval_us = duration(r);
    for (int i = 0; i < 2 && s->has_normal; i++)
        s->normal[i] = real(r);
    for (int i = 0; i < 2 && s->has_critical; i++)
        s->critical[i] = real(r);
    if (s->has_threshold)
        s->threshold = real(r);
    s->alarm = (struct alarm_spec){.severity = -1};
    if (flags & SENSOR_ALARM)
        read_alarm(r, &s->alarm);
}

int sensors_unpack(struct slice bytes, struct sensor_spec **ret, size_t *ret_n)
{
    struct rest r = {.bytes = bytes};
    int err = version(&r);
    if (err)
        return err;
    uint64_t n = number(&r);
    if (r.bad || n > r.bytes.n / SENSOR_LEAST)
        return ERR_CORRUPT;
    struct sensor_spec *sensors = calloc(n ? (size_t)n : 1, sizeof *sensors);
    if (!sensors)
        return ERR_NOMEM;
    for (size_t i = 0; i < n && !r.bad; i++) {
        unpack_sensor(&r, &sensors[i]);
        sensors[i].index = i;
    }
    if ((err = ended(&r))) {
        free(sensors);
        return err;
    }
    *ret = sensors;
    *ret_n = (size_t)n;
    return 0;
}
