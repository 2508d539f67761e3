/* replay.c - doppel replay: a table of measurements played into a twin.
 *
 * The first rows are read as a sample, from which the plan is made (which column is what); then
 * they and the rest are played.  A row is due at the start plus its distance from the first row,
 * divided by the speed; rows that are due within COALESCE_US go together. */
#include "server/run.h"

#include "base/clock.h"
#include "base/err.h"
#include "server/client.h"
#include "server/csv.h"
#include "server/login.h"
#include "server/replay_plan.h"
#include "server/replay_sink.h"
#include "server/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COALESCE_US = 20000, PROGRESS_US = 200000, MAPS_MAX = 64, WAIT_MS = 200 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

struct replay {
    const struct invocation *in;
    const char *file;
    int fd;
    uint64_t size; /* bytes of the file; 0: not known */
    struct csv *csv;
    struct arena *arena; /* the sample and the plan */
    struct plan_row sample[PLAN_SAMPLE];
    size_t sample_n, sample_at;
    bool ended; /* the sample was the whole table */
    struct plan plan;
    struct client *http;
    struct sink sink;
    /* what was asked for */
    double speed; /* 0: as fast as it goes */
    bool shift, loop, create;
    long skip, rows;
    int64_t every_us;    /* between rows without a time */
    int64_t interval_us; /* between the first two rows */
    /* how far it is */
    int64_t first_us, last_us; /* of this round, in the table's time */
    bool begun;
    int64_t wall_us, mono_us; /* when the first row of this round was due */
    int64_t started_us, shown_us;
    uint64_t played, bad_rows, round_bytes;
    struct buf value;
};

/* ---- the table ---- */

static ptrdiff_t fill(void *arg, char *into, size_t cap)
{
    struct replay *r = arg;
    for (;;) {
        ssize_t n = read(r->fd, into, cap);
        if (n >= 0 || errno != EINTR)
            return n;
        if (interrupted)
            return 0;
    }
}

static int open_table(struct replay *r)
{
    struct stat st;
    const char *separator = option_value(r->in, "separator");
    char byte = !separator ? 0 : strcmp(separator, "tab") == 0 ? '\t' : separator[0];
    if (separator && strcmp(separator, "tab") != 0 && (strlen(separator) != 1 || *separator == '"'))
        return command_usage(r->in->command, "--separator takes one character, or tab");
    r->fd = strcmp(r->file, "-") == 0 ? STDIN_FILENO : open(r->file, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        term_problem("%s cannot be read: %s", r->file, strerror(errno));
        return CODE_FAILED;
    }
    if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode))
        r->size = (uint64_t)st.st_size;
    if (csv_new(fill, r, byte, &r->csv)) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    return CODE_OK;
}

/* The next row of the table: 1, 0 at the end, negative after having told why. */
static int read_row(struct replay *r, struct plan_row *ret)
{
    for (;;) {
        int rc = csv_next(r->csv, &ret->fields, &ret->n);
        ret->line = csv_line(r->csv);
        if (rc >= 0)
            return rc;
        term_problem("%s:%zu: %s", r->file, csv_line(r->csv), csv_why(r->csv));
        if (rc != ERR_MALFORMED)
            return rc;
        r->bad_rows++;
    }
}

static int read_sample(struct replay *r)
{
    struct plan_row row;
    int rc = 1;
    while (r->sample_n < PLAN_SAMPLE && (rc = read_row(r, &row)) == 1) {
        struct slice *fields = arena_alloc(r->arena, (row.n + 1) * sizeof *fields);
        for (size_t i = 0; fields && i < row.n; i++) {
            fields[i] = arena_dup(r->arena, row.fields[i]);
            if (!fields[i].p)
                fields = NULL;
        }
        if (!fields) {
            term_problem("out of memory");
            return CODE_FAILED;
        }
        r->sample[r->sample_n++] = (struct plan_row){fields, row.n, row.line};
    }
    r->ended = rc == 0;
    return rc < 0 ? CODE_FAILED : CODE_OK;
}

static int next_row(struct replay *r, struct plan_row *ret)
{
    if (r->sample_at < r->sample_n) {
        *ret = r->sample[r->sample_at++];
        return 1;
    }
    return r->ended ? 0 : read_row(r, ret);
}

/* Again from the first row, without the header. */
static int rewind_table(struct replay *r)
{
    if (r->ended && r->sample_n < PLAN_SAMPLE) {
        r->sample_at = r->plan.header;
        return CODE_OK;
    }
    r->round_bytes += csv_bytes(r->csv);
    csv_free(r->csv);
    r->csv = NULL;
    if (lseek(r->fd, 0, SEEK_SET) != 0 || csv_new(fill, r, 0, &r->csv)) {
        term_problem("%s cannot be read again", r->file);
        return CODE_FAILED;
    }
    r->sample_at = r->sample_n;
    struct plan_row header;
    return r->plan.header && read_row(r, &header) != 1 ? CODE_FAILED : CODE_OK;
}

/* ---- options and plan ---- */

static int read_options(struct replay *r)
{
    const struct invocation *in = r->in;
    const char *speed = option_value(in, "speed"), *every = option_value(in, "every");
    const char *shift = option_value(in, "shift");
    if (strcmp(speed, "max") != 0 &&
        (slice_to_double(slice_str(speed), &r->speed) || r->speed <= 0 || r->speed > 1e9))
        return command_usage(in->command, "--speed takes a number above 0, or max");
    if (shift && strcmp(shift, "now") != 0)
        return command_usage(in->command, "--shift takes now");
    r->shift = shift != NULL;
    r->loop = option_on(in, "loop");
    if (every && clock_parse_duration(slice_str(every), &r->every_us))
        return command_usage(in->command, "--every takes a duration such as 1s");
    if (r->shift && r->speed == 0)
        return command_usage(in->command, "--shift now needs a --speed that is a number: at most "
                                          "speed every row would be now");
    if (r->loop && !r->shift)
        return command_usage(in->command, "--loop needs --shift now: otherwise each round would "
                                          "write the same moments again");
    if (r->loop && strcmp(r->file, "-") == 0)
        return command_usage(in->command, "--loop needs a file that can be read again");
    int code = option_count(in, "skip", 0, 2000000000, &r->skip);
    return code == CODE_OK ? option_count(in, "rows", 1, 2000000000, &r->rows) : code;
}

static void find_interval(struct replay *r)
{
    size_t from = r->plan.header;
    int64_t a, b;
    r->interval_us = r->every_us ? r->every_us : 1000000;
    if (r->plan.time < r->plan.n && r->sample_n > from + 1 && r->plan.time < r->sample[from].n &&
        r->plan.time < r->sample[from + 1].n &&
        !time_form_parse(&r->plan.form, r->sample[from].fields[r->plan.time], &a) &&
        !time_form_parse(&r->plan.form, r->sample[from + 1].fields[r->plan.time], &b) && b > a)
        r->interval_us = b - a;
}

static int make_plan(struct replay *r)
{
    const struct invocation *in = r->in;
    const char *maps[MAPS_MAX + 1] = {0}, *why = NULL, *decimal = option_value(in, "decimal");
    struct plan_opts opts = {.maps = maps,
                             .time = option_value(in, "time"),
                             .no_header = option_on(in, "no-header"),
                             .decimal_comma = decimal && *decimal == ','};
    for (size_t i = 0; i < MAPS_MAX && option_each(in, "map", i); i++)
        maps[i] = option_each(in, "map", i);
    if (time_form_init(&opts.form, option_value(in, "time-format"), option_value(in, "tz"), &why))
        return command_usage(in->command, "%s", why);
    if (plan_make(r->arena, r->sample, r->sample_n, &opts, &r->plan, &why)) {
        term_problem("%s: %s", r->file, why);
        return CODE_USAGE;
    }
    if (r->plan.time == r->plan.n && !r->every_us)
        return command_usage(in->command,
                             "no column of %s has times that are understood; name it with "
                             "--time COLUMN and --time-format, or say with --every "
                             "DURATION how far apart the rows are",
                             r->file);
    r->sample_at = r->plan.header;
    find_interval(r);
    return CODE_OK;
}

/* ---- the twin ---- */

static char *twin_path(const struct replay *r, const char *behind)
{
    struct buf b = {0};
    buf_add_str(&b, "/api/v1/twins/");
    client_escape(&b, slice_str(option_value(r->in, "twin")));
    buf_add_str(&b, behind);
    char *path = buf_take(&b);
    if (!path)
        term_problem("out of memory");
    return path;
}

/* Without --map only the sensors that the twin has are played. */
static int keep_known(struct replay *r, const struct jval *items)
{
    bool mapped = option_value(r->in, "map"), any = false;
    for (size_t i = 0; i < r->plan.n; i++) {
        struct plan_column *c = &r->plan.columns[i];
        const struct jval *found = items ? items->first : NULL;
        while (found && c->sensor.p && !slice_eq(member(found, "id"), c->sensor))
            found = found->next;
        if (c->sensor.p && !found && mapped) {
            term_problem("the twin %s has no sensor \"%.*s\"", option_value(r->in, "twin"),
                         SLICE_ARG(c->sensor));
            return CODE_MISSING;
        }
        if (!found)
            c->sensor = (struct slice){0};
        any |= c->sensor.p != NULL;
    }
    if (any)
        return CODE_OK;
    term_problem(
        "no column of %s is called like a sensor of the twin %s; say with --map COLUMN=SENSOR "
        "which is which",
        r->file, option_value(r->in, "twin"));
    return CODE_MISSING;
}

static int create_twin(struct replay *r)
{
    struct buf profile = {0};
    struct answer a;
    const char *name = strrchr(r->file, '/');
    char *path = twin_path(r, "");
    int64_t interval = r->speed > 0 ? (int64_t)((double)r->interval_us / r->speed) : r->interval_us;
    plan_profile(&r->plan, option_value(r->in, "twin"), name ? name + 1 : r->file,
                 interval > 1000 ? interval : 1000, &profile);
    int code = path && !profile.failed
                   ? client_call(r->http, "PUT", path, "application/json", buf_slice(&profile), &a)
                   : CODE_FAILED;
    if (code == CODE_OK && a.status != 201 && a.status != 200)
        code = client_problem(&a, "the twin cannot be made");
    buf_release(&profile);
    free(path);
    return code;
}

static int prepare_twin(struct replay *r)
{
    struct answer a;
    r->create = option_on(r->in, "create");
    if (option_value(r->in, "mqtt") && !r->create)
        return CODE_OK; /* MQTT cannot ask; refusals will tell */
    char *path = twin_path(r, "/sensors");
    int code = path ? client_call(r->http, "GET", path, NULL, (struct slice){0}, &a) : CODE_FAILED;
    free(path);
    if (code != CODE_OK)
        return code;
    if (a.status == 404 && r->create)
        return create_twin(r);
    if (a.status == 404)
        term_problem("there is no twin %s; --create makes it from the columns of the table",
                     option_value(r->in, "twin"));
    if (a.status == 404)
        return CODE_MISSING;
    if (a.status != 200 || !a.json)
        return client_problem(&a, NULL);
    return keep_known(r, jval_get(a.json, "items"));
}

/* ---- playing ---- */

static void show_progress(struct replay *r, bool last)
{
    int64_t now = clock_mono_us();
    struct buf b = {0};
    if (!isatty(STDERR_FILENO) || option_on(r->in, "json") ||
        (!last && now - r->shown_us < PROGRESS_US))
        return;
    r->shown_us = now;
    double seconds = (double)(now - r->started_us) / 1e6;
    buf_addf(&b, "\r\033[K%llu rows, %llu readings, %.0f/s", (unsigned long long)r->played,
             (unsigned long long)r->sink.sent, seconds > 0 ? (double)r->sink.sent / seconds : 0.0);
    /* the file is read in large pieces, so of a small one nothing can be told */
    double share = r->size > 1 << 20 ? (double)csv_bytes(r->csv) / (double)r->size : 0;
    if (share > 0 && share < 1 && !r->loop) {
        buf_addf(&b, ", %.0f %%, ", 100 * share);
        age_words(&b, seconds / share * (1 - share));
        buf_add_str(&b, " left");
    }
    fprintf(stderr, "%.*s%s", SLICE_ARG(buf_slice(&b)), last ? "\r\033[K" : "");
    fflush(stderr);
    buf_release(&b);
}

/* The row's own time.  False: it has none, which was told. */
static bool row_time(struct replay *r, const struct plan_row *row, int64_t *ret_us)
{
    const struct plan *p = &r->plan;
    if (p->time == p->n) {
        *ret_us = r->begun ? r->last_us + r->every_us : clock_now_us();
        return true;
    }
    if (p->time < row->n && time_form_parse(&p->form, row->fields[p->time], ret_us) == 0)
        return true;
    struct buf b = {0};
    term_clean(&b, p->time < row->n ? row->fields[p->time] : SLICE_LIT(""), 40);
    term_problem("%s:%zu: \"%.*s\" is no time", r->file, row->line, SLICE_ARG(buf_slice(&b)));
    buf_release(&b);
    r->bad_rows++;
    return false;
}

/* Sleep until then, sending first what is collected when there is time for that. */
static int wait_until(struct replay *r, int64_t due_us)
{
    int64_t left = due_us - clock_mono_us();
    int code = CODE_OK;
    if (left <= COALESCE_US)
        return CODE_OK;
    code = sink_send(&r->sink);
    while (code == CODE_OK && !interrupted && (left = due_us - clock_mono_us()) > 0) {
        show_progress(r, false);
        code = sink_wait(&r->sink, left > WAIT_MS * 1000 ? WAIT_MS : (int)(left / 1000) + 1);
    }
    return code;
}

static int play_row(struct replay *r, const struct plan_row *row)
{
    int64_t t;
    if (!row_time(r, row, &t))
        return CODE_OK;
    if (!r->begun) {
        r->first_us = t;
        r->begun = true;
    }
    r->last_us = r->plan.form.near_us = t;
    if (r->speed > 0) {
        int64_t after = (int64_t)((double)(t - r->first_us) / r->speed);
        int code = wait_until(r, r->mono_us + after);
        if (code != CODE_OK || interrupted)
            return code;
        if (r->shift)
            t = r->wall_us + after;
    }
    sink_row(&r->sink, t, row->line);
    for (size_t i = 0; i < r->plan.n && i < row->n; i++) {
        if (!r->plan.columns[i].sensor.p)
            continue;
        buf_clear(&r->value);
        int rc = plan_value(&r->plan, row->fields[i], &r->value);
        if (rc == 0 && r->create && r->plan.columns[i].kind == VALUE_TEXT && *r->value.p != '"') {
            buf_clear(&r->value);
            json_quote(&r->value, slice_trim(row->fields[i]));
        }
        if (rc == 0)
            sink_add(&r->sink, r->plan.columns[i].sensor, buf_slice(&r->value));
    }
    r->played++;
    show_progress(r, false);
    return sink_full(&r->sink) ? sink_send(&r->sink) : CODE_OK;
}

static bool enough(const struct replay *r)
{
    return interrupted || (r->rows && r->played >= (uint64_t)r->rows);
}

static int play_round(struct replay *r)
{
    struct plan_row row;
    long skip = r->skip;
    int rc = 0;
    while (!enough(r) && (rc = next_row(r, &row)) == 1) {
        if (skip-- > 0)
            continue;
        int code = play_row(r, &row);
        if (code != CODE_OK)
            return code;
    }
    return rc < 0 ? CODE_FAILED : CODE_OK;
}

static int play(struct replay *r)
{
    r->started_us = r->mono_us = clock_mono_us();
    r->wall_us = clock_now_us();
    for (;;) {
        int code = play_round(r);
        if (code != CODE_OK)
            return code;
        if (!r->loop || enough(r) || !r->begun)
            break;
        /* the next round begins one row behind the last */
        int64_t round = (int64_t)((double)(r->last_us - r->first_us + r->interval_us) / r->speed);
        r->mono_us += round;
        r->wall_us += round;
        r->begun = false;
        if ((code = rewind_table(r)) != CODE_OK)
            return code;
    }
    return sink_finish(&r->sink);
}

static void print_summary(const struct replay *r)
{
    double seconds = (double)(clock_mono_us() - r->started_us) / 1e6;
    const struct sink *s = &r->sink;
    if (option_on(r->in, "json")) {
        printf(
            "{\"rows\":%llu,\"readings\":%llu,\"accepted\":%llu,\"refused\":%llu,\"badRows\":%llu,"
            "\"seconds\":%.3f}\n",
            (unsigned long long)r->played, (unsigned long long)s->sent,
            (unsigned long long)s->accepted, (unsigned long long)s->refused,
            (unsigned long long)r->bad_rows, seconds);
        return;
    }
    printf("played %llu rows, %llu readings in %.1f s (%.0f/s)", (unsigned long long)r->played,
           (unsigned long long)s->sent, seconds, seconds > 0 ? (double)s->sent / seconds : 0.0);
    if (s->refused)
        printf(", %s%llu refused%s", term_style(stdout, STYLE_BAD), (unsigned long long)s->refused,
               term_end(stdout));
    if (r->bad_rows)
        printf(", %llu rows could not be read", (unsigned long long)r->bad_rows);
    putchar('\n');
}

static int run(struct replay *r)
{
    int code;
    int64_t timeout_us = 30000000;
    if ((code = read_options(r)) != CODE_OK || (code = open_table(r)) != CODE_OK ||
        (code = read_sample(r)) != CODE_OK || (code = make_plan(r)) != CODE_OK ||
        (code = client_open(r->in, &r->http)) != CODE_OK || (code = prepare_twin(r)) != CODE_OK)
        return code;
    clock_parse_duration(slice_str(option_value(r->in, "timeout")), &timeout_us);
    const char *mqtt = option_value(r->in, "mqtt");
    char *token = mqtt ? token_for(r->in, NULL, mqtt) : NULL;
    code = sink_open(&r->sink, option_value(r->in, "twin"), mqtt ? NULL : r->http, mqtt, token,
                     (int)(timeout_us / 1000) + 1);
    token_forget(token);
    if (code != CODE_OK)
        return code;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = play(r);
    show_progress(r, true);
    print_summary(r);
    if (code != CODE_OK && r->played)
        term_problem("the replay ended early; %llu readings were acknowledged",
                     (unsigned long long)r->sink.accepted);
    return code == CODE_OK && (r->sink.refused || r->bad_rows) ? CODE_NO : code;
}

int replay_run(const struct invocation *in)
{
    struct replay *r = calloc(1, sizeof *r);
    int code = CODE_FAILED;
    if (!option_value(in, "twin")) {
        code = command_usage(in->command, "--twin ID says into which twin");
    } else if (!slice_is_id(slice_str(option_value(in, "twin")))) {
        code = command_usage(in->command, "\"%s\" cannot be the id of a twin",
                             option_value(in, "twin"));
    } else if (r && (r->arena = arena_new())) {
        r->in = in;
        r->file = in->args[0];
        r->fd = -1;
        code = run(r);
    } else {
        term_problem("out of memory");
    }
    if (r) {
        sink_close(&r->sink);
        client_close(r->http);
        csv_free(r->csv);
        arena_free(r->arena);
        buf_release(&r->value);
        if (r->fd > STDIN_FILENO)
            close(r->fd);
    }
    free(r);
    return code;
}
