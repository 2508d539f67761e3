/* validate.c - doppel validate: profiles checked here, without a server. */
#include "base/err.h"
#include "os/file.h"
#include "server/run.h"
#include "server/term.h"

#include <string.h>

enum { PROFILE_MAX = 16 << 20 };

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

void findings_print(FILE *out, const char *file, const struct findings *f, bool warnings)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->items[i];
        bool error = x->severity == SEVERITY_ERROR;
        struct buf b = {0};
        if (!error && !warnings)
            continue;
        term_clean(&b, slice_str(x->message), 0);
        fprintf(out, "%s:%d:%d: %s%s%s [%s] %.*s", file, x->line, x->column,
                term_style(out, error ? STYLE_BAD : STYLE_WARN), error ? "error" : "warning",
                term_end(out), x->rule, SLICE_ARG(buf_slice(&b)));
        buf_clear(&b);
        term_clean(&b, slice_str(x->pointer), 0);
        if (b.n)
            fprintf(out, " %s(%.*s)%s", term_style(out, STYLE_DIM), SLICE_ARG(buf_slice(&b)),
                    term_end(out));
        fputc('\n', out);
        buf_release(&b);
    }
}

struct totals {
    size_t files, complete, errors, warnings;
};

static void print_verdict(const char *name, const struct findings *f)
{
    bool complete = f->errors == 0;
    printf("%s: %s%s%s", name, term_style(stdout, complete ? STYLE_OK : STYLE_BAD),
           complete         ? "complete"
           : f->core_errors ? "not a profile yet"
                            : "incomplete",
           term_end(stdout));
    if (f->errors || f->warnings)
        printf(", %zu error%s, %zu warning%s", f->errors, plural(f->errors), f->warnings,
               plural(f->warnings));
    if (!complete && !f->core_errors)
        printf(" (a twin can be made of it: what is missing is filled with defaults)");
    putchar('\n');
}

static void write_json(struct json_writer *w, const char *name, const struct findings *f)
{
    json_open(w, '{');
    json_key(w, "file");
    json_put_cstr(w, name);
    json_key(w, "complete");
    json_put_bool(w, f->errors == 0);
    json_key(w, "core");
    json_put_bool(w, f->core_errors == 0);
    json_key(w, "findings");
    findings_write(w, f);
    json_close(w, '}');
}

static int validate_one(const struct invocation *in, const char *path, struct json_writer *json,
                        struct totals *totals)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    struct buf text = {0};
    int code = CODE_OK, err = file_read(path, PROFILE_MAX, &text);
    if (err) {
        term_problem("%s cannot be read: %s", name, file_why(err));
        buf_release(&text);
        return CODE_FAILED;
    }
    struct arena *a = arena_new();
    struct findings f = {0};
    struct jval *root = NULL;
    if (!a || profile_check(a, buf_slice(&text), &root, &f)) {
        term_problem("out of memory");
        code = CODE_FAILED;
    } else {
        totals->files++;
        totals->complete += f.errors == 0;
        if (f.errors || (f.warnings && option_on(in, "strict")))
            code = CODE_NO;
        if (json) {
            write_json(json, path, &f);
        } else {
            findings_print(stdout, name, &f, !option_on(in, "quiet"));
            print_verdict(name, &f);
        }
    }
    arena_free(a);
    buf_release(&text);
    return code;
}

int validate_run(const struct invocation *in)
{
    struct totals totals = {0};
    struct buf out = {0};
    struct json_writer w;
    bool json = option_on(in, "json");
    int worst = CODE_OK;
    json_writer_init(&w, &out, 2);
    if (json)
        json_open(&w, '[');
    for (size_t i = 0; i < in->args_n; i++) {
        int code = validate_one(in, in->args[i], json ? &w : NULL, &totals);
        worst = code > worst ? code : worst;
    }
    if (json) {
        json_close(&w, ']');
        fwrite(out.p, 1, out.n, stdout);
        putchar('\n');
    } else if (in->args_n > 1) {
        printf("%zu of %zu profile%s complete\n", totals.complete, totals.files,
               plural(totals.files));
    }
    buf_release(&out);
    return worst;
}
