/* key.c - doppel key ls, new, rotate, add, rm: the keys under which secrets are sealed; doppel key
 * pair: those of backups. */
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "crypto/envelope.h"
#include "os/file.h"
#include "server/run.h"
#include "server/secrets.h"
#include "server/term.h"

#include <stdlib.h>
#include <unistd.h>

struct keys {
    struct config config;
    struct secrets secrets;
    struct secrets_use *uses;
    size_t uses_n;
};

static void keys_close(struct keys *k)
{
    free(k->uses);
    secrets_close(&k->secrets);
    config_release(&k->config);
}

/* The settings and keys of the server, and what is sealed under them. */
static int keys_open(const struct invocation *in, struct keys *k)
{
    *k = (struct keys){0};
    int code = config_load(&k->config, in);
    if (code != CODE_OK)
        return code;
    code = secrets_open(&k->config, &k->secrets);
    if (code == CODE_OK) {
        int err = secrets_survey(k->config.data, &k->uses, &k->uses_n);
        if (err && err != ERR_NOT_FOUND) {
            term_problem("%s/catalog.db cannot be read: %s", k->config.data, err_info(err)->text);
            code = CODE_FAILED;
        }
    }
    if (code != CODE_OK)
        keys_close(k);
    return code;
}

static size_t uses_of(const struct keys *k, const char *id)
{
    for (size_t i = 0; i < k->uses_n; i++) {
        if (strcmp(k->uses[i].id, id) == 0)
            return k->uses[i].n;
    }
    return 0;
}

/* ---- ls ---- */

/* Where the i-th key comes from, the last place that has it. */
static const char *place_of(const struct keys *k, const char *id)
{
    for (size_t i = SECRETS_PLACES; i-- > 0;) {
        if (k->secrets.from[i] && key_ring_has(k->secrets.from[i], slice_str(id)))
            return secrets_name(&k->secrets, (enum secrets_place)i);
    }
    return "";
}

static void write_key(struct json_writer *w, const char *id, int64_t made_us, bool seals, size_t n,
                      const char *from)
{
    json_open(w, '{');
    json_key(w, "id");
    json_put_cstr(w, id);
    if (from) {
        json_key(w, "made");
        json_put_time(w, made_us);
    }
    json_key(w, "seals");
    json_put_bool(w, seals);
    json_key(w, "secrets");
    json_put_uint(w, n);
    json_key(w, "from");
    json_put_cstr(w, from);
    json_close(w, '}');
}

static size_t print_keys(const struct keys *k, struct table *t, struct json_writer *w)
{
    struct key_about a;
    size_t missing = 0, count = key_ring_count(k->secrets.ring);
    for (size_t i = 0; key_ring_at(k->secrets.ring, i, &a); i++) {
        struct buf made = {0};
        bool seals = i + 1 == count;
        clock_format(&made, a.made_us);
        write_key(w, a.id, a.made_us, seals, uses_of(k, a.id), place_of(k, a.id));
        table_cell(t, STYLE_PLAIN, slice_str(a.id));
        table_cell(t, STYLE_PLAIN, buf_slice(&made));
        table_cell(t, seals ? STYLE_OK : STYLE_DIM, slice_str(seals ? "seals" : "opens"));
        table_cellf(t, STYLE_PLAIN, "%zu", uses_of(k, a.id));
        table_cell(t, STYLE_PLAIN, slice_str(place_of(k, a.id)));
        buf_release(&made);
    }
    for (size_t i = 0; i < k->uses_n; i++) {
        if (key_ring_has(k->secrets.ring, slice_str(k->uses[i].id)))
            continue;
        missing++;
        write_key(w, k->uses[i].id, 0, false, k->uses[i].n, NULL);
        table_cell(t, STYLE_PLAIN, slice_str(k->uses[i].id));
        table_cell(t, STYLE_DIM, SLICE_LIT("-"));
        table_cell(t, STYLE_BAD, SLICE_LIT("missing"));
        table_cellf(t, STYLE_PLAIN, "%zu", k->uses[i].n);
        table_cell(t, STYLE_PLAIN, slice_str(k->uses[i].some));
    }
    return missing;
}

int key_ls_run(const struct invocation *in)
{
    static const char *const headings[] = {"key", "made", "state", "secrets", "where"};
    struct keys k;
    struct buf out = {0};
    struct json_writer w;
    int code = keys_open(in, &k);
    if (code != CODE_OK)
        return code;
    struct table *t = table_new(headings, 5);
    if (!t) {
        keys_close(&k);
        return CODE_FAILED;
    }
    table_align_right(t, 3);
    json_writer_init(&w, &out, 2);
    json_open(&w, '{');
    json_key(&w, "keys");
    json_open(&w, '[');
    size_t missing = print_keys(&k, t, &w);
    json_close(&w, ']');
    json_close(&w, '}');
    if (option_on(in, "json"))
        printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    else
        table_print(t, stdout);
    if (missing)
        term_problem("put a missing key back with: doppel key add FILE --data %s", k.config.data);
    table_free(t);
    buf_release(&out);
    keys_close(&k);
    return missing ? CODE_NO : CODE_OK;
}

/* ---- new ---- */

int key_new_run(const struct invocation *in)
{
    struct key_ring *r = key_ring_new();
    struct buf text = {0}, why = {0};
    const char *to = in->args_n ? in->args[0] : "-";
    int code = CODE_OK;
    if (!r || key_ring_make(r, clock_now_us())) {
        term_problem("out of memory");
        code = CODE_FAILED;
    } else if (strcmp(to, "-") == 0) {
        key_ring_write(r, &text);
        fwrite(text.p, 1, text.n, stdout);
        fflush(stdout);
    } else if (access(to, F_OK) == 0) {
        term_problem("%s is there already; a new key beside those in it: doppel key rotate", to);
        code = CODE_USAGE;
    } else if (key_ring_save(r, to, &why)) {
        term_problem("%.*s", SLICE_ARG(buf_slice(&why)));
        code = CODE_FAILED;
    }
    secret_release(&text);
    buf_release(&why);
    key_ring_free(r);
    return code;
}

/* ---- rotate, add, rm: a file is changed ---- */

static int save(const struct key_ring *r, const char *path)
{
    struct buf why = {0};
    if (!key_ring_save(r, path, &why))
        return CODE_OK;
    term_problem("%.*s", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return CODE_FAILED;
}

static void tell(const struct invocation *in, const char *id, const char *sentence)
{
    if (option_on(in, "json"))
        printf("{\"id\":\"%s\"}\n", id);
    else
        printf("%s %s\n", id, sentence);
}

/* The ring whose keys stand in a file that we can write: the one that seals. */
static int sealing_file(struct keys *k, struct key_ring **ret, const char **ret_path)
{
    enum secrets_place place = secrets_sealing(&k->secrets);
    if (place == SECRETS_ENVIRONMENT) {
        term_problem("the key that seals is that of " SECRETS_VARIABLE
                     ", which is not ours to change.  Put a new one behind it there: doppel key "
                     "new prints one");
        return CODE_REFUSED;
    }
    if (place == SECRETS_PLACES) {
        place = k->secrets.named ? SECRETS_NAMED : SECRETS_DATA;
        k->secrets.from[place] = key_ring_new();
    }
    *ret = k->secrets.from[place];
    *ret_path = secrets_name(&k->secrets, place);
    return *ret ? CODE_OK : CODE_FAILED;
}

int key_rotate_run(const struct invocation *in)
{
    struct keys k;
    struct key_ring *r = NULL;
    struct key_about about;
    const char *path = NULL;
    int code = keys_open(in, &k);
    if (code != CODE_OK)
        return code;
    code = sealing_file(&k, &r, &path);
    if (code == CODE_OK && key_ring_make(r, clock_now_us())) {
        term_problem("%s has %d keys, and no more may be in it; take some away with: doppel key rm",
                     path, KEY_RING_MAX);
        code = CODE_REFUSED;
    }
    if (code == CODE_OK)
        code = save(r, path);
    if (code == CODE_OK && key_ring_at(r, key_ring_count(r) - 1, &about))
        tell(in, about.id,
             "seals from the next start of the server on, which then seals anew what is under the "
             "keys before it.  They stay; keep a copy of the file elsewhere");
    keys_close(&k);
    return code;
}

/* A file's keys, or those of standard input. */
static int read_keys(const char *from, struct key_ring *r)
{
    struct buf why = {0}, text = {0};
    bool input = strcmp(from, "-") == 0;
    int err = input ? file_read(from, 65536, &text) : key_ring_load(r, from, &why);
    if (err && input)
        buf_addf(&why, "standard input cannot be read: %s", file_why(err));
    else if (err == ERR_NOT_FOUND)
        buf_addf(&why, "there is no file %s", from);
    else if (input)
        err = key_ring_read(r, buf_slice(&text), &why);
    if (!why.n && key_ring_count(r) == 0)
        buf_addf(&why, "%s has no key in it", input ? "standard input" : from);
    secret_release(&text);
    if (!why.n)
        return CODE_OK;
    term_problem("%.*s", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return err == ERR_NOT_FOUND ? CODE_MISSING : CODE_FAILED;
}

/* Behind those that are added: those that were in the file, of which the last seals on. */
static int add_present(const struct key_ring *present, struct key_ring *r)
{
    struct buf text = {0}, why = {0};
    if (present)
        key_ring_write(present, &text);
    int err = key_ring_read(r, buf_slice(&text), &why);
    secret_release(&text);
    if (!err)
        return CODE_OK;
    term_problem("there would be more than %d keys; take some away with: doppel key rm",
                 KEY_RING_MAX);
    buf_release(&why);
    return CODE_REFUSED;
}

int key_add_run(const struct invocation *in)
{
    struct keys k;
    struct key_about about;
    int code = keys_open(in, &k);
    if (code != CODE_OK)
        return code;
    struct key_ring *r = key_ring_new(), *present = k.secrets.from[SECRETS_DATA];
    code = r ? read_keys(in->args[0], r) : CODE_FAILED;
    size_t given = r ? key_ring_count(r) : 0;
    if (code == CODE_OK)
        code = add_present(present, r);
    if (code == CODE_OK)
        code = save(r, k.secrets.file);
    for (size_t i = 0; code == CODE_OK && i < given && key_ring_at(r, i, &about); i++) {
        if (!present || !key_ring_has(present, slice_str(about.id)))
            tell(in, about.id,
                 "opens what is sealed under it, from the next start of the server on");
    }
    key_ring_free(r);
    keys_close(&k);
    return code;
}

static int refuse_rm(const struct invocation *in, const struct keys *k, const char *id)
{
    size_t n = uses_of(k, id);
    if (!key_ring_has(k->secrets.ring, slice_str(id))) {
        term_problem("there is no key %s; doppel key ls tells which there are", id);
        return CODE_MISSING;
    }
    if (n && !option_on(in, "lose")) {
        term_problem("%zu secrets are sealed under the key %s and could not be read any more.  "
                     "A server that starts with a newer key seals them anew: doppel key rotate, "
                     "start it, then try again.  To lose them: --lose",
                     n, id);
        return CODE_REFUSED;
    }
    if (k->secrets.from[SECRETS_ENVIRONMENT] &&
        key_ring_has(k->secrets.from[SECRETS_ENVIRONMENT], slice_str(id))) {
        term_problem("the key %s is in " SECRETS_VARIABLE ", which is not ours to change", id);
        return CODE_REFUSED;
    }
    return CODE_OK;
}

int key_rm_run(const struct invocation *in)
{
    struct keys k;
    const char *id = in->args[0];
    int code = keys_open(in, &k);
    if (code != CODE_OK)
        return code;
    code = refuse_rm(in, &k, id);
    for (size_t i = 0; i < SECRETS_ENVIRONMENT && code == CODE_OK; i++) {
        if (k.secrets.from[i] && key_ring_remove(k.secrets.from[i], id))
            code = save(k.secrets.from[i], secrets_name(&k.secrets, (enum secrets_place)i));
    }
    if (code == CODE_OK)
        tell(in, id,
             "is gone.  Backups made before may have secrets under it: keep a copy as long as you "
             "keep them");
    keys_close(&k);
    return code;
}

/* ---- pair ---- */

int key_pair_run(const struct invocation *in)
{
    char identity[ENVELOPE_WORD_MAX], recipient[ENVELOPE_WORD_MAX];
    const char *to = in->args[0];
    struct buf text = {0};
    if (access(to, F_OK) == 0) {
        term_problem("%s is there already", to);
        return CODE_USAGE;
    }
    int err = envelope_identity(identity, recipient);
    if (!err) {
        buf_addf(&text,
                 "# Opens backups that are encrypted for the recipient\n# %s\n# Keep it where the "
                 "backups are not.\n%s\n",
                 recipient, identity);
        err = text.failed ? ERR_NOMEM : file_write(to, buf_slice(&text), 0600);
        if (err)
            term_problem("%s cannot be written: %s", to, file_why(err));
    }
    if (!err)
        printf("%s\n", recipient);
    secret_release(&text);
    explicit_bzero(identity, sizeof identity);
    return err ? CODE_FAILED : CODE_OK;
}
