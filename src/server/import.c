/* import.c - doppel import: a table of measurements into the history of twins.
 *
 * Unlike a replay, which plays one twin's table in time, this is for large tables: a mapping file
 * says which column is what, batches go several at once, what cannot be taken is told by line, and
 * an import that was ended goes on where it was acknowledged.  Rows are counted from 0 behind the
 * header; the state has how many of them are settled.  Sending one again changes nothing, so the
 * state may lag behind. */
#include "server/run.h"

#include "base/clock.h"
#include "base/err.h"
#include "os/file.h"
#include "server/client.h"
#include "server/csv.h"
#include "server/import_map.h"
#include "server/import_send.h"
#include "server/import_state.h"
#include "server/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    MAP_MAX = 1 << 20,
    BAR = 24,
    BAR_US = 200000,     /* between two drawings */
    LINES_US = 10000000, /* between two lines where there is no terminal */
    STATE_US = 1000000,
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct import {
    const struct invocation *in;
    const char *file;
    int fd;
    gzFile gz; /* reads what is not compressed too */
    uint64_t size;
    struct csv *csv;
    struct arena *arena;
    struct buf map_text, value;
    struct import_map map;
    struct plan plan;
    struct plan_row sample[PLAN_SAMPLE];
    const char *sample_why[PLAN_SAMPLE], *why; /* of a row that cannot be read */
    size_t sample_n, sample_at;
    bool ended, torn; /* torn: the file ends too early */
    struct client *http;
    struct import_send *send;
    struct import_errors errors;
    char *state_path;
    struct import_state state; /* counts: of the runs before */
    long most, batch, max_errors;
    int64_t patience_us;
    uint64_t rows;              /* read, those that were passed over included */
    uint64_t skipped, readings; /* of a dry run */
    int64_t started_us, shown_us, saved_us;
    bool dry, json, terminal;
};

/* ---- the table ---- */

static ptrdiff_t fill(void *arg, char *into, size_t cap)
{
    struct import *m = arg;
    int n = gzread(m->gz, into, (unsigned)cap), code = Z_OK;
    if (n < (int)cap)
        gzerror(m->gz, &code);
    m->torn = n >= 0 && code == Z_BUF_ERROR;
    return n;
}

static int open_table(struct import *m)
{
    struct stat st;
    m->fd = strcmp(m->file, "-") == 0 ? dup(STDIN_FILENO) : open(m->file, O_RDONLY | O_CLOEXEC);
    if (m->fd < 0) {
        term_problem("%s cannot be read: %s", m->file, strerror(errno));
        return CODE_FAILED;
    }
    bool known = fstat(m->fd, &st) == 0;
    if (known && S_ISDIR(st.st_mode)) {
        term_problem("%s is a directory", m->file);
        return CODE_FAILED;
    }
    if (known && S_ISREG(st.st_mode))
        m->size = (uint64_t)st.st_size;
    int fd = dup(m->fd);
    m->gz = fd < 0 ? NULL : gzdopen(fd, "rb");
    if (!m->gz || csv_new(fill, m, m->map.separator, &m->csv)) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    gzbuffer(m->gz, 256 * 1024);
    return CODE_OK;
}

/* The next row: 1, 0 at the end, negative after having told why.  Rows that cannot be read are
 * rows too, with no fields. */
static int read_row(struct import *m, struct plan_row *ret)
{
    int rc = csv_next(m->csv, &ret->fields, &ret->n);
    ret->line = csv_line(m->csv);
    if (rc == ERR_MALFORMED) {
        ret->n = 0;
        m->why = csv_why(m->csv);
        return 1;
    }
    if (rc < 0)
        term_problem("%s:%zu: %s", m->file, csv_line(m->csv), csv_why(m->csv));
    return rc;
}

static int read_sample(struct import *m)
{
    struct plan_row row;
    int rc = 1;
    while (m->sample_n < PLAN_SAMPLE && (rc = read_row(m, &row)) == 1) {
        struct slice *fields = arena_alloc(m->arena, (row.n + 1) * sizeof *fields);
        for (size_t i = 0; fields && i < row.n; i++)
            if (!(fields[i] = arena_dup(m->arena, row.fields[i])).p)
                fields = NULL;
        if (!fields) {
            term_problem("out of memory");
            return CODE_FAILED;
        }
        m->sample_why[m->sample_n] = m->why;
        m->sample[m->sample_n++] = (struct plan_row){fields, row.n, row.line};
    }
    m->ended = rc == 0;
    return rc < 0 ? CODE_FAILED : CODE_OK;
}

static int tell_torn(const struct import *m)
{
    term_problem("%s ends too early: it was cut off when it was compressed or copied", m->file);
    return CODE_FAILED;
}

static int next_row(struct import *m, struct plan_row *ret)
{
    if (m->sample_at < m->sample_n) {
        m->why = m->sample_why[m->sample_at];
        *ret = m->sample[m->sample_at++];
        return 1;
    }
    return m->ended ? 0 : read_row(m, ret);
}

/* ---- options, mapping, plan ---- */

static int read_options(struct import *m)
{
    const struct invocation *in = m->in;
    const char *map = option_value(in, "map"), *why;
    m->dry = option_on(in, "dry-run");
    m->json = option_on(in, "json");
    m->terminal = isatty(STDERR_FILENO) && !m->json;
    if (clock_parse_duration(slice_str(option_value(in, "patience")), &m->patience_us))
        return command_usage(in->command, "--patience takes a duration such as 2m");
    int code = option_count(in, "in-flight", 1, 64, &m->most);
    if (code == CODE_OK)
        code = option_count(in, "batch", 1, 50000, &m->batch);
    if (code == CODE_OK)
        code = option_count(in, "max-errors", 0, 2000000000, &m->max_errors);
    if (code != CODE_OK || option_on(in, "propose"))
        return code;
    if (!map)
        return command_usage(in->command, "--map FILE says which column is what; --propose writes "
                                          "such a file to start from");
    int err = file_read(map, MAP_MAX, &m->map_text);
    if (err) {
        term_problem("%s cannot be read: %s", map, file_why(err));
        return CODE_FAILED;
    }
    if (import_map_read(m->arena, buf_slice(&m->map_text), &m->map, &why)) {
        term_problem("%s: %s", map, why);
        return CODE_USAGE;
    }
    return CODE_OK;
}

static int make_plan(struct import *m)
{
    const char *why;
    if (m->sample_n && !m->sample[0].n) {
        term_problem("%s:%zu: %s", m->file, m->sample[0].line, m->sample_why[0]);
        return CODE_USAGE;
    }
    if (option_on(m->in, "propose"))
        plan_guess(m->sample, m->sample_n, csv_separator(m->csv), &m->map.opts);
    if (plan_look(m->arena, m->sample, m->sample_n, &m->map.opts, &m->plan, &why)) {
        term_problem("%s: %s", m->file, why);
        return CODE_USAGE;
    }
    m->sample_at = m->plan.header;
    if (option_on(m->in, "propose"))
        return CODE_OK;
    if (import_map_bind(m->arena, &m->map, &m->plan, &why)) {
        term_problem("%s: %s", option_value(m->in, "map"), why);
        return CODE_USAGE;
    }
    return CODE_OK;
}

static int propose(struct import *m)
{
    struct buf out = {0};
    const char *slash = strrchr(m->file, '/'), *name = slash ? slash + 1 : m->file;
    struct slice stem = slice_of(name, strcspn(name, "."));
    struct slice id = plan_slug(m->arena, stem);
    const char *twin = arena_strndup(m->arena, id.p ? id.p : "", id.n);
    import_map_propose(&m->plan, csv_separator(m->csv), twin && *twin ? twin : "my-twin", m->arena,
                       &out);
    fwrite(out.p ? out.p : "", 1, out.n, stdout);
    bool failed = out.failed;
    buf_release(&out);
    if (m->plan.time == m->plan.n)
        term_problem("no column has times that are understood; name it in the mapping");
    return failed ? CODE_FAILED : CODE_OK;
}

/* The columns of a twin that is made are those that go into it. */
static void write_profile(void *arg, struct slice twin, struct buf *out)
{
    struct import *m = arg;
    struct plan made = m->plan;
    char id[129];
    snprintf(id, sizeof id, "%.*s", SLICE_ARG(twin));
    made.columns = arena_zalloc(m->arena, (m->plan.n + 1) * sizeof *made.columns);
    for (size_t i = 0; made.columns && i < m->map.columns_n; i++) {
        const struct import_column *c = &m->map.columns[i];
        if (c->twin.p && !slice_eq(c->twin, twin))
            continue;
        struct plan_column *into = &made.columns[c->at];
        *into = m->plan.columns[c->at];
        into->sensor = c->sensor;
        if (c->unit.p)
            into->unit = c->unit;
        if (c->as != VALUE_NONE)
            into->kind = c->as;
    }
    if (!made.columns)
        made.n = 0;
    plan_profile(&made, id, m->file, 0, out);
}

static int check_create(const struct import *m)
{
    for (size_t i = 0; m->map.create && i < m->map.columns_n; i++)
        if (m->map.columns[i].sensor_at != SIZE_MAX)
            return command_usage(m->in->command, "a mapping that takes sensors from a column "
                                                 "cannot make twins: their sensors are not known");
    return CODE_OK;
}

/* ---- how far it is ---- */

static void draw(struct import *m, struct buf *b, double share, double seconds)
{
    struct import_counts counts;
    const char *trouble = import_send_trouble(m->send);
    import_send_counts(m->send, &counts);
    uint64_t rows = m->rows - m->state.rows;
    if (m->terminal && share >= 0) {
        buf_add_str(b, "\r\033[K[");
        for (int i = 0; i < BAR; i++)
            buf_add_byte(b, i < (int)(share * BAR) ? '#' : '-');
        buf_add_str(b, "] ");
    } else if (m->terminal) {
        buf_add_str(b, "\r\033[K");
    }
    if (share >= 0)
        buf_addf(b, "%.0f %%, ", 100 * share);
    buf_addf(b, "%llu rows, %llu readings, %.0f/s", (unsigned long long)rows,
             (unsigned long long)counts.accepted,
             seconds > 0 ? (double)counts.accepted / seconds : 0.0);
    if (m->errors.n)
        buf_addf(b, ", %llu errors", (unsigned long long)m->errors.n);
    if (trouble) {
        buf_addf(b, "; %s, trying again", trouble);
    } else if (share > 0.01 && share < 1) {
        buf_add_str(b, ", ");
        age_words(b, seconds / share * (1 - share));
        buf_add_str(b, " left");
    }
    if (!m->terminal)
        buf_add_byte(b, '\n');
}

static void show(struct import *m)
{
    int64_t now = clock_mono_us();
    struct buf b = {0};
    if (m->json || now - m->shown_us < (m->terminal ? BAR_US : LINES_US))
        return;
    m->shown_us = now;
    double share = m->size ? (double)gzoffset(m->gz) / (double)m->size : -1;
    draw(m, &b, share > 1 ? 1 : share, (double)(now - m->started_us) / 1e6);
    fwrite(b.p ? b.p : "", 1, b.n, stderr);
    fflush(stderr);
    buf_release(&b);
}

static void save(struct import *m, bool now)
{
    struct import_counts counts;
    int64_t t = clock_mono_us();
    if (!m->state_path || (!now && t - m->saved_us < STATE_US))
        return;
    m->saved_us = t;
    import_send_counts(m->send, &counts);
    struct import_state state = m->state;
    state.rows = import_send_settled(m->send, m->rows);
    if (state.rows < m->state.rows)
        state.rows = m->state.rows;
    state.accepted += counts.accepted;
    state.refused += counts.refused;
    state.errors += m->errors.n;
    if (m->errors.report)
        fflush(m->errors.report);
    if (import_state_write(m->state_path, &state)) {
        term_problem("%s cannot be written: %s", m->state_path, strerror(errno));
        free(m->state_path);
        m->state_path = NULL;
    }
}

static bool turn(void *arg)
{
    struct import *m = arg;
    show(m);
    save(m, false);
    return !interrupted;
}

/* ---- rows ---- */

static void bad_row(struct import *m, const struct plan_row *row, const char *what,
                    struct slice field)
{
    struct buf b = {0};
    term_clean(&b, field, 40);
    import_error(&m->errors, row->line, 1, "\"%.*s\" %s", SLICE_ARG(buf_slice(&b)), what);
    buf_release(&b);
}

/* An id out of a field: as it stands, else in the form of ids. */
static struct slice id_of(struct import *m, struct slice field, char into[static 129])
{
    field = slice_trim(field);
    struct slice id = field;
    if (!slice_is_id(field)) {
        struct arena *a = arena_new();
        id = a ? plan_slug(a, field) : (struct slice){0};
        id = slice_is_id(id) ? slice_of(memcpy(into, id.p, id.n), id.n) : (struct slice){0};
        arena_free(a);
    }
    (void)m;
    return id;
}

/* A field as the mapping wants it: 0 with its JSON in m->value, 1: a gap, 2: it is none. */
static int value_of(struct import *m, const struct import_column *c, struct slice field)
{
    struct buf *out = &m->value;
    buf_clear(out);
    int rc = plan_value(&m->plan, field, out);
    if (rc || c->as == VALUE_NONE)
        return rc;
    char first = out->p[0];
    bool word = first == 't' || first == 'f', text = first == '"';
    if (c->as == VALUE_TEXT && !text) {
        buf_clear(out);
        json_quote(out, slice_trim(field));
    } else if (c->as == VALUE_BOOL && !word) {
        bool one = slice_is(buf_slice(out), "1");
        if (!one && !slice_is(buf_slice(out), "0"))
            return 2;
        buf_clear(out);
        buf_add_str(out, one ? "true" : "false");
    } else if (c->as == VALUE_DOUBLE && (word || text)) {
        return 2;
    }
    return out->failed ? ERR_NOMEM : 0;
}

static int take_value(struct import *m, const struct plan_row *row, const struct import_column *c,
                      struct import_reading *r, struct slice twin)
{
    char sensor[129];
    int rc = value_of(m, c, row->fields[c->at]);
    if (rc == 1)
        return CODE_OK;
    if (rc == 2) {
        bad_row(m, row, c->as == VALUE_BOOL ? "is neither true nor false" : "is no number",
                row->fields[c->at]);
        return CODE_OK;
    }
    r->twin = c->twin.p ? c->twin : twin;
    r->sensor = c->sensor;
    r->unit = c->unit;
    r->value = buf_slice(&m->value);
    if (c->sensor_at != SIZE_MAX)
        r->sensor = id_of(m, row->fields[c->sensor_at], sensor);
    if (!r->sensor.p || slice_is(r->sensor, "timestamp")) {
        bad_row(m, row, "cannot be the id of a sensor", row->fields[c->sensor_at]);
        return CODE_OK;
    }
    m->readings++;
    return m->dry ? CODE_OK : import_send_add(m->send, r);
}

static int take_row(struct import *m, const struct plan_row *row)
{
    char id[129];
    struct slice twin = m->map.twin;
    struct import_reading r = {.row = m->rows, .line = row->line};
    if (row->n == 0) {
        import_error(&m->errors, row->line, 1, "%s", m->why);
        return CODE_OK;
    }
    if (row->n != m->plan.n) {
        import_error(&m->errors, row->line, 1, "the row has %zu fields, the table %zu", row->n,
                     m->plan.n);
        return CODE_OK;
    }
    if (time_form_parse(&m->plan.form, row->fields[m->map.time_at], &r.t_us)) {
        bad_row(m, row, "is no time", row->fields[m->map.time_at]);
        return CODE_OK;
    }
    m->plan.form.near_us = r.t_us;
    if (m->map.twin_at != SIZE_MAX && !(twin = id_of(m, row->fields[m->map.twin_at], id)).p) {
        bad_row(m, row, "cannot be the id of a twin", row->fields[m->map.twin_at]);
        return CODE_OK;
    }
    int code = CODE_OK;
    for (size_t i = 0; i < m->map.columns_n && code == CODE_OK; i++)
        code = take_value(m, row, &m->map.columns[i], &r, twin);
    return code;
}

/* A row that was settled before: where the next one's time is near to. */
static void pass_row(struct import *m, const struct plan_row *row)
{
    struct time_form *form = &m->plan.form;
    int64_t t;
    if (form->zone && row->n == m->plan.n &&
        !time_form_parse(form, row->fields[m->map.time_at], &t))
        form->near_us = t;
}

static int read_table(struct import *m)
{
    struct plan_row row;
    int rc, code = CODE_OK;
    while (code == CODE_OK && !interrupted && !import_errors_full(&m->errors) &&
           (rc = next_row(m, &row)) != 0) {
        if (rc < 0)
            return CODE_FAILED;
        if (m->rows >= m->state.rows)
            code = take_row(m, &row);
        else
            pass_row(m, &row);
        m->rows++;
        if (m->dry || m->rows % 256)
            continue;
        if (code == CODE_OK)
            code = import_send_turn(m->send);
        turn(m);
    }
    if (code == CODE_OK && m->torn && !interrupted)
        code = tell_torn(m);
    return code;
}

/* ---- from the beginning to the end ---- */

static int find_state(struct import *m)
{
    const char *path = option_value(m->in, "state"), *why;
    if (m->dry || (!path && strcmp(m->file, "-") == 0))
        return CODE_OK;
    struct buf b = {0};
    buf_addf(&b, path ? "%s" : "%s.import", path ? path : m->file);
    m->state_path = buf_take(&b);
    if (!m->state_path ||
        import_state_identify(m->fd, buf_slice(&m->map_text), client_base(m->http), &m->state)) {
        term_problem("%s cannot be read: %s", m->file, strerror(errno));
        return CODE_FAILED;
    }
    if (option_on(m->in, "restart"))
        return CODE_OK;
    if (import_state_read(m->state_path, &m->state, &why)) {
        m->skipped = m->state.rows;
        if (!m->json)
            fprintf(stderr, "going on behind %llu rows (%s; --restart begins anew)\n",
                    (unsigned long long)m->state.rows, m->state_path);
    } else if (why) {
        term_problem("%s is of another import: %s; this one begins anew", m->state_path, why);
    }
    return CODE_OK;
}

static int open_report(struct import *m)
{
    const char *path = option_value(m->in, "report");
    m->errors =
        (struct import_errors){.file = m->file, .limit = (uint64_t)m->max_errors, .quiet = m->json};
    if (path && !(m->errors.report = fopen(path, m->state.rows ? "ae" : "we"))) {
        term_problem("%s cannot be written: %s", path, strerror(errno));
        return CODE_FAILED;
    }
    return CODE_OK;
}

static void print_count(const char *before, uint64_t n, const char *thing)
{
    printf("%s%llu %s%s", before, (unsigned long long)n, thing, n == 1 ? "" : "s");
}

static void summary(struct import *m, bool done)
{
    struct import_counts c = {0};
    double seconds = (double)(clock_mono_us() - m->started_us) / 1e6;
    if (m->send)
        import_send_counts(m->send, &c);
    else
        c.sent = m->readings;
    uint64_t rows = m->rows - m->skipped;
    if (m->json) {
        printf("{\"done\":%s,\"dryRun\":%s,\"rows\":%llu,\"skipped\":%llu,\"readings\":%llu,"
               "\"accepted\":%llu,\"refused\":%llu,\"errors\":%llu,\"twins\":%zu,\"made\":%zu,"
               "\"seconds\":%.3f}\n",
               done ? "true" : "false", m->dry ? "true" : "false", (unsigned long long)rows,
               (unsigned long long)m->skipped, (unsigned long long)c.sent,
               (unsigned long long)c.accepted, (unsigned long long)c.refused,
               (unsigned long long)m->errors.n, c.twins, c.made, seconds);
        return;
    }
    if (m->terminal)
        fputs("\r\033[K", stderr);
    print_count(m->dry ? "would import " : "imported ", rows, "row");
    print_count(", ", m->dry ? c.sent : c.accepted, "reading");
    if (!m->dry)
        print_count(" into ", c.twins, "twin");
    if (!m->dry)
        printf(" in %.1f s (%.0f/s)", seconds, seconds > 0 ? (double)c.accepted / seconds : 0.0);
    if (c.made)
        print_count(", ", c.made, "twin");
    if (c.made)
        fputs(" made", stdout);
    fputs(term_style(stdout, STYLE_BAD), stdout);
    if (m->errors.n)
        print_count(", ", m->errors.n, "error");
    fputs(term_end(stdout), stdout);
    putchar('\n');
    fflush(stdout);
}

static int open_send(struct import *m)
{
    struct import_send_opts opts = {
        .client = m->http,
        .errors = &m->errors,
        .most = (size_t)m->most,
        .readings = (size_t)m->batch,
        .patience_us = m->patience_us,
        .must_exist = m->map.twin_at == SIZE_MAX,
        .profile = m->map.create ? write_profile : NULL,
        .turn = turn,
        .arg = m,
    };
    return m->dry ? CODE_OK : import_send_open(&opts, &m->send);
}

static int run(struct import *m)
{
    int code;
    if ((code = read_options(m)) != CODE_OK || (code = open_table(m)) != CODE_OK ||
        (code = read_sample(m)) != CODE_OK)
        return code;
    if ((code = make_plan(m)) != CODE_OK)
        return m->torn ? tell_torn(m) : code; /* which is why */
    if (option_on(m->in, "propose"))
        return propose(m);
    if ((code = check_create(m)) != CODE_OK || (code = client_open(m->in, &m->http)) != CODE_OK ||
        (code = find_state(m)) != CODE_OK || (code = open_report(m)) != CODE_OK ||
        (code = open_send(m)) != CODE_OK)
        return code;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    m->started_us = m->saved_us = m->shown_us = clock_mono_us();
    code = read_table(m);
    if (code == CODE_OK && m->send)
        code = import_send_finish(m->send);
    bool full = import_errors_full(&m->errors), done = code == CODE_OK && !interrupted && !full;
    if (m->send && !done)
        save(m, true);
    summary(m, done);
    if (full)
        term_problem("there are more than %ld errors; see to the mapping, or raise --max-errors",
                     m->max_errors);
    if (done && m->state_path)
        unlink(m->state_path);
    else if (m->state_path)
        term_problem("the import did not come to its end; the same command goes on from here");
    return code != CODE_OK ? code : done && !m->errors.n ? CODE_OK : CODE_NO;
}

int import_run(const struct invocation *in)
{
    struct import *m = calloc(1, sizeof *m);
    int code = CODE_FAILED;
    if (m && (m->arena = arena_new())) {
        m->in = in;
        m->file = in->args[0];
        m->fd = -1;
        code = run(m);
    } else {
        term_problem("out of memory");
    }
    if (m) {
        import_send_close(m->send);
        client_close(m->http);
        csv_free(m->csv);
        if (m->gz)
            gzclose_r(m->gz);
        if (m->errors.report && fclose(m->errors.report) != 0)
            term_problem("the report could not be written");
        buf_release(&m->map_text);
        buf_release(&m->value);
        free(m->state_path);
        arena_free(m->arena);
        if (m->fd >= 0)
            close(m->fd);
    }
    free(m);
    return code;
}
