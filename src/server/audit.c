/* audit.c - doppel audit ls, export, verify, head: the audit log of a data directory or a backup,
 * whether a server runs there or not. */
#include "access/audit.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/progress.h"
#include "server/run.h"
#include "server/term.h"
#include "server/timearg.h"

#include <stdlib.h>

enum form { FORM_TEXT, FORM_NDJSON, FORM_CSV };

struct listing {
    enum form form;
    long limit, n; /* limit 0: all */
    struct buf out;
};

static int missing(const char *dir, int err)
{
    if (err == ERR_NOT_FOUND)
        term_problem("%s has no audit log: it is no data directory and no backup that is not "
                     "encrypted, or the server has not been there since logs are kept",
                     dir);
    else
        term_problem("the audit log in %s cannot be read: %s", dir, err_info(err)->text);
    return err == ERR_NOT_FOUND ? CODE_MISSING : CODE_FAILED;
}

static int read_time(const struct invocation *in, const char *name, int64_t *ret)
{
    const char *text = option_value(in, name);
    if (!text || timearg_parse(slice_str(text), clock_now_us(), ret) == 0)
        return CODE_OK;
    return command_usage(in->command,
                         "\"%s\" is no time; write 2024-03-15T14:30:00Z, 2024-03-15, Unix "
                         "milliseconds, or how long ago, such as -1h",
                         text);
}

static int read_query(const struct invocation *in, struct audit_query *q)
{
    const struct {
        const char *name;
        struct slice *at;
    } texts[] = {{"organization", &q->org},
                 {"who", &q->who},
                 {"operation", &q->operation},
                 {"object", &q->object},
                 {"outcome", &q->outcome}};
    *q = (struct audit_query){.from_us = INT64_MIN, .to_us = INT64_MAX};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (option_value(in, texts[i].name))
            *texts[i].at = slice_str(option_value(in, texts[i].name));
    int code = read_time(in, "from", &q->from_us);
    return code == CODE_OK ? read_time(in, "to", &q->to_us) : code;
}

static int on_row(void *arg, const struct audit_row *row, bool fits)
{
    struct listing *l = arg;
    if (!fits)
        return 0;
    if (l->form == FORM_CSV) {
        audit_write_csv(&l->out, row);
    } else if (l->form == FORM_NDJSON) {
        struct json_writer w;
        json_writer_init(&w, &l->out, 0);
        audit_write_json(&w, row);
        buf_add_byte(&l->out, '\n');
    } else {
        struct buf text = {0};
        audit_write_text(&text, row);
        term_clean(&l->out, buf_slice(&text), 0);
        buf_add_byte(&l->out, '\n');
        l->out.failed |= text.failed;
        buf_release(&text);
    }
    bool failed = l->out.failed || fwrite(l->out.p, 1, l->out.n, stdout) != l->out.n;
    buf_clear(&l->out);
    if (failed)
        return ERR_IO;
    return ++l->n == l->limit; /* 1 ends */
}

static int list(const struct invocation *in, struct listing *l)
{
    const char *dir = option_value(in, "data");
    struct audit_query q;
    int code = read_query(in, &q);
    if (code != CODE_OK)
        return code;
    if (l->form == FORM_CSV)
        fputs(audit_csv_head, stdout);
    int err = audit_each_in(dir, &q, on_row, l);
    buf_release(&l->out);
    if (err >= 0 && fflush(stdout) == 0)
        return CODE_OK;
    return missing(dir, err < 0 ? err : ERR_IO);
}

int audit_ls_run(const struct invocation *in)
{
    struct listing l = {.form = option_on(in, "json") ? FORM_NDJSON : FORM_TEXT};
    int code = option_count(in, "limit", 0, 1000000000, &l.limit);
    return code == CODE_OK ? list(in, &l) : code;
}

int audit_export_run(const struct invocation *in)
{
    struct listing l = {.form = option_on(in, "csv") ? FORM_CSV : FORM_NDJSON};
    return list(in, &l);
}

static void print_head(const struct audit_head *h)
{
    struct buf text = {0};
    audit_head_put(h, &text);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    buf_release(&text);
}

int audit_head_run(const struct invocation *in)
{
    const char *dir = option_value(in, "data");
    struct audit_head h;
    int err = audit_head_in(dir, &h);
    if (err)
        return missing(dir, err);
    print_head(&h);
    return CODE_OK;
}

/* ---- verify ---- */

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    progress_show(arg, "audit log", done, total, "lines");
}

static void print_json(const struct audit_report *r)
{
    struct buf out = {0}, head = {0};
    struct json_writer w;
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {{"lines", (int64_t)r->rows},
                  {"first", r->first},
                  {"last", r->last},
                  {"expired", r->expired},
                  {"erased", (int64_t)r->erased}};
    audit_head_put(&r->head, &head);
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "holds");
    json_put_bool(&w, !r->broken);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_key(&w, counts[i].name);
        json_put_uint(&w, (uint64_t)counts[i].n);
    }
    json_key(&w, "head");
    json_put_string(&w, buf_slice(&head));
    if (r->broken) {
        json_key(&w, "broken");
        json_put_uint(&w, (uint64_t)r->broken);
        json_key(&w, "why");
        json_put_cstr(&w, r->why);
    }
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&head);
    buf_release(&out);
}

static void print_verdict(const char *dir, const struct audit_report *r)
{
    printf("%s: %s%s%s: ", dir, term_style(stdout, r->broken ? STYLE_BAD : STYLE_OK),
           r->broken ? "the audit log does not hold" : "the audit log holds", term_end(stdout));
    if (r->broken)
        printf("%s; the %llu lines before it hold\n", r->why, (unsigned long long)r->rows);
    else if (r->rows)
        printf("%llu lines, from %lld to %lld%s", (unsigned long long)r->rows, (long long)r->first,
               (long long)r->last, r->expired || r->erased ? "" : "\n");
    else
        printf("it is empty\n");
    if (!r->broken && r->expired)
        printf("; those up to %lld have expired%s", (long long)r->expired, r->erased ? "" : "\n");
    if (!r->broken && r->erased)
        printf("; persons were taken out of %llu\n", (unsigned long long)r->erased);
    if (!r->broken && r->rows) {
        printf("its end, to be noted elsewhere: ");
        print_head(&r->head);
    }
}

int audit_verify_run(const struct invocation *in)
{
    const char *dir = option_value(in, "data"), *noted = option_value(in, "head");
    struct progress shown = {0};
    struct audit_report r;
    struct audit_head head;
    if (noted && !audit_head_parse(slice_str(noted), &head))
        return command_usage(in->command,
                             "--head takes what doppel audit head printed: a number, a colon and "
                             "64 hexadecimal digits");
    int err = audit_verify(dir, noted ? &head : NULL, on_progress, &shown, &r);
    progress_clear(&shown);
    if (err)
        return missing(dir, err);
    if (option_on(in, "json"))
        print_json(&r);
    else
        print_verdict(dir, &r);
    return r.broken ? CODE_NO : CODE_OK;
}
