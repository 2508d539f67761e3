#include "access/people.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum { SWEEP_FIRST_MS = 60 * 1000, SWEEP_MS = 3600 * 1000, SWEEP_MOST = 1000 };
#define TOKEN_REMEMBERED_US MINUTES_US(30 * 24 * 60)

/* ---- housekeeping ---- */

static bool is_long_over(int64_t end_us, int64_t now_us)
{
    return end_us && now_us - end_us > TOKEN_REMEMBERED_US;
}

/* Sessions that have ended, tokens that ended a month ago: until then they are told apart from
 * those that never were. */
static int sweep(struct change *ch)
{
    const struct session *s;
    const struct api_token *t;
    size_t at = 0, n = 0;
    ch->quiet = true;
    while (n < SWEEP_MOST && (s = map_next(&ch->access->kinds[RECORD_SESSION], &at))) {
        if (s->expires_us > ch->now_us)
            continue;
        change_remove(ch, RECORD_SESSION, s->e.id);
        n++;
    }
    at = 0;
    while (n < SWEEP_MOST && (t = map_next(&ch->access->kinds[RECORD_TOKEN], &at))) {
        if (!is_long_over(t->revoked_us, ch->now_us) && !is_long_over(t->expires_us, ch->now_us))
            continue;
        change_remove(ch, RECORD_TOKEN, t->e.id);
        n++;
    }
    return 0;
}

void people_sweep(struct access *a)
{
    access_change(a, &(struct change_plan){.who = a->system, .prepare = sweep});
}

static void on_sweep(void *arg)
{
    people_sweep(arg);
}

int people_new(struct access *a, const struct access_opts *opts, struct people **ret)
{
    struct people *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->access = a;
    p->keys = opts->keys;
    p->throttle = throttle_new();
    p->pendings = pendings_new(PENDING_OF_PEOPLE);
    p->challenges = pendings_new(PENDING_OF_ANYBODY);
    int err = p->throttle && p->pendings && p->challenges ? 0 : ERR_NOMEM;
    if (!err)
        err = hashing_new(a->loop, &opts->cost, &p->hashing);
    if (!err)
        err = loop_timer_new(a->loop, on_sweep, a, &p->sweep);
    if (err) {
        people_free(p);
        return err;
    }
    loop_timer_start(p->sweep, SWEEP_FIRST_MS, SWEEP_MS);
    *ret = p;
    return 0;
}

void people_stop(struct people *p)
{
    if (!p)
        return;
    hashing_stop(p->hashing);
    loop_timer_free(p->sweep);
    p->sweep = NULL;
}

void people_free(struct people *p)
{
    if (!p)
        return;
    people_stop(p);
    hashing_free(p->hashing);
    throttle_free(p->throttle);
    pendings_free(p->pendings);
    pendings_free(p->challenges);
    free(p);
}

/* ---- words ---- */

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return utf8_valid(s);
}

struct slice person_email(struct arena *a, struct slice typed)
{
    struct slice text = slice_trim(typed), rest = text, local;
    const struct slice none = {0};
    if (!text.n || text.n > PERSON_EMAIL_MAX || !is_plain(text) || slice_find(text, ' ') >= 0)
        return none;
    slice_cut(&rest, '@', &local);
    if (!local.n || !rest.n || slice_find(rest, '@') >= 0)
        return none;
    char *kept = arena_strndup(a, text.p, text.n);
    for (char *p = kept; p && *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    return slice_of(kept, kept ? text.n : 0);
}

bool person_name_ok(struct slice name)
{
    return slice_trim(name).n && name.n <= PERSON_NAME_MAX && is_plain(name);
}

void person_make_id(char ret[static 24])
{
    unsigned char chance[8];
    random_bytes(chance, sizeof chance);
    int n = snprintf(ret, 24, "p_");
    for (size_t i = 0; i < sizeof chance; i++)
        n += snprintf(ret + n, 24 - (size_t)n, "%02x", chance[i]);
}

/* ---- in prepare() ---- */

int change_person(struct change *ch, struct person **ret)
{
    struct person *p = ch->who->kind == WHO_PERSON && !ch->who->gone ? ch->who->person : NULL;
    if (!p)
        return change_refuse(ch, ERR_FORBIDDEN, "Only a person has an account.");
    *ret = p;
    return 0;
}

int change_fresh_person(struct change *ch, struct person **ret)
{
    int err = change_person(ch, ret);
    if (!err && !session_is_fresh(ch->who, ch->now_us))
        return change_refuse(
            ch, ERR_REAUTHENTICATE, "%s",
            ch->who->session ? "This needs a sign-in of the last 15 minutes: confirm who you are."
                             : "This needs a sign-in; a token cannot do it.");
    return err;
}

struct jval *person_doc(struct change *ch, const struct person *p)
{
    return jval_copy(ch->arena, p->e.doc);
}

void person_put(struct change *ch, const struct person *p, const struct jval *doc)
{
    change_put(ch, RECORD_PERSON, p->e.id, doc);
}

void person_audit(struct change *ch, const char *operation, const char *person)
{
    char object[80];
    snprintf(object, sizeof object, "person:%s", person);
    change_audit(ch, operation, object, NULL, NULL);
}

/* ---- passwords that are chosen ---- */

struct choosing {
    new_password_fn *fn;
    void *arg;
};

static void on_made(void *arg, const struct hashed *r)
{
    struct choosing *c = arg;
    c->fn(c->arg, &(struct new_password){.err = r->err, .hash = r->hash});
    free(c);
}

void people_new_password(struct access *a, struct slice password, struct slice name,
                         struct slice email, new_password_fn *fn, void *arg)
{
    const struct slice words[] = {name, email};
    const struct password_policy policy = {.words = words, .words_n = 2};
    struct buf why = {0};
    struct new_password refused = {.err = password_check(password, &policy, &why)};
    struct choosing *c = refused.err ? NULL : malloc(sizeof *c);
    if (c) {
        *c = (struct choosing){fn, arg};
        hashing_make(a->people->hashing, password, on_made, c);
    } else {
        buf_add_byte(&why, 0);
        refused.err = refused.err ? refused.err : ERR_NOMEM;
        refused.detail = why.failed || why.n < 2 ? NULL : why.p;
        fn(arg, &refused);
    }
    buf_release(&why);
}
