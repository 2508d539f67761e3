/* The records of the broker's state as bytes. */
#include "mqtt/record.h"

#include "base/err.h"

#include <stddef.h>

enum kind { NUMBER = 1, TEXT, LIST, ADDED /* a text, at the end, which may not be there */ };

#define N(member)                                                                                  \
    {                                                                                              \
        NUMBER, offsetof(struct record, member)                                                    \
    }
#define T(member)                                                                                  \
    {                                                                                              \
        TEXT, offsetof(struct record, member)                                                      \
    }
#define L(member)                                                                                  \
    {                                                                                              \
        LIST, offsetof(struct record, member)                                                      \
    }
#define A(member)                                                                                  \
    {                                                                                              \
        ADDED, offsetof(struct record, member)                                                     \
    }
#define WILL_ROW N(will_flags), N(will_delay_s), N(expires_us), T(topic), T(props), T(payload)

enum { MEMBERS_MAX = 20 };

static const struct member {
    uint8_t kind; /* 0: no more of them */
    uint16_t offset;
} rows[][MEMBERS_MAX] = {
    [RECORD_MESSAGE] = {N(flags), N(session), N(number), N(expires_us), T(topic), T(props),
                        T(payload), L(targets), A(org)},
    [RECORD_DELIVER] = {N(number), L(targets)},
    [RECORD_SESSION] = {N(session), T(id), N(flags), N(expiry_s), N(window), N(ends_us), N(will_us),
                        N(next_number), L(subs), L(deliveries), L(received), WILL_ROW, A(org),
                        A(subject)},
    [RECORD_ONLINE] = {N(session), N(flags), N(expiry_s), N(window), WILL_ROW},
    [RECORD_OFFLINE] = {N(session), N(expiry_s), N(ends_us), N(will_us), N(number)},
    [RECORD_END] = {N(session)},
    [RECORD_SUBSCRIBED] = {N(session), L(subs)},
    [RECORD_UNSUBSCRIBED] = {N(session), L(subs)},
    [RECORD_GONE] = {N(session), N(number)},
    [RECORD_RELEASED] = {N(session), N(number)},
    [RECORD_RECEIVED] = {N(session), N(number)},
    [RECORD_FORGOTTEN] = {N(session), N(number)},
    [RECORD_WILL_OVER] = {N(session)},
    [RECORD_APPLIED] = {N(number)},
    [RECORD_ROUND] = {N(number)},
};

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
}

static bool get_number(struct slice *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && in->n; shift += 7) {
        unsigned char c = (unsigned char)*in->p;
        *in = slice_skip(*in, 1);
        if (shift == 63 && c > 1)
            return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool get_text(struct slice *in, struct slice *ret)
{
    uint64_t n;
    if (!get_number(in, &n) || n > in->n)
        return false;
    *ret = slice_of(in->p, (size_t)n);
    *in = slice_skip(*in, (size_t)n);
    return true;
}

static bool is_left_out(const struct record *r, const struct member *m)
{
    for (; m->kind; m++)
        if (m->kind != ADDED ||
            ((const struct slice *)(const void *)((const char *)r + m->offset))->n)
            return false;
    return true;
}

void record_put(struct buf *out, const struct record *r)
{
    buf_add_byte(out, (unsigned char)r->type);
    for (const struct member *m = rows[r->type]; m->kind && !is_left_out(r, m); m++) {
        const char *at = (const char *)r + m->offset;
        if (m->kind == NUMBER)
            put_number(out, *(const uint64_t *)(const void *)at);
        else
            put_text(out, *(const struct slice *)(const void *)at);
    }
}

void record_put_item(struct buf *list, const struct record_item *item)
{
    put_number(list, item->a);
    put_number(list, item->b);
    buf_add_byte(list, item->flags);
    put_text(list, item->bytes);
}

static bool get_item(struct slice *list, struct record_item *ret)
{
    if (!get_number(list, &ret->a) || !get_number(list, &ret->b) || !list->n)
        return false;
    ret->flags = (uint8_t)*list->p;
    *list = slice_skip(*list, 1);
    return get_text(list, &ret->bytes);
}

bool record_next(struct slice *list, struct record_item *ret)
{
    return list->n && get_item(list, ret);
}

static bool is_list(struct slice list)
{
    struct record_item item;
    while (list.n)
        if (!get_item(&list, &item))
            return false;
    return true;
}

int record_get(struct slice in, struct record *ret)
{
    struct record r = {0};
    if (!in.n)
        return ERR_CORRUPT;
    uint8_t type = (uint8_t)*in.p;
    if (type == 0 || type >= sizeof rows / sizeof rows[0])
        return ERR_UNSUPPORTED;
    in = slice_skip(in, 1);
    r.type = (enum record_type)type;
    for (const struct member *m = rows[type]; m->kind; m++) {
        char *at = (char *)&r + m->offset;
        struct slice *text = (struct slice *)(void *)at;
        if (m->kind == ADDED && !in.n)
            break;
        if (m->kind == NUMBER ? !get_number(&in, (uint64_t *)(void *)at) : !get_text(&in, text))
            return ERR_CORRUPT;
        if (m->kind == LIST && !is_list(*text))
            return ERR_CORRUPT;
    }
    if (in.n)
        return ERR_CORRUPT;
    *ret = r;
    return 0;
}
