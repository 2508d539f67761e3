/* compact.c - doppel compact. */
#include "store/compact.h"

#include "base/err.h"
#include "codec/json.h"
#include "server/datadir.h"
#include "server/progress.h"
#include "server/run.h"
#include "server/term.h"

#include <limits.h>
#include <unistd.h>

static void on_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
    progress_show(arg, what, done, total, "series");
}

static void on_say(void *arg, const char *sentence)
{
    progress_clear(arg);
    fprintf(stderr, "%s\n", sentence);
}

static void write_size(struct json_writer *w, const char *key, const struct compact_size *s)
{
    const struct {
        const char *name;
        uint64_t n;
    } rows[] = {
        {"historyBytes", s->history_bytes},
        {"catalogBytes", s->catalog_bytes},
        {"chunks", s->chunks},
        {"points", s->points},
        {"rollupRows", s->rollup_rows},
    };
    json_key(w, key);
    json_open(w, '{');
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_key(w, rows[i].name);
        json_put_uint(w, rows[i].n);
    }
    json_close(w, '}');
}

static void print_json(const char *data, bool dry, const struct compact_report *r)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {
        {"series", r->series},         {"superseded", r->superseded},
        {"orphanSeries", r->orphans},  {"orphanPoints", r->orphan_points},
        {"damagedSeries", r->damaged},
    };
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "data");
    json_put_cstr(&w, data);
    json_key(&w, "dryRun");
    json_put_bool(&w, dry);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_key(&w, counts[i].name);
        json_put_uint(&w, counts[i].n);
    }
    write_size(&w, "before", &r->before);
    write_size(&w, "after", &r->after);
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

static void print_words(const char *data, bool dry, const struct compact_report *r)
{
    char before[24], after[24];
    progress_bytes(r->before.history_bytes + r->before.catalog_bytes, before);
    progress_bytes(r->after.history_bytes + r->after.catalog_bytes, after);
    printf("%s: %s %s %s: %llu readings of %llu series in %llu chunks instead of %llu", data,
           before, dry ? "would become" : "became", after, (unsigned long long)r->after.points,
           (unsigned long long)r->series, (unsigned long long)r->after.chunks,
           (unsigned long long)r->before.chunks);
    if (r->superseded)
        printf(", %llu that were corrected %s", (unsigned long long)r->superseded,
               dry ? "would go" : "gone");
    printf("\n");
}

static int code_of(int err)
{
    return err == ERR_NOT_FOUND ? CODE_MISSING : err == ERR_CORRUPT ? CODE_NO : CODE_FAILED;
}

/* Not to make a directory that is not there. */
static bool is_there(const char *data)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/catalog.db", data);
    return access(path, F_OK) == 0;
}

int compact_run(const struct invocation *in)
{
    struct progress shown = {0};
    struct compact_watch watch = {on_say, on_progress, &shown};
    struct compact_report r;
    const char *data = option_value(in, "data"), *why = "";
    bool dry = option_on(in, "dry-run");
    int lock = -1;
    if (!is_there(data)) {
        term_problem("%s is no data directory: it has no catalog.db", data);
        return CODE_MISSING;
    }
    if (datadir_take(data, &lock, &why)) {
        term_problem("%s", why);
        return CODE_FAILED;
    }
    int err = compact_directory(data, dry, &watch, &r);
    progress_clear(&shown);
    close(lock);
    if (err) {
        term_problem("%s", r.why);
        return code_of(err);
    }
    if (option_on(in, "json"))
        print_json(data, dry, &r);
    else
        print_words(data, dry, &r);
    return r.damaged ? CODE_NO : CODE_OK;
}
