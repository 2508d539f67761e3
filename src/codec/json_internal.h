/* json_internal.h - what the files of the JSON codec share with each other. */
#ifndef CODEC_JSON_INTERNAL_H
#define CODEC_JSON_INTERNAL_H

#include "base/map.h"
#include "codec/json.h"

#include <endian.h>

/* What a reader expects next.  The failed bit is added to the state in which it happened. */
enum json_state {
    JSON_STATE_VALUE,         /* a value: at the beginning, after a colon, after a comma */
    JSON_STATE_FIRST_ELEMENT, /* a value or ] */
    JSON_STATE_FIRST_KEY,     /* a key or } */
    JSON_STATE_NEXT_KEY,      /* a key, after a comma */
    JSON_STATE_AFTER,         /* a comma or the end of what is open */
    JSON_STATE_END,
    JSON_STATE_FAILED = 0x80,
};

enum { JSON_LINEAR = 16 }; /* members of an object up to which looking at each beats hashing */

static inline bool json_is_digit(unsigned char c)
{
    return (unsigned)(c - '0') < 10;
}

/* Where the first byte stands that a string cannot hold as it is, or that must be looked at: a
 * quote, a backslash, a control character, a byte outside ASCII.  Eight bytes at a time: in
 * `(x - ones) & ~x & tops` the lowest bit that is set belongs to the first zero byte of x (what
 * stands above may be wrong by a borrow and is not used). */
static inline const unsigned char *json_plain(const unsigned char *p, const unsigned char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        w = le64toh(w);
        uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
        uint64_t hit =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w) | w;
        hit &= tops;
        if (hit)
            return p + (__builtin_ctzll(hit) >> 3);
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && *p >= 0x20 && *p < 0x80)
        p++;
    return p;
}

/* Do two JSON numbers mean the same, to the last digit? */
bool json_number_equal(struct slice a, struct slice b);

/* Is it a whole JSON number and nothing else? */
bool json_number_valid(struct slice text);

/* Put v behind the last child of parent. */
void jval_link(struct jval *parent, struct jval *v);

/* The members that an object has now, by key; where memory ran out it is not there and
 * jval_find() walks. */
struct jval_index {
    struct map map;
    bool there;
};

void jval_index_make(struct jval_index *index, const struct jval *object);
struct jval *jval_find(const struct jval *object, const struct jval_index *index, struct slice key);

#endif
