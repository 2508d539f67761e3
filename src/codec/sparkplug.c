/* sparkplug.c - see sparkplug.h.
 *
 * A message of Protocol Buffers is fields one after the other, each a key (number and wire type)
 * and what the wire type says.  Fields that are not known are stepped over, and of a field that
 * stands twice the last counts, as the format has it.  Messages within messages are looked into one
 * level deep (metrics, then properties), each by a walk of its own, so that depth costs nothing. */
#include "codec/sparkplug.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <math.h>

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* The numbers of the fields. */
enum { PAYLOAD_TIMESTAMP = 1, PAYLOAD_METRIC, PAYLOAD_SEQ, PAYLOAD_UUID, PAYLOAD_BODY };
enum {
    METRIC_NAME = 1,
    METRIC_ALIAS,
    METRIC_TIMESTAMP,
    METRIC_TYPE,
    METRIC_IS_HISTORICAL,
    METRIC_IS_TRANSIENT,
    METRIC_IS_NULL,
    METRIC_METADATA,
    METRIC_PROPERTIES,
};
enum { SET_KEY = 1, SET_VALUE };
enum { PROPERTY_IS_NULL = 2, PROPERTY_INT, PROPERTY_LONG, PROPERTY_STRING = 8 };

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t bits;
    struct slice bytes;
};

static const char *take_varint(struct slice *s, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 10 && i < s->n; i++) {
        uint8_t byte = (uint8_t)s->p[i];
        v |= (uint64_t)(byte & 127) << (7 * i);
        if (byte & 128)
            continue;
        if (i == 9 && byte > 1)
            break;
        *s = slice_skip(*s, i + 1);
        *ret = v;
        return NULL;
    }
    return s->n < 10 ? "it ends too early" : "a number has more than 64 bits";
}

static const char *take_fixed(struct slice *s, unsigned n, uint64_t *ret)
{
    if (s->n < n)
        return "it ends too early";
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)(uint8_t)s->p[i] << (8 * i);
    *s = slice_skip(*s, n);
    *ret = v;
    return NULL;
}

/* The next field; NULL, or what is wrong. */
static const char *take_field(struct slice *s, struct field *f)
{
    uint64_t key, n;
    const char *why = take_varint(s, &key);
    if (why)
        return why;
    *f = (struct field){.number = key >> 3, .wire = (enum wire)(key & 7)};
    if (!f->number)
        return "a field has the number 0";
    switch (f->wire) {
    case VARINT:
        return take_varint(s, &f->bits);
    case FIXED64:
        return take_fixed(s, 8, &f->bits);
    case FIXED32:
        return take_fixed(s, 4, &f->bits);
    case BYTES:
        if ((why = take_varint(s, &n)))
            return why;
        if (n > s->n)
            return "it ends too early";
        f->bytes = slice_of(s->p, (size_t)n);
        *s = slice_skip(*s, (size_t)n);
        return NULL;
    }
    return "a field has a wire type that is none";
}

/* ---- metrics ---- */

/* The wire type that a field of a metric must have. */
static bool metric_fits(const struct field *f)
{
    static const uint8_t wires[] = {
        [METRIC_NAME] = BYTES,           [METRIC_ALIAS] = VARINT,
        [METRIC_TIMESTAMP] = VARINT,     [METRIC_TYPE] = VARINT,
        [METRIC_IS_HISTORICAL] = VARINT, [METRIC_IS_TRANSIENT] = VARINT,
        [METRIC_IS_NULL] = VARINT,       [METRIC_METADATA] = BYTES,
        [METRIC_PROPERTIES] = BYTES,     [SPB_INT_VALUE] = VARINT,
        [SPB_LONG_VALUE] = VARINT,       [SPB_FLOAT_VALUE] = FIXED32,
        [SPB_DOUBLE_VALUE] = FIXED64,    [SPB_BOOLEAN_VALUE] = VARINT,
        [SPB_STRING_VALUE] = BYTES,      [SPB_BYTES_VALUE] = BYTES,
        [SPB_DATASET_VALUE] = BYTES,     [SPB_TEMPLATE_VALUE] = BYTES,
        [SPB_EXTENSION_VALUE] = BYTES,
    };
    return f->number >= sizeof wires || f->wire == wires[f->number];
}

static void set_metric(struct spb_metric *m, const struct field *f)
{
    switch (f->number) {
    case METRIC_NAME:
        m->name = f->bytes;
        break;
    case METRIC_ALIAS:
        m->has_alias = true;
        m->alias = f->bits;
        break;
    case METRIC_TIMESTAMP:
        m->has_timestamp = true;
        m->timestamp = f->bits;
        break;
    case METRIC_TYPE:
        m->type = f->bits;
        break;
    case METRIC_IS_NULL:
        m->is_null = f->bits != 0;
        break;
    case METRIC_PROPERTIES:
        m->properties = f->bytes;
        break;
    default:
        if (f->number < SPB_INT_VALUE || f->number > SPB_EXTENSION_VALUE)
            break;
        m->member = (enum spb_member)f->number;
        m->bits = f->bits;
        m->bytes = f->bytes;
    }
}

static const char *read_metric(struct slice bytes, struct spb_metric *m)
{
    struct field f;
    *m = (struct spb_metric){0};
    while (bytes.n) {
        const char *why = take_field(&bytes, &f);
        if (why)
            return why;
        if (!metric_fits(&f))
            return "a field of a metric is of another kind than it should be";
        bool text = f.number == METRIC_NAME || f.number == SPB_STRING_VALUE;
        if (text && (!utf8_valid(f.bytes) || memchr(f.bytes.p, 0, f.bytes.n)))
            return "a text is not UTF-8";
        set_metric(m, &f);
    }
    return NULL;
}

static const char *set_payload(struct spb_payload *p, const struct field *f)
{
    struct spb_metric metric;
    bool number = f->number == PAYLOAD_TIMESTAMP || f->number == PAYLOAD_SEQ;
    if (f->number <= PAYLOAD_BODY && f->wire != (number ? VARINT : BYTES))
        return "a field of the payload is of another kind than it should be";
    if (f->number == PAYLOAD_TIMESTAMP) {
        p->has_timestamp = true;
        p->timestamp = f->bits;
    } else if (f->number == PAYLOAD_SEQ) {
        p->has_seq = true;
        p->seq = f->bits;
    } else if (f->number == PAYLOAD_UUID) {
        p->uuid = f->bytes;
    } else if (f->number == PAYLOAD_METRIC) {
        p->metrics++;
        return read_metric(f->bytes, &metric);
    }
    return NULL;
}

int spb_read(struct slice bytes, struct spb_payload *ret, size_t *ret_at, const char **ret_why)
{
    struct spb_payload p = {.bytes = bytes.p ? bytes : SLICE_LIT("")};
    struct slice rest = p.bytes;
    struct field f;
    while (rest.n) {
        *ret_at = bytes.n - rest.n;
        const char *why = take_field(&rest, &f);
        if (!why)
            why = set_payload(&p, &f);
        if (why) {
            *ret_why = why;
            return ERR_MALFORMED;
        }
    }
    *ret = p;
    return 0;
}

bool spb_next(const struct spb_payload *p, size_t *at, struct spb_metric *ret)
{
    struct slice rest = slice_skip(p->bytes, *at);
    struct field f;
    while (rest.n && !take_field(&rest, &f)) {
        *at = p->bytes.n - rest.n;
        if (f.number == PAYLOAD_METRIC)
            return !read_metric(f.bytes, ret);
    }
    return false;
}

/* ---- types and values ---- */

static const struct {
    const char *name;
    enum value_type kind;
} types[SPB_TYPES] = {
    {"Unknown", VALUE_NONE},       {"Int8", VALUE_DOUBLE},
    {"Int16", VALUE_DOUBLE},       {"Int32", VALUE_DOUBLE},
    {"Int64", VALUE_DOUBLE},       {"UInt8", VALUE_DOUBLE},
    {"UInt16", VALUE_DOUBLE},      {"UInt32", VALUE_DOUBLE},
    {"UInt64", VALUE_DOUBLE},      {"Float", VALUE_DOUBLE},
    {"Double", VALUE_DOUBLE},      {"Boolean", VALUE_BOOL},
    {"String", VALUE_TEXT},        {"DateTime", VALUE_TEXT},
    {"Text", VALUE_TEXT},          {"UUID", VALUE_TEXT},
    {"DataSet", VALUE_NONE},       {"Bytes", VALUE_NONE},
    {"File", VALUE_NONE},          {"Template", VALUE_NONE},
    {"PropertySet", VALUE_NONE},   {"PropertySetList", VALUE_NONE},
    {"Int8Array", VALUE_NONE},     {"Int16Array", VALUE_NONE},
    {"Int32Array", VALUE_NONE},    {"Int64Array", VALUE_NONE},
    {"UInt8Array", VALUE_NONE},    {"UInt16Array", VALUE_NONE},
    {"UInt32Array", VALUE_NONE},   {"UInt64Array", VALUE_NONE},
    {"FloatArray", VALUE_NONE},    {"DoubleArray", VALUE_NONE},
    {"BooleanArray", VALUE_NONE},  {"StringArray", VALUE_NONE},
    {"DateTimeArray", VALUE_NONE},
};

enum value_type spb_kind(uint64_t type)
{
    return type < SPB_TYPES ? types[type].kind : VALUE_NONE;
}

const char *spb_type_name(uint64_t type)
{
    return type < SPB_TYPES ? types[type].name : "an unknown type";
}

/* Whole numbers that a double holds are doubles, as everywhere. */
static struct value whole(int64_t v)
{
    if (v == INT64_MIN || ((double)v < 0x1p63 && (int64_t)(double)v == v))
        return value_double((double)v);
    return (struct value){VALUE_INT, {.i = v}};
}

/* A number in the member of whole numbers that its encoder chose, cut to its own width: small
 * negative ones come with their sign stretched to 32 or 64 bits, or not. */
static int read_whole(const struct spb_metric *m, uint64_t type, struct value *ret)
{
    uint64_t v = m->bits;
    if (m->member != SPB_INT_VALUE && m->member != SPB_LONG_VALUE)
        return ERR_WRONG_TYPE;
    switch (type) {
    case SPB_INT8:
        *ret = value_double((int8_t)v);
        break;
    case SPB_INT16:
        *ret = value_double((int16_t)v);
        break;
    case SPB_INT32:
        *ret = value_double((int32_t)v);
        break;
    case SPB_INT64:
        *ret = whole((int64_t)v);
        break;
    case SPB_UINT8:
        *ret = value_double((uint8_t)v);
        break;
    case SPB_UINT16:
        *ret = value_double((uint16_t)v);
        break;
    case SPB_UINT32:
        *ret = value_double((uint32_t)v);
        break;
    default:
        *ret = v > INT64_MAX ? value_double((double)v) : whole((int64_t)v);
    }
    return 0;
}

static int read_real(const struct spb_metric *m, struct value *ret)
{
    double d;
    if (m->member == SPB_FLOAT_VALUE) {
        uint32_t bits = (uint32_t)m->bits;
        float f;
        memcpy(&f, &bits, sizeof f);
        d = (double)f;
    } else if (m->member == SPB_DOUBLE_VALUE) {
        memcpy(&d, &m->bits, sizeof d);
    } else {
        return ERR_WRONG_TYPE;
    }
    *ret = value_double(d);
    return 0;
}

static int read_text(const struct spb_metric *m, uint64_t type, char *room, struct value *ret)
{
    if (type != SPB_DATETIME) {
        *ret = (struct value){VALUE_TEXT, {.text = m->bytes}};
        return m->member == SPB_STRING_VALUE ? 0 : ERR_WRONG_TYPE;
    }
    struct buf b = {0};
    if ((m->member != SPB_LONG_VALUE && m->member != SPB_INT_VALUE) || m->bits > 253402300799999)
        return ERR_WRONG_TYPE; /* past the year 9999 */
    clock_format(&b, (int64_t)m->bits * 1000);
    size_t n = b.n < SPB_ROOM ? b.n : SPB_ROOM;
    if (n)
        memcpy(room, b.p, n);
    *ret = (struct value){VALUE_TEXT, {.text = slice_of(room, n)}};
    buf_release(&b);
    return n ? 0 : ERR_WRONG_TYPE;
}

int spb_value(const struct spb_metric *m, uint64_t type, char room[static SPB_ROOM],
              struct value *ret, const char **ret_why)
{
    enum value_type kind = spb_kind(type);
    int err = ERR_WRONG_TYPE;
    *ret_why = "the value is not of the metric's type";
    if (kind == VALUE_NONE) {
        *ret_why = "metrics of this type are not kept: only numbers, Boolean, String, Text, UUID "
                   "and DateTime are";
    } else if (kind == VALUE_TEXT) {
        err = read_text(m, type, room, ret);
    } else if (kind == VALUE_BOOL) {
        *ret = (struct value){VALUE_BOOL, {.b = m->bits != 0}};
        err = m->member == SPB_BOOLEAN_VALUE ? 0 : ERR_WRONG_TYPE;
    } else if (type != SPB_FLOAT && type != SPB_DOUBLE) {
        err = read_whole(m, type, ret);
    } else if (!(err = read_real(m, ret)) && !isfinite(ret->as.d)) {
        *ret_why = "NaN and infinity are no values";
        err = ERR_WRONG_TYPE;
    }
    return err;
}

/* ---- properties ---- */

/* The encoded value of a property: the keys and the values are two lists. */
static struct slice find_property(struct slice properties, const char *key)
{
    struct slice rest = properties, none = {0};
    struct field f;
    size_t at = 0, i = 0;
    bool found = false;
    while (!found && rest.n && !take_field(&rest, &f)) {
        if (f.number != SET_KEY || f.wire != BYTES)
            continue;
        found = slice_is(f.bytes, key);
        at += !found;
    }
    for (rest = properties; found && rest.n && !take_field(&rest, &f);)
        if (f.number == SET_VALUE && f.wire == BYTES && i++ == at)
            return f.bytes;
    return none;
}

struct slice spb_property_text(struct slice properties, const char *key)
{
    struct slice value = find_property(properties, key), text = {0};
    struct field f;
    while (value.n && !take_field(&value, &f))
        if (f.number == PROPERTY_STRING && f.wire == BYTES)
            text = f.bytes;
    return text.n && utf8_valid(text) && !memchr(text.p, 0, text.n) ? text : (struct slice){0};
}

bool spb_property_number(struct slice properties, const char *key, int32_t *ret)
{
    struct slice value = find_property(properties, key);
    struct field f;
    bool found = false;
    while (value.n && !take_field(&value, &f)) {
        if ((f.number != PROPERTY_INT && f.number != PROPERTY_LONG) || f.wire != VARINT)
            continue;
        found = true;
        *ret = (int32_t)f.bits;
    }
    return found;
}

/* ---- writing ---- */

static void put_varint(struct buf *out, uint64_t v)
{
    for (; v > 127; v >>= 7)
        buf_add_byte(out, (unsigned char)(v | 128));
    buf_add_byte(out, (unsigned char)v);
}

static void put_number(struct buf *out, unsigned number, uint64_t v)
{
    put_varint(out, number << 3 | VARINT);
    put_varint(out, v);
}

static void put_bytes(struct buf *out, unsigned number, struct slice bytes)
{
    put_varint(out, number << 3 | BYTES);
    put_varint(out, bytes.n);
    buf_add_slice(out, bytes);
}

void spb_write_rebirth(struct buf *out, uint64_t now_ms)
{
    struct buf metric = {0};
    put_bytes(&metric, METRIC_NAME, SLICE_LIT("Node Control/Rebirth"));
    put_number(&metric, METRIC_TIMESTAMP, now_ms);
    put_number(&metric, METRIC_TYPE, SPB_BOOLEAN);
    put_number(&metric, SPB_BOOLEAN_VALUE, 1);
    put_number(out, PAYLOAD_TIMESTAMP, now_ms);
    put_bytes(out, PAYLOAD_METRIC, buf_slice(&metric));
    out->failed |= metric.failed;
    buf_release(&metric);
}
