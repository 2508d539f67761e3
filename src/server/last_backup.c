#include "server/last_backup.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

static void path_of(const char *data, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/.last-backup", data);
}

int last_backup_read(const char *data, struct last_backup *ret)
{
    char path[PATH_MAX];
    struct buf text = {0};
    struct arena *a = arena_new();
    struct jval *root = NULL;
    path_of(data, path);
    int err = a ? file_read(path, 65536, &text) : ERR_NOMEM;
    if (!err && jdoc_parse(a, buf_slice(&text), &root, NULL))
        err = ERR_MALFORMED;
    struct slice at = jval_string(jval_get(root, "path"));
    struct jval *encrypted = jval_get(root, "encrypted");
    if (!err && (!at.p || at.n >= sizeof ret->path || !encrypted ||
                 clock_parse(jval_string(jval_get(root, "made")), &ret->made_us)))
        err = ERR_MALFORMED;
    if (!err) {
        snprintf(ret->path, sizeof ret->path, "%.*s", SLICE_ARG(at));
        ret->encrypted = encrypted->type == J_BOOL && encrypted->boolean;
    }
    arena_free(a);
    buf_release(&text);
    return err;
}

void last_backup_write(const char *data, const char *to, int64_t made_us, bool encrypted)
{
    char path[PATH_MAX];
    struct buf text = {0};
    struct json_writer w;
    char *whole = realpath(to, NULL);
    path_of(data, path);
    json_writer_init(&w, &text, 2);
    json_open(&w, '{');
    json_key(&w, "path");
    json_put_cstr(&w, whole ? whole : to);
    json_key(&w, "made");
    json_put_time(&w, made_us);
    json_key(&w, "encrypted");
    json_put_bool(&w, encrypted);
    json_close(&w, '}');
    buf_add_byte(&text, '\n');
    if (!text.failed)
        (void)file_write(path, buf_slice(&text), 0600);
    free(whole);
    buf_release(&text);
}
