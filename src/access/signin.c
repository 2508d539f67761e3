#include "access/signin.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

/* A password on its way: in the arena, from the call to the answer. */
struct attempt {
    struct access *access;
    struct arena *arena;
    struct principal *who;
    struct origin from;
    signed_in_fn *fn;
    void *arg;
    struct slice code, browser, chosen;
    struct throttle_try counted;
    bool counts; /* something was counted, and is to be taken back or not */
    bool known;  /* the browser is one of theirs */
    char person[64];
    char kept[PASSWORD_HASH_MAX]; /* what the password was verified against */
    char made[PASSWORD_HASH_MAX]; /* what is to be kept from now on; "" as it is */
    int (*prepare)(struct change *ch);
    struct session_plan session;
    char new_browser[BROWSER_SECRET + 1];
    struct signed_in answer;
};

static const char wrong[] = "The e-mail address or the password is not right.";

/* ---- beginning and end ---- */

static const char *keep(struct arena *a, const char *s)
{
    const char *kept = arena_strndup(a, s ? s : "", s ? strlen(s) : 0);
    return kept ? kept : "";
}

static struct attempt *begin(struct access *a, const struct sign_in *in, signed_in_fn *fn,
                             void *arg)
{
    struct arena *arena = arena_new();
    struct attempt *t = arena ? arena_zalloc(arena, sizeof *t) : NULL;
    if (!t) {
        arena_free(arena);
        fn(arg, &(struct signed_in){.err = ERR_NOMEM});
        return NULL;
    }
    *t = (struct attempt){.access = a, .arena = arena, .fn = fn, .arg = arg};
    t->who = principal_ref(in->who);
    t->from = (struct origin){.via = in->from.via,
                              .address = keep(arena, in->from.address),
                              .request = keep(arena, in->from.request),
                              .agent = keep(arena, in->from.agent)};
    t->code = in->code.p ? arena_dup(arena, in->code) : in->code;
    t->browser = in->browser.n ? arena_dup(arena, in->browser) : in->browser;
    return t;
}

/* Answer; what was counted for this attempt stays only where somebody may have guessed. */
static void end(struct attempt *t, int err, const char *detail)
{
    struct throttle *throttle = t->access->people->throttle;
    if (t->counts && !err)
        throttle_right(throttle, &t->counted);
    else if (t->counts && err == ERR_CREDENTIALS)
        throttle_wrong(throttle, &t->counted, clock_mono_us());
    else if (t->counts)
        throttle_undo(throttle, &t->counted);
    if (err == ERR_CREDENTIALS)
        access_refused(
            t->access, t->who, &t->from, err, OP_PUBLIC,
            t->person[0] ? arena_printf(t->arena, "person:%s", t->person) : "person:", detail);
    t->answer.err = err;
    t->answer.detail = detail;
    t->fn(t->arg, &t->answer);
    principal_unref(t->who);
    if (t->chosen.n)
        explicit_bzero((char *)(uintptr_t)t->chosen.p, t->chosen.n);
    arena_free(t->arena);
}

/* False: too many attempts, and it is answered. */
static bool count(struct attempt *t)
{
    int64_t wait_us = throttle_take(t->access->people->throttle, &t->counted, clock_mono_us());
    t->counts = !wait_us;
    t->answer.wait_us = wait_us;
    if (wait_us)
        end(t, ERR_RATE,
            "Too many attempts: wait, or use a browser that you have used before, or "
            "a passkey.");
    return !wait_us;
}

/* ---- the change that follows ---- */

static void on_changed(struct change *ch)
{
    struct attempt *t = ch->arg;
    if (!ch->err) {
        t->answer.session = t->session.secret[0] ? t->session.secret : NULL;
        t->answer.browser = t->new_browser[0] ? t->new_browser : NULL;
    }
    end(t, ch->err, ch->err ? arena_printf(t->arena, "%s", ch->detail) : NULL);
}

static void change(struct attempt *t)
{
    access_change(
        t->access,
        &(struct change_plan){
            .who = t->who, .from = t->from, .prepare = t->prepare, .done = on_changed, .arg = t});
}

static const char *password_of(const struct person *p)
{
    struct slice kept = p ? jval_string(jval_get(p->e.doc, "password")) : slice_of(NULL, 0);
    return kept.n && kept.n < PASSWORD_HASH_MAX ? kept.p : NULL;
}

/* The person, when they still are as they were when the password was looked at. */
static const struct person *still_so(const struct attempt *t)
{
    const struct person *p = access_find(t->access, RECORD_PERSON, slice_str(t->person));
    if (!p || p->gone || p->disabled ||
        !slice_is(jval_string(jval_get(p->e.doc, "password")), t->kept))
        return NULL;
    return p;
}

static void on_verified(void *arg, const struct hashed *r)
{
    struct attempt *t = arg;
    if (r->err) {
        end(t, r->err,
            r->err == ERR_OVERLOAD ? "Too many people sign in right now: try again." : NULL);
        return;
    }
    if (r->verdict == PASSWORD_WRONG || !t->person[0]) {
        end(t, ERR_CREDENTIALS, wrong);
        return;
    }
    if (r->hash)
        snprintf(t->made, sizeof t->made, "%s", r->hash);
    change(t);
}

/* Verify, and then t->prepare. */
static void verify(struct attempt *t, const struct person *p, struct slice password)
{
    const char *kept = p && !p->gone && !p->disabled ? password_of(p) : NULL;
    struct slice text = p ? jval_string(jval_get(p->e.doc, "password")) : slice_of(NULL, 0);
    if (kept) {
        snprintf(t->person, sizeof t->person, "%s", p->e.id);
        snprintf(t->kept, sizeof t->kept, "%.*s", SLICE_ARG(text));
    }
    hashing_verify(t->access->people->hashing, password, kept ? t->kept : NULL, on_verified, t);
}

/* ---- signing in ---- */

void sign_in_audit(struct change *ch, const struct person *p, const char *how)
{
    person_audit(ch, "sign-in", p->e.id);
    ch->audit.who_kind = SLICE_LIT("person");
    ch->audit.who = slice_str(p->e.id);
    ch->audit.who_name = slice_str(p->name);
    ch->audit.detail = slice_str(how);
}

/* What else is asked for; ERR_SECOND_FACTOR with what would do. */
static int second_factor(struct change *ch, struct attempt *t, const struct person *p,
                         struct jval *doc)
{
    const struct jval *passkeys = jval_get(doc, "passkeys"), *left = jval_get(doc, "recovery");
    if (!jval_string(jval_get(doc, "totp")).n)
        return 0;
    if (t->code.p)
        return second_factor_take(ch, p, doc, t->code);
    t->answer.totp = true;
    t->answer.recovery = left && left->count;
    t->answer.passkey = passkeys && passkeys->count;
    return change_refuse(ch, ERR_SECOND_FACTOR,
                         "The password is right; now the code of the authenticator app.");
}

static int prepare_sign_in(struct change *ch)
{
    struct attempt *t = ch->arg;
    const struct person *p = still_so(t);
    struct jval *doc = p ? person_doc(ch, p) : NULL;
    if (!p)
        return change_refuse(ch, ERR_CREDENTIALS, wrong);
    int err = second_factor(ch, t, p, doc);
    if (err)
        return err;
    if (t->made[0])
        doc_string(ch, doc, "password", t->made);
    doc_time(ch, doc, "seen", ch->now_us);
    browser_note(ch, doc, t->browser, t->known, t->new_browser);
    person_put(ch, p, doc);
    t->session =
        (struct session_plan){.person = p->e.id, .how = t->code.p ? "password+code" : "password"};
    session_put(ch, &t->session);
    sign_in_audit(ch, p, t->session.how);
    return 0;
}

void sign_in(struct access *a, const struct sign_in *in, signed_in_fn *fn, void *arg)
{
    struct attempt *t = begin(a, in, fn, arg);
    if (!t)
        return;
    struct slice email = person_email(t->arena, in->email);
    const struct person *p = email.n ? map_get(&a->emails, email) : NULL;
    t->known = browser_is_known(p, t->browser);
    t->prepare = prepare_sign_in;
    throttle_begin(&t->counted, email, slice_str(t->from.address),
                   t->known ? t->browser : slice_of("", 0));
    if (count(t))
        verify(t, p, in->password);
}

/* ---- once more ---- */

static int prepare_confirm(struct change *ch)
{
    struct attempt *t = ch->arg;
    struct person *p;
    int err = change_person(ch, &p);
    if (err)
        return err;
    if (t->kept[0] && !still_so(t))
        return change_refuse(ch, ERR_CREDENTIALS, "The password is not right.");
    struct jval *doc = person_doc(ch, p);
    if (!t->kept[0] && (err = second_factor_take(ch, p, doc, t->code)))
        return err;
    if (t->made[0])
        doc_string(ch, doc, "password", t->made);
    if (!t->kept[0] || t->made[0])
        person_put(ch, p, doc);
    struct jval *session = jval_copy(ch->arena, ch->who->session->e.doc);
    doc_time(ch, session, "authenticated", ch->now_us);
    session_put_again(ch, ch->who->session, session);
    person_audit(ch, "session:confirm", p->e.id);
    return 0;
}

/* Attempts of who is signed in count for their session. */
static bool begin_own(struct attempt *t)
{
    const struct session *s = t->who->session;
    if (!s || !t->who->person || t->who->gone) {
        end(t, ERR_UNAUTHENTICATED, "This is for a person who is signed in in a browser.");
        return false;
    }
    throttle_begin(&t->counted, slice_of("", 0), slice_of("", 0), slice_str(s->e.id));
    return count(t);
}

void sign_in_confirm(struct access *a, const struct sign_in *in, signed_in_fn *fn, void *arg)
{
    struct attempt *t = begin(a, in, fn, arg);
    if (!t || !begin_own(t))
        return;
    t->prepare = prepare_confirm;
    if (in->code.p)
        change(t);
    else
        verify(t, t->who->person, in->password);
}

/* ---- a new password ---- */

static int prepare_password(struct change *ch)
{
    struct attempt *t = ch->arg;
    struct person *p;
    int err = t->kept[0] ? change_person(ch, &p) : change_fresh_person(ch, &p);
    if (err)
        return err;
    if (t->kept[0] && !still_so(t))
        return change_refuse(ch, ERR_PRECONDITION, "The password was changed in the meantime.");
    struct jval *doc = person_doc(ch, p), *session = jval_copy(ch->arena, ch->who->session->e.doc);
    doc_string(ch, doc, "password", t->made);
    person_put(ch, p, doc);
    sessions_remove(ch, p, ch->who->session);
    doc_time(ch, session, "authenticated", ch->now_us);
    session_put_again(ch, ch->who->session, session);
    person_audit(ch, "account:password", p->e.id);
    return 0;
}

static void on_chosen(void *arg, const struct new_password *r)
{
    struct attempt *t = arg;
    if (r->err) {
        end(t, r->err, r->detail ? arena_printf(t->arena, "%s", r->detail) : NULL);
        return;
    }
    snprintf(t->made, sizeof t->made, "%s", r->hash);
    t->prepare = prepare_password;
    change(t);
}

static void choose(struct attempt *t)
{
    const struct person *p = t->who->person;
    if (!p->email[0])
        end(t, ERR_INVALID, "Set your e-mail address first: you sign in with both.");
    else
        people_new_password(t->access, t->chosen, slice_str(p->name), slice_str(p->email),
                            on_chosen, t);
}

static void on_current(void *arg, const struct hashed *r)
{
    struct attempt *t = arg;
    if (r->err)
        end(t, r->err, NULL);
    else if (r->verdict == PASSWORD_WRONG || t->who->gone || !t->who->session)
        end(t, ERR_CREDENTIALS, "The password until now is not right.");
    else
        choose(t);
}

void sign_in_new_password(struct access *a, const struct sign_in *in, struct slice password,
                          signed_in_fn *fn, void *arg)
{
    struct attempt *t = begin(a, in, fn, arg);
    if (!t || !begin_own(t))
        return;
    const struct person *p = t->who->person;
    struct slice kept = jval_string(jval_get(p->e.doc, "password"));
    t->chosen = arena_dup(t->arena, password);
    snprintf(t->person, sizeof t->person, "%s", p->e.id);
    if (in->password.p && kept.n && kept.n < sizeof t->kept) {
        snprintf(t->kept, sizeof t->kept, "%.*s", SLICE_ARG(kept));
        hashing_verify(a->people->hashing, in->password, t->kept, on_current, t);
    } else if (session_is_fresh(t->who, clock_now_us())) {
        choose(t);
    } else {
        end(t, ERR_REAUTHENTICATE, "Show the password until now, or confirm who you are.");
    }
}
