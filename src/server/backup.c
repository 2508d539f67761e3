/* backup.c - doppel backup and doppel restore. */
#include "store/backup.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "server/datadir.h"
#include "server/progress.h"
#include "server/run.h"
#include "server/term.h"

#include <unistd.h>

static void on_progress(void *arg, const char *file, uint64_t done, uint64_t total)
{
    progress_show(arg, file, done, total, "B");
}

static int code_of(int err)
{
    return err == ERR_CORRUPT || err == ERR_UNSUPPORTED ? CODE_NO
           : err == ERR_NOT_FOUND                       ? CODE_MISSING
           : err == ERR_EXISTS || err == ERR_INVALID    ? CODE_USAGE
                                                        : CODE_FAILED;
}

static void print_json(const char *key, const char *path, const struct backup_report *r)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, key);
    json_put_cstr(&w, path);
    json_key(&w, "made");
    json_put_time(&w, r->made_us);
    json_key(&w, "files");
    json_put_uint(&w, r->files);
    json_key(&w, "bytes");
    json_put_uint(&w, r->bytes);
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

int backup_run(const struct invocation *in)
{
    struct progress shown = {0};
    struct backup_watch watch = {on_progress, &shown};
    struct backup_report r;
    const char *to = in->args[0], *data = option_value(in, "data");
    const struct backup_opts opts = {.watch = &watch, .with_keys = option_on(in, "with-keys")};
    int err = backup_make(data, to, &opts, &r);
    progress_clear(&shown);
    if (err) {
        term_problem("%s", r.why);
        return code_of(err);
    }
    char bytes[24];
    progress_bytes(r.bytes, bytes);
    if (option_on(in, "json"))
        print_json("backup", to, &r);
    else
        printf("%s holds %s as it was: %zu files, %s\n", to, data, r.files, bytes);
    if (r.left_out)
        fprintf(stderr,
                "left out: %s.  Keep private keys elsewhere, or take them along with --with-keys\n",
                r.left);
    return CODE_OK;
}

int restore_run(const struct invocation *in)
{
    struct progress shown = {0};
    struct backup_watch watch = {on_progress, &shown};
    struct backup_report r;
    const char *from = in->args[0], *data = option_value(in, "data"), *why = "";
    int lock = -1, err = datadir_take(data, &lock, &why);
    if (err) {
        term_problem("%s", why);
        return CODE_FAILED;
    }
    err = backup_restore(from, data, &watch, &r);
    progress_clear(&shown);
    close(lock);
    if (err) {
        term_problem("%s", r.why);
        return code_of(err);
    }
    char bytes[24];
    struct buf made = {0};
    progress_bytes(r.bytes, bytes);
    clock_format(&made, r.made_us);
    if (option_on(in, "json"))
        print_json("data", data, &r);
    else
        printf("%s is what it was at %.*s: %zu files, %s; start it with: doppel serve --data %s\n",
               data, SLICE_ARG(buf_slice(&made)), r.files, bytes, data);
    buf_release(&made);
    return CODE_OK;
}
