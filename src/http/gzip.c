/* gzip.c - compressed answers: whether one is wanted, and making it; and compressed bodies. */
#include "base/err.h"
#include "http/http_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

/* Above 4 zlib takes three times as long for JSON and saves a few per cent; the loop's thread
 * does this. */
enum { LEVEL = 4, GZIP_WINDOW = 15 + 16, MEMORY = 8 };

struct gzip {
    z_stream z;
};

/* "0.5" in thousandths (RFC 9110 section 12.4.2); what cannot be read counts as 0. */
static int quality(struct slice params)
{
    struct slice one;
    while (slice_cut(&params, ';', &one)) {
        one = slice_trim(one);
        if (one.n < 2 || (one.p[0] != 'q' && one.p[0] != 'Q') || one.p[1] != '=')
            continue;
        one = slice_skip(one, 2);
        if (!one.n || (one.p[0] != '0' && one.p[0] != '1') || one.n > 5 ||
            (one.n > 1 && one.p[1] != '.'))
            return 0;
        int value = (one.p[0] - '0') * 1000, scale = 100;
        for (size_t i = 2; i < one.n; i++, scale /= 10) {
            if (one.p[i] < '0' || one.p[i] > '9')
                return 0;
            value += (one.p[i] - '0') * scale;
        }
        return value > 1000 ? 0 : value;
    }
    return 1000;
}

/* Pages of others that make a browser ask for ours see how long the answers are, under TLS too;
 * what is compressed tells by its length what stands in it twice (the attack BREACH).  They are
 * answered without. */
static bool is_spied_on(const struct http_req *r)
{
    return r->is_tls && (slice_is(http_header(r, "sec-fetch-site"), "cross-site") ||
                         !req_is_from_here(r, "referer") || !req_is_from_here(r, "origin"));
}

enum gzip_wish gzip_wanted(const struct http_req *r)
{
    struct slice rest = http_header(r, "accept-encoding"), item, name;
    int gzip = -1, any = -1, identity = -1;
    while (rest.p && slice_cut(&rest, ',', &item)) {
        struct slice params = item;
        if (!slice_cut(&params, ';', &name))
            continue;
        name = slice_trim(name);
        int q = quality(params);
        if (slice_is_nocase(name, "gzip") || slice_is_nocase(name, "x-gzip"))
            gzip = q;
        else if (slice_is_nocase(name, "identity"))
            identity = q;
        else if (slice_is(name, "*"))
            any = q;
    }
    if (gzip < 0)
        gzip = any;
    if (identity < 0 && any == 0)
        identity = 0;
    if (gzip <= 0 || gzip < identity)
        return GZIP_NO;
    if (identity == 0)
        return GZIP_MUST; /* no browser can be made to say that */
    return is_spied_on(r) ? GZIP_NO : GZIP_YES;
}

bool gzip_worth(const char *type)
{
    if (!type)
        return false;
    struct slice rest = slice_str(type), t;
    slice_cut(&rest, ';', &t);
    t = slice_trim(t);
    if (slice_is_nocase(t, "text/event-stream"))
        return false; /* an event must not wait in a compressor */
    static const char *const types[] = {"application/json",        "application/javascript",
                                        "application/xml",         "application/x-ndjson",
                                        "application/wasm",        "application/manifest+json",
                                        "application/schema+json", "image/svg+xml"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_is_nocase(t, types[i]))
            return true;
    return (t.n > 5 && strncasecmp(t.p, "text/", 5) == 0) || slice_ends(t, "+json") ||
           slice_ends(t, "+xml");
}

struct gzip *gzip_new(void)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (g &&
        deflateInit2(&g->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return NULL;
    }
    return g;
}

void gzip_free(struct gzip *g)
{
    if (!g)
        return;
    deflateEnd(&g->z);
    free(g);
}

static void set_input(z_stream *z, struct slice bytes)
{
    z->next_in = (z_const Bytef *)(uintptr_t)bytes.p; /* zlib only reads it */
    z->avail_in = (uInt)bytes.n;
}

int gzip_add(struct gzip *g, struct slice bytes, enum gzip_flush flush, struct buf *out)
{
    static const int modes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    while (bytes.n > UINT_MAX / 2) {
        int rc = gzip_add(g, slice_of(bytes.p, UINT_MAX / 2), GZIP_MORE, out);
        if (rc != 0)
            return rc;
        bytes = slice_skip(bytes, UINT_MAX / 2);
    }
    set_input(&g->z, bytes);
    do {
        char *p = buf_reserve(out, 4096);
        if (!p)
            return ERR_NOMEM;
        size_t space = out->cap - out->n;
        if (space > UINT_MAX)
            space = UINT_MAX;
        g->z.next_out = (Bytef *)p;
        g->z.avail_out = (uInt)space;
        deflate(&g->z, modes[flush]);
        out->n += space - g->z.avail_out;
    } while (g->z.avail_out == 0);
    return 0;
}

bool gzip_whole(struct http_server *s, struct slice body, struct buf *out)
{
    if (!s->gzip)
        s->gzip = gzip_new();
    if (!s->gzip || deflateReset(&s->gzip->z) != Z_OK)
        return false;
    return gzip_add(s->gzip, body, GZIP_END, out) == 0;
}

/* ---- bodies that come compressed ---- */

static int inflate_some(z_stream *z, size_t max, struct buf *out)
{
    size_t step = out->n < (max + 1) / 2 ? out->n + 16384 : max + 1 - out->n;
    char *p = buf_reserve(out, step);
    if (!p)
        return ERR_NOMEM;
    size_t space = out->cap - out->n < max + 1 - out->n ? out->cap - out->n : max + 1 - out->n;
    if (space > UINT_MAX)
        space = UINT_MAX;
    z->next_out = (Bytef *)p;
    z->avail_out = (uInt)space;
    int rc = inflate(z, Z_NO_FLUSH);
    out->n += space - z->avail_out;
    if (out->n > max)
        return ERR_TOO_LARGE;
    if (rc == Z_MEM_ERROR)
        return ERR_NOMEM;
    return rc == Z_OK || rc == Z_STREAM_END ? rc : ERR_MALFORMED;
}

int gunzip(struct slice packed, size_t max, struct buf *out)
{
    z_stream z = {0};
    int rc = Z_OK;
    if (!packed.n)
        return 0;
    if (packed.n > UINT_MAX)
        return ERR_TOO_LARGE;
    if (inflateInit2(&z, 15 + 32) != Z_OK) /* 32: it finds out which of the two it is */
        return ERR_NOMEM;
    set_input(&z, packed);
    while (rc == Z_OK || (rc == Z_STREAM_END && z.avail_in)) {
        if (rc == Z_STREAM_END && inflateReset(&z) != Z_OK)
            rc = ERR_MALFORMED;
        else
            rc = inflate_some(&z, max, out);
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END ? 0 : rc;
}
