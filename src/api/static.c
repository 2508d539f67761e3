/* static.c - the page: files built into the program, or read from a folder while working on it. */
#include "api/internal.h"
#include "base/err.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FILE_MAX = 32 << 20 };

static const struct api_asset *find(const struct api *a, struct slice path)
{
    for (size_t i = 0; i < a->opts.assets_n; i++)
        if (slice_is(path, a->opts.assets[i].path))
            return &a->opts.assets[i];
    return NULL;
}

/* A name with a dot in its last part is a file; all else is a place of the application. */
static bool is_place(struct slice path)
{
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
        if (path.p[i - 1] == '.')
            return false;
    return true;
}

static int inflate_all(const unsigned char *data, size_t n, struct buf *out)
{
    z_stream z = {0};
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)n;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return ERR_NOMEM;
    int state = Z_OK;
    while (state == Z_OK && buf_reserve(out, 65536)) {
        z.next_out = (unsigned char *)out->p + out->n;
        z.avail_out = 65536;
        state = inflate(&z, Z_NO_FLUSH);
        out->n += 65536 - z.avail_out;
    }
    inflateEnd(&z);
    return state == Z_STREAM_END ? 0 : ERR_CORRUPT;
}

static void answer_asset(struct call *call, const struct api_asset *f)
{
    struct slice none = http_header(call->req, "if-none-match");
    /* names with a hash in them never change their content */
    http_add_header(call->req, "Cache-Control",
                    strncmp(f->path, "/assets/", 8) == 0 ? "public, max-age=31536000, immutable"
                                                         : "no-cache");
    http_add_header(call->req, "ETag", f->etag);
    if (none.p && etag_listed(none, f->etag, true)) {
        http_respond(call->req, 304, NULL, slice_of("", 0));
        return;
    }
    if (!f->gzip || http_wants_gzip(call->req)) {
        if (f->gzip)
            http_set_gzip(call->req);
        http_respond(call->req, 200, f->type, slice_of((const char *)f->data, f->n));
        return;
    }
    struct buf plain = {0};
    http_add_header(call->req, "Vary", "Accept-Encoding");
    if (inflate_all(f->data, f->n, &plain))
        call_problem(call, ERR_NOMEM, NULL);
    else
        http_respond(call->req, 200, f->type, buf_slice(&plain));
    buf_release(&plain);
}

/* ---- from a folder ---- */

static const char *type_of(struct slice path)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".png", "image/png"},
                                           {".json", "application/json"},
                                           {".ico", "image/x-icon"},
                                           {".woff2", "font/woff2"},
                                           {".webmanifest", "application/manifest+json"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_ends(path, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}

static bool is_inside(struct slice path)
{
    return !memmem(path.p, path.n, "..", 2) && !memchr(path.p, '\\', path.n);
}

static int read_file(const char *dir, struct slice path, struct buf *out)
{
    char name[1024];
    struct stat st;
    if (!is_inside(path) ||
        snprintf(name, sizeof name, "%s%.*s", dir, SLICE_ARG(path)) >= (int)sizeof name)
        return ERR_NOT_FOUND;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    int err = ERR_NOT_FOUND;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX &&
        buf_reserve(out, (size_t)st.st_size + 1)) {
        ssize_t n = read(fd, out->p, (size_t)st.st_size);
        err = n == st.st_size ? 0 : ERR_IO;
        out->n = n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return err;
}

static void serve_folder(struct call *call, struct slice path)
{
    struct buf b = {0};
    int err = read_file(call->api->opts.web_dir, path, &b);
    if (err && is_place(path))
        err = read_file(call->api->opts.web_dir, path = SLICE_LIT("/index.html"), &b);
    http_add_header(call->req, "Cache-Control", "no-store");
    if (err)
        call_problem(call, ERR_NOT_FOUND, NULL);
    else
        http_respond(call->req, 200, type_of(path), buf_slice(&b));
    buf_release(&b);
}

void static_serve(struct call *call)
{
    struct slice path = http_path(call->req);
    if (slice_is(path, "/"))
        path = SLICE_LIT("/index.html");
    if (call->api->opts.web_dir) {
        serve_folder(call, path);
        return;
    }
    const struct api_asset *f = find(call->api, path);
    if (!f && is_place(path))
        f = find(call->api, SLICE_LIT("/index.html"));
    if (f)
        answer_asset(call, f);
    else if (slice_is(path, "/index.html"))
        call_problem(call, ERR_NOT_FOUND, "This build has no page in it; the API is at /api/v1.");
    else
        call_problem(call, ERR_NOT_FOUND, "There is nothing at this address.");
}
