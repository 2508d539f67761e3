/* check.c - doppel check. */
#include "store/check.h"

#include "base/err.h"
#include "codec/json.h"
#include "server/envelopes.h"
#include "server/progress.h"
#include "server/run.h"
#include "server/term.h"
#include "store/backup.h"

#include <limits.h>
#include <unistd.h>

struct checking {
    struct progress shown;
    struct json_writer *json; /* NULL: for people */
};

static void on_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
    struct checking *c = arg;
    progress_show(&c->shown, what, done, total, "read");
}

static void on_bytes(void *arg, const char *what, uint64_t done, uint64_t total)
{
    struct checking *c = arg;
    progress_show(&c->shown, what, done, total, "B");
}

static void on_finding(void *arg, enum check_level level, const char *what, const char *sentence)
{
    struct checking *c = arg;
    static const char *const names[] = {"note", "warning", "error"};
    static const enum style styles[] = {STYLE_DIM, STYLE_WARN, STYLE_BAD};
    progress_clear(&c->shown);
    if (c->json) {
        json_open(c->json, '{');
        json_key(c->json, "severity");
        json_put_cstr(c->json, names[level]);
        json_key(c->json, "where");
        json_put_cstr(c->json, what);
        json_key(c->json, "message");
        json_put_cstr(c->json, sentence);
        json_close(c->json, '}');
        return;
    }
    struct buf clean = {0};
    term_clean(&clean, slice_str(sentence), 0);
    printf("%s: %s%s%s: %.*s\n", what, term_style(stdout, styles[level]), names[level],
           term_end(stdout), SLICE_ARG(buf_slice(&clean)));
    buf_release(&clean);
}

static void write_counts(struct json_writer *w, const struct check_report *r)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {
        {"errors", r->errors},
        {"warnings", r->warnings},
        {"twins", r->twins},
        {"series", r->series},
        {"chunks", r->chunks},
        {"points", r->points},
        {"chunkBytes", r->chunk_bytes},
        {"journalBatches", r->journal_batches},
        {"journalReadings", r->journal_readings},
        {"journalBytes", r->journal_bytes},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_key(w, counts[i].name);
        json_put_uint(w, counts[i].n);
    }
}

static void print_verdict(const char *dir, const struct check_report *r, bool backup)
{
    bool holds = r->errors == 0;
    printf("%s: %s%s%s", dir, term_style(stdout, holds ? STYLE_OK : STYLE_BAD),
           holds ? "everything holds" : "damaged", term_end(stdout));
    if (r->errors || r->warnings)
        printf(", %llu errors, %llu warnings", (unsigned long long)r->errors,
               (unsigned long long)r->warnings);
    printf(" (%s%llu twins, %llu series, %llu chunks of %llu readings, %llu readings in the "
           "journal)\n",
           backup ? "backup: " : "", (unsigned long long)r->twins, (unsigned long long)r->series,
           (unsigned long long)r->chunks, (unsigned long long)r->points,
           (unsigned long long)r->journal_readings);
}

/* b->why is empty when the caller has nothing to tell. */
static int verify(struct checking *c, const char *dir, const struct invocation *in,
                  struct backup_report *b)
{
    struct backup_watch watch = {on_bytes, c};
    struct envelopes e;
    int code = envelopes_read(in, "passphrase-file", &e);
    if (code != CODE_OK)
        return code;
    int err = backup_verify(dir, &e.means, &watch, b);
    envelopes_release(&e);
    progress_clear(&c->shown);
    if (err == ERR_CORRUPT || err == ERR_STORAGE || err == ERR_IO || err == ERR_UNSUPPORTED)
        return CODE_NO; /* the caller tells it as a finding */
    if (!err)
        return CODE_OK;
    term_problem("%s", b->why);
    b->why[0] = 0;
    return err == ERR_FOREIGN ? CODE_NO : err == ERR_INVALID ? CODE_USAGE : CODE_FAILED;
}

/* What is encrypted is held against its manifests; to look into it, it has to be put back. */
static int check_encrypted(struct checking *c, const char *dir, const struct invocation *in)
{
    struct backup_report b = {0};
    int code = verify(c, dir, in, &b);
    if (code != CODE_OK && !(code == CODE_NO && b.why[0]))
        return code;
    const char *how = b.opened
                          ? "every file opens and is what was copied"
                          : "every file is as the list in clear says; whether it opens shows only "
                            "--identity FILE or --passphrase-file FILE";
    if (c->json) {
        json_open(c->json, '{');
        json_key(c->json, "encrypted");
        json_put_bool(c->json, true);
        json_key(c->json, "opened");
        json_put_bool(c->json, b.opened);
        json_key(c->json, "errors");
        json_put_uint(c->json, code != CODE_OK);
        json_key(c->json, "message");
        json_put_cstr(c->json, code == CODE_OK ? how : b.why);
        json_key(c->json, "files");
        json_put_uint(c->json, b.files);
        json_key(c->json, "bytes");
        json_put_uint(c->json, b.bytes);
        json_close(c->json, '}');
        printf("%.*s\n", SLICE_ARG(buf_slice(c->json->out)));
    } else if (code == CODE_OK) {
        printf("%s: %sencrypted, and %s%s (%zu files)\n", dir, term_style(stdout, STYLE_OK), how,
               term_end(stdout), b.files);
    } else {
        printf("%s: %sdamaged%s: %s\n", dir, term_style(stdout, STYLE_BAD), term_end(stdout),
               b.why);
    }
    return code;
}

/* A backup is held against its manifest, too. */
static int check_manifest(struct checking *c, const char *dir, const struct invocation *in,
                          struct check_report *r)
{
    struct backup_report b = {0};
    int code = verify(c, dir, in, &b);
    if (code != CODE_NO)
        return code;
    on_finding(c, CHECK_ERROR, BACKUP_MANIFEST, b.why);
    r->errors++;
    return CODE_OK;
}

static int check_plain(struct checking *c, const char *dir, const struct invocation *in,
                       struct buf *out, bool backup)
{
    struct json_writer *w = c->json;
    struct check_watch watch = {on_finding, on_progress, c};
    struct check_report r;
    if (w) {
        json_open(w, '{');
        json_key(w, "findings");
        json_open(w, '[');
    }
    int err = check_directory(dir, &watch, &r);
    progress_clear(&c->shown);
    if (err) {
        term_problem(err == ERR_NOT_FOUND ? "%s is no data directory and no backup: it has no "
                                            "catalog.db"
                                          : "%s cannot be checked: out of memory",
                     dir);
        return err == ERR_NOT_FOUND ? CODE_MISSING : CODE_FAILED;
    }
    int code = backup ? check_manifest(c, dir, in, &r) : CODE_OK;
    if (code != CODE_OK)
        return code;
    if (w) {
        json_close(w, ']');
        write_counts(w, &r);
        json_close(w, '}');
        printf("%.*s\n", SLICE_ARG(buf_slice(out)));
    } else {
        print_verdict(dir, &r, backup);
    }
    return r.errors ? CODE_NO : CODE_OK;
}

int check_run(const struct invocation *in)
{
    const char *dir = in->args_n ? in->args[0] : "data";
    struct buf out = {0};
    struct json_writer w;
    struct checking c = {.json = option_on(in, "json") ? &w : NULL};
    struct backup_report about = {0};
    char manifest[PATH_MAX];
    snprintf(manifest, sizeof manifest, "%s/" BACKUP_MANIFEST, dir);
    bool backup = access(manifest, F_OK) == 0;
    json_writer_init(&w, &out, 2);
    int code = backup && backup_about(dir, &about) == 0 && about.encrypted
                   ? check_encrypted(&c, dir, in)
                   : check_plain(&c, dir, in, &out, backup);
    buf_release(&out);
    return code;
}
