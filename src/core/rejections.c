/* rejections.c - the last refusals, so that nothing is dropped in silence. */
#include "base/clock.h"
#include "base/err.h"
#include "core/internal.h"

#include <stdlib.h>

enum { PAYLOAD_SHOWN = 256, NAME_SHOWN = 256 };

/* Copy to *at, cut to max bytes at a character's boundary; bytes that are no text become '?'. */
static const char *put(char **at, struct slice s, size_t max)
{
    char *start = *at;
    size_t n = s.n;
    if (n > max) {
        n = max;
        while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    }
    if (n)
        memcpy(start, s.p, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)start[i] < 0x20 && start[i] != '\n' && start[i] != '\t')
            start[i] = '?';
    start[n] = 0;
    *at = start + n + 1;
    return start;
}

void rejection_count(struct core *c, int err, size_t n)
{
    int row = -err;
    c->stats.rejected += n;
    if (row > 0 && row < (int)(sizeof c->stats.rejected_by / sizeof c->stats.rejected_by[0]))
        c->stats.rejected_by[row] += n;
}

void rejection_add(struct core *c, int err, const struct ingest_source *src, struct slice twin,
                   struct slice sensor, const char *detail, struct slice payload)
{
    rejection_count(c, err, 1);
    struct buf readable = {0};
    if (src->format == BODY_CBOR) {
        cbor_diagnose(&readable, payload, PAYLOAD_SHOWN);
        payload = buf_slice(&readable);
    }
    struct slice texts[] = {slice_str(src->via),
                            slice_str(src->peer),
                            src->topic,
                            twin,
                            sensor,
                            slice_str(detail),
                            payload};
    size_t n = sizeof(struct rejection);
    for (size_t i = 0; i < 7; i++)
        n += (texts[i].n < 1024 ? texts[i].n : 1024) + 1;
    struct rejection *r = malloc(n);
    if (!r) {
        buf_release(&readable);
        return; /* the counters have it */
    }
    char *at = (char *)(r + 1);
    r->at_us = clock_now_us();
    r->err = err;
    r->org = src->who ? src->who->org : NULL;
    r->via = put(&at, texts[0], 32);
    r->peer = put(&at, texts[1], NAME_SHOWN);
    r->topic = put(&at, texts[2], NAME_SHOWN);
    r->twin = put(&at, texts[3], NAME_SHOWN);
    r->sensor = put(&at, texts[4], NAME_SHOWN);
    r->detail = put(&at, texts[5], 512);
    r->payload = put(&at, texts[6], PAYLOAD_SHOWN);
    buf_release(&readable);
    struct rejection **slot = &c->rejections[c->rejections_n++ % REJECTIONS_KEPT];
    free(*slot);
    *slot = r;
    core_tell(c, EVENT_REJECTION, NULL, r);
}

const struct rejection *core_rejection(const struct core *c, size_t i)
{
    uint64_t kept = c->rejections_n < REJECTIONS_KEPT ? c->rejections_n : REJECTIONS_KEPT;
    return i < kept ? c->rejections[(c->rejections_n - 1 - i) % REJECTIONS_KEPT] : NULL;
}

uint64_t core_rejection_total(const struct core *c)
{
    return c->stats.rejected;
}

void rejections_release(struct core *c)
{
    for (size_t i = 0; i < REJECTIONS_KEPT; i++)
        free(c->rejections[i]);
}
