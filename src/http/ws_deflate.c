/* ws_deflate.c - permessage-deflate (RFC 7692) with zlib.
 *
 * A compressor of ours never looks back more than 4 kB, whatever was agreed on (a smaller window
 * than agreed is always allowed): with that a connection costs 32 kB for sending instead of
 * 256 kB, and messages of a stream of readings repeat what stands in the ones just before.
 *
 * zlib's raw deflate takes no window of 256 bytes (8 bits).  It keeps 262 bytes of its window
 * free, so with 9 bits it never looks back more than 250 bytes, which is within 256; 8 is
 * therefore done as 9. */
#include "base/err.h"
#include "http/ws_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { LEVEL = 3, MEMORY = 5, OUR_BITS = 12 };

struct ws_deflate {
    struct ws_deflate_terms terms;
    z_stream out, in;
    bool out_there, in_there;
    bool in_ended; /* a block said it was the last one: the next byte begins anew */
};

/* ---- negotiation ---- */

/* "15" or "\"15\"", 8 to 15, no leading zero. */
static int parse_bits(struct slice value)
{
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = slice_of(value.p + 1, value.n - 2);
    uint64_t bits;
    if (!value.n || value.n > 2 || value.p[0] == '0' || slice_to_u64(value, &bits) != 0 ||
        bits < 8 || bits > 15)
        return 0;
    return (int)bits;
}

/* One parameter of an offer into the terms; false: the offer must be declined. */
static bool take_param(struct ws_deflate_terms *t, struct slice param)
{
    struct slice value = param, name;
    if (!slice_cut(&value, '=', &name))
        return false;
    name = slice_trim(name);
    bool has_value = value.p != NULL;
    value = slice_trim(value);
    if (slice_is_nocase(name, "server_no_context_takeover")) {
        bool again = t->server_no_takeover;
        t->server_no_takeover = true;
        return !has_value && !again;
    }
    if (slice_is_nocase(name, "client_no_context_takeover")) {
        bool again = t->client_no_takeover;
        t->client_no_takeover = true;
        return !has_value && !again;
    }
    if (slice_is_nocase(name, "server_max_window_bits")) {
        bool again = t->server_bits_asked;
        t->server_bits_asked = true;
        t->server_bits = parse_bits(value);
        return t->server_bits && !again;
    }
    if (slice_is_nocase(name, "client_max_window_bits")) {
        bool again = t->client_bits_asked;
        t->client_bits_asked = true;
        t->client_bits = has_value ? parse_bits(value) : 15;
        return t->client_bits && !again;
    }
    return false;
}

void ws_deflate_negotiate(struct slice offers, struct ws_deflate_terms *ret)
{
    struct slice offer, part;
    *ret = (struct ws_deflate_terms){0};
    while (offers.p && slice_cut(&offers, ',', &offer)) {
        struct ws_deflate_terms t = {.on = true, .server_bits = 15, .client_bits = 15};
        if (!slice_cut(&offer, ';', &part) ||
            !slice_is_nocase(slice_trim(part), "permessage-deflate"))
            continue;
        while (t.on && slice_cut(&offer, ';', &part))
            t.on = take_param(&t, slice_trim(part));
        if (t.on) {
            *ret = t;
            return;
        }
    }
}

void ws_deflate_answer(const struct ws_deflate_terms *t, struct buf *out)
{
    buf_add_str(out, "permessage-deflate");
    if (t->server_no_takeover)
        buf_add_str(out, "; server_no_context_takeover");
    if (t->client_no_takeover)
        buf_add_str(out, "; client_no_context_takeover");
    if (t->server_bits_asked)
        buf_addf(out, "; server_max_window_bits=%d", t->server_bits);
    if (t->client_bits_asked && t->client_bits < 15)
        buf_addf(out, "; client_max_window_bits=%d", t->client_bits);
}

/* ---- the compressors ---- */

struct ws_deflate *ws_deflate_new(const struct ws_deflate_terms *terms)
{
    struct ws_deflate *d = calloc(1, sizeof *d);
    if (d)
        d->terms = *terms;
    return d;
}

void ws_deflate_free(struct ws_deflate *d)
{
    if (!d)
        return;
    if (d->out_there)
        deflateEnd(&d->out);
    if (d->in_there)
        inflateEnd(&d->in);
    free(d);
}

static int begin_deflate(struct ws_deflate *d)
{
    int bits = d->terms.server_bits;
    if (d->out_there)
        return 0;
    bits = bits > OUR_BITS ? OUR_BITS : bits < 9 ? 9 : bits;
    if (deflateInit2(&d->out, LEVEL, Z_DEFLATED, -bits, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    d->out_there = true;
    return 0;
}

int ws_deflate_message(struct ws_deflate *d, struct slice message, struct buf *out)
{
    if (message.n > UINT_MAX || begin_deflate(d) != 0)
        return ERR_NOMEM;
    size_t start = out->n;
    d->out.next_in = (z_const Bytef *)(uintptr_t)message.p; /* zlib only reads it */
    d->out.avail_in = (uInt)message.n;
    do {
        char *p = buf_reserve(out, 1024);
        if (!p)
            return ERR_NOMEM;
        size_t space = out->cap - out->n;
        if (space > UINT_MAX)
            space = UINT_MAX;
        d->out.next_out = (Bytef *)p;
        d->out.avail_out = (uInt)space;
        deflate(&d->out, Z_SYNC_FLUSH);
        out->n += space - d->out.avail_out;
    } while (d->out.avail_out == 0);
    if (out->n - start >= 4)
        out->n -= 4; /* 00 00 ff ff, section 7.2.1 */
    if (d->terms.server_no_takeover)
        deflateReset(&d->out);
    return 0;
}

static int begin_inflate(struct ws_deflate *d)
{
    if (d->in_there)
        return 0;
    if (inflateInit2(&d->in, -d->terms.client_bits) != Z_OK)
        return ERR_NOMEM;
    d->in_there = true;
    return 0;
}

/* The block was marked as the last one (allowed, section 7.2.3.4): what follows begins a new
 * stream, that may still look back into the old one. */
static int begin_again(struct ws_deflate *d)
{
    Bytef window[1 << 15];
    uInt n = sizeof window;
    d->in_ended = false;
    if (inflateGetDictionary(&d->in, window, &n) != Z_OK || inflateReset(&d->in) != Z_OK)
        return ERR_MALFORMED;
    if (n && inflateSetDictionary(&d->in, window, n) != Z_OK)
        return ERR_MALFORMED;
    return 0;
}

/* Take all of the bytes; the output grows with what there is, up to one byte past max, which
 * tells that it is too much. */
static int inflate_bytes(struct ws_deflate *d, struct slice bytes, size_t max, struct buf *out)
{
    d->in.next_in = (z_const Bytef *)(uintptr_t)bytes.p;
    d->in.avail_in = (uInt)bytes.n;
    for (;;) {
        if (d->in_ended) {
            if (!d->in.avail_in)
                return 0;
            int rc = begin_again(d);
            if (rc != 0)
                return rc;
        }
        size_t space = max - out->n + 1;
        if (space > 16384)
            space = 16384;
        char *p = buf_reserve(out, space);
        if (!p)
            return ERR_NOMEM;
        d->in.next_out = (Bytef *)p;
        d->in.avail_out = (uInt)space;
        int rc = inflate(&d->in, Z_SYNC_FLUSH);
        size_t got = space - d->in.avail_out;
        out->n += got;
        if (out->n > max)
            return ERR_TOO_LARGE;
        if (rc == Z_STREAM_END)
            d->in_ended = true;
        else if (rc == Z_BUF_ERROR)
            return 0; /* no input left */
        else if (rc != Z_OK)
            return rc == Z_MEM_ERROR ? ERR_NOMEM : ERR_MALFORMED;
        else if (!d->in.avail_in && d->in.avail_out)
            return 0;
    }
}

int ws_inflate(struct ws_deflate *d, struct slice bytes, bool last, size_t max, struct buf *out)
{
    int rc = begin_inflate(d);
    if (rc != 0)
        return rc;
    if (bytes.n > UINT_MAX)
        return ERR_TOO_LARGE;
    rc = inflate_bytes(d, bytes, max, out);
    if (rc != 0 || !last)
        return rc;
    if (!d->in_ended) /* else nothing was cut off: it is how a whole stream ends */
        rc = inflate_bytes(d, SLICE_LIT("\x00\x00\xff\xff"), max, out);
    if (rc == 0 && d->terms.client_no_takeover) {
        d->in_ended = false;
        inflateReset(&d->in);
    }
    return rc;
}
