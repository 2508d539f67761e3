/* sparkplug.h - payloads of Eclipse Sparkplug B (spBv1.0): a reader of metrics, and the one message
 * that a host sends.
 *
 * The encoding is that of Protocol Buffers.  Only what a host application needs is taken apart:
 * nothing is allocated, nothing nests, a payload is looked through once by spb_read() and then
 * walked.  Pure. */
#ifndef CODEC_SPARKPLUG_H
#define CODEC_SPARKPLUG_H

#include "base/buf.h"
#include "base/value.h"

enum spb_type {
    SPB_UNKNOWN = 0,
    SPB_INT8,
    SPB_INT16,
    SPB_INT32,
    SPB_INT64,
    SPB_UINT8,
    SPB_UINT16,
    SPB_UINT32,
    SPB_UINT64,
    SPB_FLOAT,
    SPB_DOUBLE,
    SPB_BOOLEAN,
    SPB_STRING,
    SPB_DATETIME, /* Unix milliseconds */
    SPB_TEXT,
    SPB_UUID,
    SPB_DATASET,
    SPB_BYTES,
    SPB_FILE,
    SPB_TEMPLATE,
    SPB_TYPES = 35, /* behind these: property sets, arrays */
};

struct spb_payload {
    struct slice bytes;
    bool has_timestamp, has_seq;
    uint64_t timestamp; /* Unix milliseconds */
    uint64_t seq;
    struct slice uuid;
    size_t metrics; /* how many */
};

/* Which member a value was in. */
enum spb_member {
    SPB_NOTHING,
    SPB_INT_VALUE = 10,
    SPB_LONG_VALUE,
    SPB_FLOAT_VALUE,
    SPB_DOUBLE_VALUE,
    SPB_BOOLEAN_VALUE,
    SPB_STRING_VALUE,
    SPB_BYTES_VALUE,
    SPB_DATASET_VALUE,
    SPB_TEMPLATE_VALUE,
    SPB_EXTENSION_VALUE,
};

struct spb_metric {
    struct slice name; /* p NULL: by its alias alone */
    bool has_alias, has_timestamp, is_null;
    uint64_t alias;
    uint64_t timestamp; /* Unix milliseconds */
    uint64_t type;      /* enum spb_type; SPB_UNKNOWN: not said */
    struct slice properties;
    enum spb_member member;
    uint64_t bits;      /* of a number or boolean */
    struct slice bytes; /* of all else */
};

/* ERR_MALFORMED with where and why (a sentence without full stop). */
int spb_read(struct slice bytes, struct spb_payload *ret, size_t *ret_at, const char **ret_why);

/* The next metric of a payload that was read; *at is 0 at first. */
bool spb_next(const struct spb_payload *p, size_t *at, struct spb_metric *ret);

/* Whether values of this type become readings, and of which kind; VALUE_NONE: they do not. */
enum value_type spb_kind(uint64_t type);
const char *spb_type_name(uint64_t type); /* "Int8"; "an unknown type" */

enum { SPB_ROOM = 40 }; /* for a DateTime in words */

/* The value of a metric of this type (of its birth).  0, or ERR_WRONG_TYPE with a sentence. */
int spb_value(const struct spb_metric *m, uint64_t type, char room[static SPB_ROOM],
              struct value *ret, const char **ret_why);

/* A property by its key: a string's text (p NULL: none), a number. */
struct slice spb_property_text(struct slice properties, const char *key);
bool spb_property_number(struct slice properties, const char *key, int32_t *ret);

/* NCMD: "Node Control/Rebirth" is true. */
void spb_write_rebirth(struct buf *out, uint64_t now_ms);

#endif
