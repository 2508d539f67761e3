/* backup.c - doppel backup, restore and rekey. */
#include "store/backup.h"

#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "server/datadir.h"
#include "server/envelopes.h"
#include "server/last_backup.h"
#include "server/progress.h"
#include "server/run.h"
#include "server/term.h"

#include <limits.h>
#include <unistd.h>

static void on_progress(void *arg, const char *file, uint64_t done, uint64_t total)
{
    progress_show(arg, file, done, total, "B");
}

static int code_of(int err)
{
    return err == ERR_CORRUPT || err == ERR_UNSUPPORTED || err == ERR_FOREIGN ? CODE_NO
           : err == ERR_NOT_FOUND                                             ? CODE_MISSING
           : err == ERR_EXISTS || err == ERR_INVALID                          ? CODE_USAGE
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
    json_key(&w, "encrypted");
    json_put_bool(&w, r->encrypted);
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

static void tell_made(const struct invocation *in, const char *data, const struct backup_report *r)
{
    char bytes[24];
    progress_bytes(r->bytes, bytes);
    if (option_on(in, "json"))
        print_json("backup", in->args[0], r);
    else
        printf("%s holds %s as it was%s: %zu files, %s\n", in->args[0], data,
               r->encrypted ? ", encrypted" : "", r->files, bytes);
    if (r->left_out)
        fprintf(stderr,
                "left out: %s.  Keep private keys elsewhere, take them along with --with-keys, or "
                "encrypt the backup\n",
                r->left);
}

int backup_run(const struct invocation *in)
{
    struct progress shown = {0};
    struct backup_watch watch = {on_progress, &shown};
    struct envelopes e;
    struct backup_report r;
    const char *data = option_value(in, "data");
    int code = envelopes_read(in, "passphrase-file", &e);
    if (code != CODE_OK)
        return code;
    const struct backup_opts opts = {.watch = &watch,
                                     .with_keys = option_on(in, "with-keys"),
                                     .locks = envelopes_lock(&e) ? &e.locks : NULL};
    int err = backup_make(data, in->args[0], &opts, &r);
    envelopes_release(&e);
    progress_clear(&shown);
    if (err) {
        term_problem("%s", r.why);
        return code_of(err);
    }
    last_backup_write(data, in->args[0], r.made_us, r.encrypted);
    tell_made(in, data, &r);
    return CODE_OK;
}

int rekey_run(const struct invocation *in)
{
    struct envelopes e;
    struct backup_report r;
    int code = envelopes_read(in, "new-passphrase-file", &e);
    if (code != CODE_OK)
        return code;
    if (!envelopes_lock(&e)) {
        envelopes_release(&e);
        return command_usage(in->command, "nobody is named who could open it: --recipient WORD or "
                                          "--new-passphrase-file FILE");
    }
    int err = backup_rekey(in->args[0], &e.means, &e.locks, &r);
    size_t n = e.locks.recipients_n + (e.locks.passphrase.n > 0);
    envelopes_release(&e);
    if (err) {
        term_problem("%s", r.why);
        return code_of(err);
    }
    printf("%s opens for %zu now, and for nobody else\n", in->args[0], n);
    return CODE_OK;
}

static int restore(const char *from, const char *data, const struct envelope_means *means,
                   struct backup_report *r)
{
    struct progress shown = {0};
    struct backup_watch watch = {on_progress, &shown};
    const char *why = "";
    int lock = -1, err = datadir_take(data, &lock, &why);
    if (err) {
        term_problem("%s", why);
        return CODE_FAILED;
    }
    err = backup_restore(from, data, means, &watch, r);
    progress_clear(&shown);
    close(lock);
    if (err)
        term_problem("%s", r->why);
    return err ? code_of(err) : CODE_OK;
}

/* What a backup in clear leaves out is needed again. */
static void tell_keys(const char *data)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/secret.key", data);
    if (access(path, F_OK) != 0)
        fprintf(stderr,
                "no secret.key was in it: put yours back with: doppel key add FILE --data %s.  "
                "Without it a server makes a new one, and says which secrets it cannot read\n",
                data);
}

int restore_run(const struct invocation *in)
{
    struct envelopes e;
    struct backup_report r;
    const char *from = in->args[0], *data = option_value(in, "data");
    int code = envelopes_read(in, "passphrase-file", &e);
    if (code != CODE_OK)
        return code;
    code = restore(from, data, &e.means, &r);
    envelopes_release(&e);
    if (code != CODE_OK)
        return code;
    char bytes[24];
    struct buf made = {0};
    progress_bytes(r.bytes, bytes);
    clock_format(&made, r.made_us);
    if (option_on(in, "json"))
        print_json("data", data, &r);
    else
        printf("%s is what it was at %.*s: %zu files, %s; start it with: doppel serve --data %s\n",
               data, SLICE_ARG(buf_slice(&made)), r.files, bytes, data);
    tell_keys(data);
    buf_release(&made);
    return CODE_OK;
}
