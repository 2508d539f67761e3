/* doctor.c - doctor: the checks in their order, what they said, and how that is told. */
#include "server/doctor.h"

#include "base/clock.h"
#include "codec/json.h"
#include "os/net.h"
#include "server/run.h"
#include "server/term.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct doctor_check *const doctor_topics[] = {
    doctor_files, doctor_keys, doctor_network, doctor_access, doctor_machine};
enum { TOPICS = sizeof doctor_topics / sizeof doctor_topics[0] };

struct doctor_finding {
    const struct doctor_check *check;
    enum doctor_level level;
    char what[400], todo[400];
};

static const struct {
    const char *name, *plural;
    enum style style;
} levels[] = {
    [DOCTOR_NOTE] = {"note", "notes", STYLE_DIM},
    [DOCTOR_UNKNOWN] = {"unknown", "unknown", STYLE_DIM},
    [DOCTOR_WARNING] = {"warning", "warnings", STYLE_WARN},
    [DOCTOR_ERROR] = {"error", "errors", STYLE_BAD},
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

/* ---- for the checks ---- */

void doctor_say(struct doctor *d, enum doctor_level level, const char *format, ...)
{
    struct doctor_finding *more = realloc(d->findings, (d->n + 1) * sizeof *more);
    va_list args;
    if (!more) {
        term_problem("out of memory");
        exit(CODE_FAILED);
    }
    d->findings = more;
    struct doctor_finding *f = &d->findings[d->n++];
    *f = (struct doctor_finding){.check = d->check, .level = level};
    va_start(args, format);
    vsnprintf(f->what, sizeof f->what, format, args);
    va_end(args);
}

void doctor_do(struct doctor *d, const char *format, ...)
{
    struct doctor_finding *f = &d->findings[d->n - 1];
    va_list args;
    va_start(args, format);
    vsnprintf(f->todo, sizeof f->todo, format, args);
    va_end(args);
}

const char *doctor_setting(const struct doctor *d, const char *flag)
{
    for (size_t i = 0; config_rows[i].section; i++) {
        if (strcmp(config_rows[i].flag, flag) == 0)
            return d->config->text[i];
    }
    return "";
}

bool doctor_read(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    bool got = f && fgets(out, (int)size, f);
    if (f)
        fclose(f);
    if (got)
        out[strcspn(out, "\n")] = 0;
    return got;
}

bool doctor_status(pid_t pid, const char *key, char *out, size_t size)
{
    char path[64], line[256];
    size_t n = strlen(key);
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "re");
    bool got = false;
    while (f && !got && fgets(line, sizeof line, f)) {
        got = strncmp(line, key, n) == 0 && line[n] == ':';
        if (got)
            snprintf(out, size, "%s", line + n + 1 + strspn(line + n + 1, " \t"));
    }
    if (f)
        fclose(f);
    if (got)
        out[strcspn(out, "\n")] = 0;
    return got;
}

/* ---- the server ---- */

/* Whoever holds the lock of the data directory has it open; its number stands in the file.  The
 * kernel's list is asked: a try at the lock would be in the way of a server that starts. */
static pid_t running(const char *data)
{
    char path[PATH_MAX], line[256], mark[32], pid[32];
    struct stat st;
    bool held = false;
    snprintf(path, sizeof path, "%s/lock", data);
    if (stat(path, &st) != 0)
        return 0;
    snprintf(mark, sizeof mark, ":%llu ", (unsigned long long)st.st_ino);
    FILE *f = fopen("/proc/locks", "re");
    while (f && !held && fgets(line, sizeof line, f))
        held = strstr(line, " FLOCK ") && strstr(line, " WRITE ") && strstr(line, mark);
    if (f)
        fclose(f);
    return held && doctor_read(path, pid, sizeof pid) ? (pid_t)strtol(pid, NULL, 10) : 0;
}

/* The words that the server was started with behind "serve", one behind the other, each with a NUL;
 * relative paths among them are relative to its own directory. */
static size_t words_of(pid_t server, char *text, size_t size, const char **words, size_t max)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)server);
    FILE *f = fopen(path, "re");
    size_t got = f ? fread(text, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    text[got] = 0;
    bool behind = false;
    for (size_t at = 0; at < got && n < max; at += strlen(text + at) + 1) {
        if (behind)
            words[n++] = text + at;
        behind |= strcmp(text + at, "serve") == 0;
    }
    snprintf(path, sizeof path, "/proc/%ld/cwd", (long)server);
    if (n && chdir(path) != 0)
        log_debug("doctor", "paths that are not whole mean what they mean here");
    return n;
}

/* The settings: those of the running server by its command line, else those of this one. */
static int load_config(const struct invocation *in, struct doctor *d, struct config *c)
{
    static char text[16384];
    static const char *words[512];
    size_t used, n = d->server ? words_of(d->server, text, sizeof text, words, 512) : 0;
    static const char *const serve[] = {"serve"};
    struct invocation *other = NULL;
    if (n && command_parse(command_find(serve, 1, &used), words, n, &other) == CODE_OK) {
        int code = config_load(c, other);
        command_parsed_free(other);
        return code;
    }
    return config_load(c, in);
}

static bool listens_beyond(const struct config *c)
{
    const char *const at[] = {c->http, c->https, c->mqtt, c->mqtts};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        if (at[i] && !net_is_loopback(at[i]))
            return true;
    }
    return false;
}

/* ---- telling ---- */

static size_t count(const struct doctor *d, enum doctor_level level)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->findings[i].level == level;
    return n;
}

static void print_json(const struct doctor *d, size_t checks)
{
    struct buf out = {0};
    struct json_writer w;
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "data");
    json_put_cstr(&w, d->data);
    json_key(&w, "server");
    if (d->server)
        json_put_int(&w, d->server);
    else
        json_put_null(&w);
    json_key(&w, "checks");
    json_put_uint(&w, checks);
    for (int level = LEVELS - 1; level >= 0; level--) {
        json_key(&w, levels[level].plural);
        json_put_uint(&w, count(d, (enum doctor_level)level));
    }
    json_key(&w, "findings");
    json_open(&w, '[');
    for (int level = LEVELS - 1; level >= 0; level--) {
        for (size_t i = 0; i < d->n; i++) {
            const struct doctor_finding *f = &d->findings[i];
            if ((int)f->level != level)
                continue;
            const char *const parts[][2] = {{"check", f->check->name},
                                            {"severity", levels[level].name},
                                            {"what", f->what},
                                            {"why", f->check->why},
                                            {"do", f->todo[0] ? f->todo : NULL}};
            json_open(&w, '{');
            for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
                json_key(&w, parts[k][0]);
                json_put_cstr(&w, parts[k][1]);
            }
            json_close(&w, '}');
        }
    }
    json_close(&w, ']');
    json_close(&w, '}');
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    buf_release(&out);
}

static void print_part(const char *name, const char *sentence)
{
    struct buf clean = {0};
    term_clean(&clean, slice_str(sentence), 0);
    printf("         %s%s%s %.*s\n", term_style(stdout, STYLE_DIM), name, term_end(stdout),
           SLICE_ARG(buf_slice(&clean)));
    buf_release(&clean);
}

static void print_words(const struct doctor *d, size_t checks)
{
    for (int level = LEVELS - 1; level >= 0; level--) {
        for (size_t i = 0; i < d->n; i++) {
            const struct doctor_finding *f = &d->findings[i];
            struct buf clean = {0};
            if ((int)f->level != level)
                continue;
            term_clean(&clean, slice_str(f->what), 0);
            printf("%s%-8s%s %.*s %s[%s]%s\n", term_style(stdout, levels[level].style),
                   levels[level].name, term_end(stdout), SLICE_ARG(buf_slice(&clean)),
                   term_style(stdout, STYLE_DIM), f->check->name, term_end(stdout));
            buf_release(&clean);
            print_part("why:", f->check->why);
            if (f->todo[0])
                print_part("do: ", f->todo);
        }
    }
    printf("%s: %zu checks", d->data, checks);
    for (int level = LEVELS - 1; level >= 0; level--) {
        size_t n = count(d, (enum doctor_level)level);
        if (n)
            printf(", %zu %s", n, n == 1 ? levels[level].name : levels[level].plural);
    }
    if (d->server)
        printf("; the server runs as process %ld\n", (long)d->server);
    else
        printf("; no server runs on it\n");
}

/* ---- doctor ---- */

static int list_checks(void)
{
    for (size_t t = 0; t < TOPICS; t++) {
        for (const struct doctor_check *c = doctor_topics[t]; c->name; c++)
            printf("%-20s %s\n", c->name, c->title);
    }
    return CODE_OK;
}

static size_t run_checks(struct doctor *d)
{
    size_t n = 0;
    for (size_t t = 0; t < TOPICS; t++) {
        for (d->check = doctor_topics[t]; d->check->name; d->check++, n++)
            d->check->run(d);
    }
    return n;
}

int doctor_run(const struct invocation *in)
{
    struct config config, first;
    struct doctor d = {.config = &config, .now_us = clock_now_us()};
    if (option_on(in, "list"))
        return list_checks();
    int code = config_load(&first, in);
    if (code != CODE_OK)
        return code;
    char *data = realpath(first.data, NULL);
    if (!data) {
        term_problem("the data directory %s cannot be seen: %s", first.data, strerror(errno));
        config_release(&first);
        return CODE_MISSING;
    }
    d.data = data;
    d.server = running(data);
    code = load_config(in, &d, &config);
    config_release(&first);
    if (code == CODE_OK) {
        d.listens_beyond = listens_beyond(&config);
        size_t checks = run_checks(&d);
        if (option_on(in, "json"))
            print_json(&d, checks);
        else
            print_words(&d, checks);
        bool bad =
            count(&d, DOCTOR_ERROR) || (option_on(in, "strict") && count(&d, DOCTOR_WARNING));
        code = bad ? CODE_NO : CODE_OK;
        config_release(&config);
    }
    free(d.findings);
    free(data);
    return code;
}
