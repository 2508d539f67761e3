#include "server/secrets.h"

#include "access/change.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/term.h"
#include "store/sealed.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- opening ---- */

static int problem(struct buf *why)
{
    term_problem("%.*s", SLICE_ARG(buf_slice(why)));
    buf_release(why);
    return CODE_FAILED;
}

static int load(struct secrets *s, enum secrets_place place, const char *path, bool must)
{
    struct buf why = {0};
    if (!(s->from[place] = key_ring_new()))
        return CODE_FAILED;
    int err = key_ring_load(s->from[place], path, &why);
    if (err == ERR_NOT_FOUND && !must) {
        key_ring_free(s->from[place]);
        s->from[place] = NULL;
        return CODE_OK;
    }
    if (err == ERR_NOT_FOUND)
        buf_addf(&why, "there is no file of keys %s; make one with: doppel key new %s", path, path);
    else if (!err && must && key_ring_count(s->from[place]) == 0)
        buf_addf(&why, "%s has no key in it; add one with: doppel key new", path);
    return why.n ? problem(&why) : CODE_OK;
}

/* The variable goes into the ring, and is overwritten where the process was given it. */
static int load_variable(struct secrets *s)
{
    struct buf why = {0};
    char *text = getenv(SECRETS_VARIABLE);
    if (!text || !*text)
        return CODE_OK;
    if (!(s->from[SECRETS_ENVIRONMENT] = key_ring_new()))
        return CODE_FAILED;
    int err = key_ring_read(s->from[SECRETS_ENVIRONMENT], slice_str(text), &why);
    sodium_memzero(text, strlen(text));
    unsetenv(SECRETS_VARIABLE);
    if (!err && key_ring_count(s->from[SECRETS_ENVIRONMENT]) == 0)
        buf_add_str(&why, "there is no key in it");
    if (!why.n)
        return CODE_OK;
    term_problem(SECRETS_VARIABLE ": %.*s", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return CODE_USAGE;
}

/* All into one, the later place behind the earlier one. */
static int join(struct secrets *s)
{
    struct buf text = {0}, why = {0};
    if (!(s->ring = key_ring_new()))
        return CODE_FAILED;
    for (size_t i = 0; i < SECRETS_PLACES; i++) {
        buf_clear(&text);
        if (s->from[i])
            key_ring_write(s->from[i], &text);
        if (text.failed || key_ring_read(s->ring, buf_slice(&text), &why))
            buf_add_str(&why, "; take some away with: doppel key rm");
    }
    secret_release(&text);
    return why.n ? problem(&why) : CODE_OK;
}

int secrets_open(const struct config *c, struct secrets *ret)
{
    struct buf path = {0};
    *ret = (struct secrets){.named = c->secret_key_file};
    buf_addf(&path, "%s/" SECRETS_FILE, c->data);
    int code = (ret->file = buf_take(&path)) ? CODE_OK : CODE_FAILED;
    if (code == CODE_OK)
        code = load(ret, SECRETS_DATA, ret->file, false);
    if (code == CODE_OK && ret->named)
        code = load(ret, SECRETS_NAMED, ret->named, true);
    if (code == CODE_OK)
        code = load_variable(ret);
    if (code == CODE_OK)
        code = join(ret);
    if (code != CODE_OK)
        secrets_close(ret);
    return code;
}

void secrets_close(struct secrets *s)
{
    for (size_t i = 0; i < SECRETS_PLACES; i++)
        key_ring_free(s->from[i]);
    key_ring_free(s->ring);
    free(s->file);
    *s = (struct secrets){0};
}

enum secrets_place secrets_sealing(const struct secrets *s)
{
    for (size_t i = SECRETS_PLACES; i-- > 0;) {
        if (s->from[i] && key_ring_count(s->from[i]))
            return (enum secrets_place)i;
    }
    return SECRETS_PLACES;
}

const char *secrets_name(const struct secrets *s, enum secrets_place place)
{
    return place == SECRETS_DATA          ? s->file
           : place == SECRETS_NAMED       ? s->named
           : place == SECRETS_ENVIRONMENT ? SECRETS_VARIABLE
                                          : "nowhere";
}

/* ---- what is under them ---- */

struct survey {
    struct secrets_use *rows;
    size_t n;
    bool failed;
};

static void on_found(void *arg, struct slice key, struct slice what)
{
    struct survey *s = arg;
    size_t i = 0;
    while (i < s->n && !slice_is(key, s->rows[i].id))
        i++;
    if (i == s->n) {
        struct secrets_use *more = realloc(s->rows, (s->n + 1) * sizeof *more);
        if (!more) {
            s->failed = true;
            return;
        }
        s->rows = more;
        s->rows[s->n++] = (struct secrets_use){0};
        memcpy(s->rows[i].id, key.p, key.n < KEY_ID_TEXT ? key.n : KEY_ID_TEXT);
    }
    struct secrets_use *u = &s->rows[i];
    size_t used = strlen(u->some);
    if (u->n++ < 5 && what.n + used + 8 < sizeof u->some)
        snprintf(u->some + used, sizeof u->some - used, "%s%.*s", used ? ", " : "",
                 SLICE_ARG(what));
    else if (u->n == 6)
        snprintf(u->some + used, sizeof u->some - used, ", ...");
}

static const char *kind_name(int kind)
{
    return kind == RECORD_PERSON ? "person" : kind == RECORD_PROVIDER ? "provider" : "record";
}

int secrets_survey(const char *data, struct secrets_use **ret, size_t *ret_n)
{
    struct survey s = {0};
    struct sealed_watch watch = {.found = on_found, .kind = kind_name, .arg = &s};
    int err = sealed_survey(data, &watch);
    if (err || s.failed) {
        free(s.rows);
        return err ? err : ERR_NOMEM;
    }
    *ret = s.rows;
    *ret_n = s.n;
    return 0;
}

/* ---- the server's start ---- */

/* Without room for it the server starts all the same, and then seals nothing: a key that is not on
 * the disk must not be used. */
static int make_first(struct secrets *s)
{
    struct buf why = {0};
    struct key_about about;
    struct key_ring *fresh = key_ring_new();
    if (!fresh)
        return CODE_FAILED;
    key_ring_make(fresh, clock_now_us());
    if (key_ring_save(fresh, s->file, &why)) {
        log_error("secrets",
                  "there is no key, and none can be made, so nothing can be sealed: %.*s",
                  SLICE_ARG(buf_slice(&why)));
        buf_release(&why);
        key_ring_free(fresh);
        return CODE_OK;
    }
    key_ring_free(s->from[SECRETS_DATA]); /* of a file without a key */
    s->from[SECRETS_DATA] = fresh;
    key_ring_free(s->ring);
    int code = join(s);
    if (code == CODE_OK && key_ring_at(s->ring, 0, &about))
        log_info("secrets",
                 "made the key %s in %s: what is sealed can be read with it alone, so keep a copy "
                 "elsewhere (backups that are not encrypted leave it out)",
                 about.id, s->file);
    return code;
}

/* What cannot be read is told here, once, with what to do; who needs it says so again. */
static void tell_missing(const struct config *c, const struct secrets *s)
{
    struct secrets_use *uses = NULL;
    size_t n = 0;
    int err = secrets_survey(c->data, &uses, &n);
    if (err && err != ERR_NOT_FOUND) /* opening the catalog will say more */
        log_warn("secrets", "which secrets are sealed cannot be told: %s", err_info(err)->text);
    for (size_t i = 0; i < n; i++) {
        if (key_ring_has(s->ring, slice_str(uses[i].id)))
            continue;
        log_error(
            "secrets",
            "the key %s is not here, so %zu secrets that are sealed under it cannot be read "
            "(%s).  Put the key back with: doppel key add FILE --data %s, and start again.  If "
            "it is lost, they have to be set anew",
            uses[i].id, uses[i].n, uses[i].some, c->data);
    }
    free(uses);
}

int secrets_start(const struct config *c, struct secrets *ret)
{
    int code = secrets_open(c, ret);
    if (code != CODE_OK)
        return code;
    if (key_ring_count(ret->ring) == 0)
        code = make_first(ret);
    if (code == CODE_OK)
        tell_missing(c, ret);
    return code;
}
