/* doctor_access.c - who can get in: administrators, tokens, links; as the catalog has them. */
#include "server/doctor.h"

#include "access/change.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "store/catalog_look.h"

#include <stdlib.h>

#define DAY_US (86400 * INT64_C(1000000))
enum { NAMED = 5, IDLE_DAYS = 90 };

/* Names of those that something was found of, the first few. */
struct tally {
    size_t n;
    char some[200];
};

static void add(struct tally *t, struct slice name)
{
    size_t used = strlen(t->some);
    if (t->n++ < NAMED && used + name.n + 8 < sizeof t->some)
        snprintf(t->some + used, sizeof t->some - used, "%s%.*s", used ? ", " : "",
                 SLICE_ARG(name));
    else if (t->n == NAMED + 1)
        snprintf(t->some + used, sizeof t->some - used, ", ...");
}

struct look {
    struct doctor *doctor;
    struct arena *arena;
    struct map administrators; /* of organisations; by the person's id */
    size_t installation;
    struct tally weak, endless, idle, links;
};

static bool flag(const struct jval *doc, const char *key)
{
    const struct jval *v = jval_get(doc, key);
    return v && v->type == J_BOOL && v->boolean;
}

static bool has_time(const struct jval *doc, const char *key, int64_t *ret_us)
{
    return clock_parse(jval_string(jval_get(doc, key)), ret_us) == 0;
}

static void look_at_member(struct look *l, struct slice id, const struct jval *doc)
{
    ptrdiff_t slash = slice_find(id, '/');
    if (slash < 0 || !slice_is(jval_string(jval_get(doc, "role")), "administrator"))
        return;
    struct slice person = arena_dup(l->arena, slice_skip(id, (size_t)slash + 1));
    if (person.p)
        map_put(&l->administrators, person, l, NULL);
}

/* As struct person has it: a one-time code, or passkeys and no password beside them. */
static bool has_second_factor(const struct jval *doc)
{
    const struct jval *keys = jval_get(doc, "passkeys");
    bool password = jval_string(jval_get(doc, "password")).n > 0;
    return jval_string(jval_get(doc, "totp")).n || (keys && keys->count && !password);
}

static void look_at_person(struct look *l, struct slice id, const struct jval *doc)
{
    struct slice name = jval_string(jval_get(doc, "email"));
    if (flag(doc, "disabled"))
        return;
    bool installation = flag(doc, "installation");
    l->installation += installation;
    if ((installation || map_get(&l->administrators, id)) && !has_second_factor(doc))
        add(&l->weak, name.n ? name : id);
}

static void look_at_token(struct look *l, struct slice id, const struct jval *doc)
{
    int64_t now = l->doctor->now_us, at;
    struct slice name = jval_string(jval_get(doc, "name"));
    if (has_time(doc, "revoked", &at) || (has_time(doc, "expires", &at) && at <= now))
        return;
    if (!has_time(doc, "expires", &at))
        add(&l->endless, name.n ? name : id);
    if ((has_time(doc, "used", &at) || has_time(doc, "created", &at)) &&
        now - at > IDLE_DAYS * DAY_US)
        add(&l->idle, name.n ? name : id);
}

static void look_at_grant(struct look *l, const struct jval *doc)
{
    int64_t at;
    if (slice_is(jval_string(jval_get(jval_get(doc, "to"), "kind")), "link") &&
        !has_time(doc, "expires", &at))
        add(&l->links, jval_string(jval_get(doc, "object")));
}

static int on_record(void *arg, int kind, struct slice id, struct slice text)
{
    struct look *l = arg;
    struct arena *a = arena_new();
    struct jval *doc = NULL;
    int err = a ? 0 : ERR_NOMEM;
    if (!err && kind != RECORD_CREDENTIAL && jdoc_parse(a, text, &doc, NULL) == 0) {
        if (kind == RECORD_MEMBER)
            look_at_member(l, id, doc);
        else if (kind == RECORD_PERSON)
            look_at_person(l, id, doc);
        else if (kind == RECORD_TOKEN)
            look_at_token(l, id, doc);
        else if (kind == RECORD_GRANT)
            look_at_grant(l, doc);
    }
    arena_free(a);
    return err;
}

/* Persons come before who is a member of what: the catalog is walked twice. */
static bool look(struct doctor *d, struct look *l)
{
    *l = (struct look){.doctor = d, .arena = arena_new()};
    int err = l->arena ? catalog_look(d->data, on_record, l) : ERR_NOMEM;
    struct map administrators = l->administrators;
    struct arena *arena = l->arena;
    *l = (struct look){.doctor = d, .arena = arena, .administrators = administrators};
    if (!err)
        err = catalog_look(d->data, on_record, l);
    map_release(&l->administrators);
    arena_free(arena);
    if (err && err != ERR_NOT_FOUND)
        doctor_say(d, DOCTOR_UNKNOWN, "the catalog cannot be looked at: %s", err_info(err)->text);
    return !err && strcmp(doctor_setting(d, "access"), "open") != 0;
}

static void administrators(struct doctor *d)
{
    struct look l;
    if (!look(d, &l))
        return;
    if (l.installation == 0) {
        doctor_say(d, d->listens_beyond ? DOCTOR_ERROR : DOCTOR_NOTE,
                   "there is no administrator of the installation yet");
        doctor_do(d, "open the link that the server prints, or: doppel setup-link");
    }
}

static void second_factor(struct doctor *d)
{
    struct look l;
    if (!look(d, &l) || !l.weak.n)
        return;
    doctor_say(d, DOCTOR_WARNING, "%zu administrators have no second factor: %s", l.weak.n,
               l.weak.some);
    doctor_do(d, "one-time codes or a passkey, in their account");
}

static void tokens(struct doctor *d)
{
    struct look l;
    if (!look(d, &l))
        return;
    if (l.endless.n) {
        doctor_say(d, DOCTOR_WARNING, "%zu API tokens never expire: %s", l.endless.n,
                   l.endless.some);
        doctor_do(d, "make new ones with an expiry, then revoke these");
    }
    if (l.idle.n) {
        doctor_say(d, DOCTOR_NOTE, "%zu API tokens were not used for %d days: %s", l.idle.n,
                   IDLE_DAYS, l.idle.some);
        doctor_do(d, "revoke those that nobody misses");
    }
}

static void links(struct doctor *d)
{
    struct look l;
    if (!look(d, &l) || !l.links.n)
        return;
    doctor_say(d, DOCTOR_NOTE, "%zu share links never expire: %s", l.links.n, l.links.some);
    doctor_do(d, "give them an end in the Share dialogue");
}

/* clang-format off: a check a line */
const struct doctor_check doctor_access[] = {
    {"administrators", "whether somebody answers for the installation",
     "Until then whoever opens the set-up link first is the one", administrators},
    {"second-factor", "administrators with a password alone",
     "One password that was guessed or fished opens everything", second_factor},
    {"tokens", "API tokens without an end, and those that nobody uses",
     "A token that leaked works until it ends", tokens},
    {"links", "share links without an end", "Whoever has the link sees what was shared, for ever",
     links},
    {0},
};
/* clang-format on */
