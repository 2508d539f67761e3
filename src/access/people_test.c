/* Signing in, setting up, what ends when: over a real catalog, with a clock that is set. */
#include "access/access_testing.h"
#include "access/account.h"
#include "access/setup.h"
#include "access/signin.h"
#include "base/clock.h"
#include "crypto/encode.h"
#include "crypto/seal.h"
#include "crypto/totp.h"

#define MINUTE INT64_C(60000000)
#define PASSWORD "heron walks over thin ice"

static const struct password_cost cheap = {.memory_kib = 8, .passes = 1};
static const int64_t began = INT64_C(1900000000000000);

static void again(struct world *w, const struct password_cost *cost)
{
    close_world(w);
    w->opts.cost = *cost;
    open_world(w);
}

static int begin(void **state)
{
    clock_set(began);
    world_begin(state);
    struct world *w = *state;
    struct key_ring *keys = key_ring_new();
    assert_int_equal(key_ring_make(keys, began), 0);
    w->opts.keys = keys;
    again(w, &cheap);
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    struct key_ring *keys = (struct key_ring *)(uintptr_t)w->opts.keys;
    int err = world_end(state);
    key_ring_free(keys);
    clock_real();
    return err;
}

/* ---- waiting for what comes back ---- */

static bool over, looping;
static struct signed_in last;
static char cookie[TOKEN_CHARACTERS_MAX + 1], browser[BROWSER_SECRET + 1], said[512];
static struct world *here;

static void stop(void)
{
    over = true;
    if (looping)
        loop_stop(here->loop);
}

static void wait(struct world *w)
{
    looping = true;
    if (!over)
        assert_int_equal(loop_run(w->loop), 0);
    looping = over = false;
}

static void on_signed_in(void *arg, const struct signed_in *r)
{
    (void)arg;
    last = *r;
    snprintf(cookie, sizeof cookie, "%s", r->session ? r->session : "");
    if (r->browser)
        snprintf(browser, sizeof browser, "%s", r->browser);
    snprintf(said, sizeof said, "%s", r->detail ? r->detail : "");
    stop();
}

static void on_change(struct change *ch)
{
    here->err = ch->err;
    snprintf(said, sizeof said, "%s", ch->detail ? ch->detail : "");
    stop();
}

static int change(struct world *w, struct principal *who, int (*prepare)(struct change *ch),
                  void *arg)
{
    here = w;
    access_change(w->access, &(struct change_plan){.who = who,
                                                   .from = {.via = "test", .address = "192.0.2.1"},
                                                   .prepare = prepare,
                                                   .done = on_change,
                                                   .arg = arg});
    wait(w);
    return w->err;
}

static int sign(struct world *w, const char *email, const char *password, const char *code,
                const char *known)
{
    struct sign_in in = {.email = slice_str(email),
                         .password = slice_str(password),
                         .code = slice_str(code),
                         .browser = slice_str(known),
                         .from = {.via = "test", .address = "192.0.2.1"}};
    in.who = access_anonymous(w->access);
    here = w;
    sign_in(w->access, &in, on_signed_in, NULL);
    wait(w);
    principal_unref(in.who);
    return last.err;
}

static struct principal *by_cookie(struct world *w)
{
    struct principal *p = NULL;
    assert_int_equal(access_by_session(w->access, slice_str(cookie), slice_of("", 0), &p), 0);
    return p;
}

/* Somebody with a password. */
static void give_password(struct world *w, const char *id, const char *rest)
{
    char hash[PASSWORD_HASH_MAX], doc[1024];
    const struct person *p = access_find(w->access, RECORD_PERSON, slice_str(id));
    assert_int_equal(password_hash(SLICE_LIT(PASSWORD), &cheap, hash), 0);
    snprintf(doc, sizeof doc, "{\"name\":\"%s\",\"email\":\"%s\",\"password\":\"%s\"%s}", p->name,
             p->email, hash, rest);
    put(w, RECORD_PERSON, id, doc);
}

/* Until nothing is written: when something was used is noted in the background. */
static void nothing(void *arg)
{
    (void)arg;
}

static void on_idle(void *arg)
{
    (void)arg;
    stop();
}

static void settle(struct world *w)
{
    do {
        struct pool_job job = {.work = nothing, .done = on_idle};
        here = w;
        pool_submit(w->writes, &job);
        wait(w);
    } while (w->access->running);
}

/* ---- signing in ---- */

static void passwords(void **state)
{
    struct world *w = *state;
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", "wrong", NULL, NULL), ERR_CREDENTIALS);
    char wrong[512];
    snprintf(wrong, sizeof wrong, "%s", said);
    assert_int_equal(sign(w, "nobody@example.org", PASSWORD, NULL, NULL), ERR_CREDENTIALS);
    assert_string_equal(said, wrong);
    assert_int_equal(sign(w, "vi@example.org", "", NULL, NULL), ERR_CREDENTIALS);
    assert_string_equal(said, wrong);
    assert_int_equal(sign(w, " Ada@Example.ORG", PASSWORD, NULL, NULL), 0);
    struct principal *p = by_cookie(w);
    assert_string_equal(p->id, "p_ada");
    assert_string_equal(p->org->e.id, "home");
    assert_string_equal(p->session->address, "192.0.2.1");
    principal_unref(p);
    give_password(w, "p_ada", ",\"disabled\":true");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), ERR_CREDENTIALS);
    assert_string_equal(said, wrong);
}

static void a_raised_cost_is_taken_over(void **state)
{
    struct world *w = *state;
    const struct password_cost dearer = {.memory_kib = 16, .passes = 2};
    give_password(w, "p_ada", "");
    again(w, &dearer);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    const struct person *p = access_find(w->access, RECORD_PERSON, SLICE_LIT("p_ada"));
    struct slice kept = jval_string(jval_get(p->e.doc, "password"));
    assert_true(slice_starts(kept, "$argon2id$v=19$m=16,t=2,p=1$"));
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
}

static void guesses(void **state)
{
    struct world *w = *state;
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    assert_int_equal(strlen(browser), BROWSER_SECRET);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sign(w, "ada@example.org", "no", NULL, NULL), ERR_CREDENTIALS);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), ERR_RATE);
    assert_in_range(last.wait_us, 1, 1000000);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, browser), 0);
    assert_null(last.browser); /* it has its cookie */
    assert_int_equal(sign(w, "bo@example.org", "no", NULL, browser), ERR_CREDENTIALS);
    clock_set(began + MINUTE);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
}

static void browsers_are_few(void **state)
{
    struct world *w = *state;
    char first[BROWSER_SECRET + 1];
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    memcpy(first, browser, sizeof first);
    const struct person *p = access_find(w->access, RECORD_PERSON, SLICE_LIT("p_ada"));
    for (int i = 0; i < PERSON_BROWSERS; i++) {
        assert_true(browser_is_known(p, slice_str(first)));
        assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    }
    assert_false(browser_is_known(p, slice_str(first)));
    assert_true(browser_is_known(p, slice_str(browser)));
    assert_int_equal(jval_get(p->e.doc, "browsers")->count, PERSON_BROWSERS);
}

/* ---- how long ---- */

static void sessions_end(void **state)
{
    struct world *w = *state;
    struct principal *p = NULL;
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    for (int hours = 11; hours < 30 * 24; hours += 11) {
        clock_set(began + 60 * MINUTE * hours);
        principal_unref(by_cookie(w));
        settle(w);
    }
    clock_set(began + 30 * 24 * 60 * MINUTE);
    assert_int_equal(access_by_session(w->access, slice_str(cookie), slice_of("", 0), &p),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    clock_set(began + (30 * 24 + 12) * 60 * MINUTE);
    assert_int_equal(access_by_session(w->access, slice_str(cookie), slice_of("", 0), &p),
                     ERR_UNAUTHENTICATED);
}

static void seen_is_written_rarely(void **state)
{
    struct world *w = *state;
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *p = by_cookie(w);
    int64_t first = p->session->seen_us;
    clock_set(began + 4 * MINUTE);
    principal_unref(by_cookie(w));
    settle(w);
    assert_int_equal(p->session->seen_us, first);
    clock_set(began + 5 * MINUTE);
    principal_unref(by_cookie(w));
    settle(w);
    assert_int_equal(p->session->seen_us, began + 5 * MINUTE);
    assert_false(p->gone);
    principal_unref(p);
}

static void what_matters_wants_a_fresh_sign_in(void **state)
{
    struct world *w = *state;
    struct account_token t = {.name = SLICE_LIT("x")};
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *p = by_cookie(w), *program = NULL;
    clock_set(began + 14 * MINUTE);
    assert_int_equal(change(w, p, account_token_make, &t), 0);
    clock_set(began + 15 * MINUTE);
    assert_int_equal(change(w, p, account_token_make, &t), ERR_REAUTHENTICATE);
    struct account_profile to = {.email = SLICE_LIT("new@example.org")};
    assert_int_equal(change(w, p, account_profile_set, &to), ERR_REAUTHENTICATE);
    to = (struct account_profile){.name = SLICE_LIT("Ada L.")};
    assert_int_equal(change(w, p, account_profile_set, &to), 0);
    struct sign_in in = {.who = p, .password = SLICE_LIT(PASSWORD), .from = {.via = "test"}};
    sign_in_confirm(w->access, &in, on_signed_in, NULL);
    wait(w);
    assert_int_equal(last.err, 0);
    assert_int_equal(change(w, p, account_token_make, &t), 0);
    assert_int_equal(access_by_token(w->access, slice_str(t.text), &program), 0);
    settle(w);
    assert_int_equal(change(w, program, account_token_make, &t), ERR_REAUTHENTICATE);
    principal_unref(program);
    principal_unref(p);
}

static void what_is_over_is_swept(void **state)
{
    struct world *w = *state;
    struct account_token t = {.name = SLICE_LIT("x")};
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *p = by_cookie(w);
    assert_int_equal(change(w, p, account_token_make, &t), 0);
    struct account_revoking gone = {.id = slice_str(t.id)};
    assert_int_equal(change(w, p, account_token_revoke, &gone), 0);
    assert_int_equal(change(w, p, account_token_revoke, &gone), ERR_NOT_FOUND);
    principal_unref(p);
    clock_set(began + 29 * 24 * 60 * MINUTE);
    people_sweep(w->access);
    settle(w);
    assert_int_equal(w->access->kinds[RECORD_SESSION].count, 0);
    assert_non_null(access_find(w->access, RECORD_TOKEN, slice_str(t.id)));
    clock_set(began + 31 * 24 * 60 * MINUTE);
    people_sweep(w->access);
    settle(w);
    assert_null(access_find(w->access, RECORD_TOKEN, slice_str(t.id)));
}

/* ---- second factors ---- */

static void code_of(const char *secret, int64_t t_us, char ret[8])
{
    unsigned char seed[TOTP_SECRET_BYTES];
    uint32_t code;
    assert_int_equal(decode_exact(seed, sizeof seed, ENCODE_BASE32, slice_str(secret)), 0);
    assert_int_equal(totp_code(slice_of((const char *)seed, sizeof seed),
                               (uint64_t)(t_us / 1000000 / TOTP_STEP_S), TOTP_DIGITS, &code),
                     0);
    snprintf(ret, 8, "%06u", code);
}

static void one_time_codes(void **state)
{
    struct world *w = *state;
    struct account_codes codes = {0};
    char secret[33], code[8];
    const char *why;
    struct buf uri = {0};
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *p = by_cookie(w);
    assert_int_equal(account_totp_begin(w->access, p, secret, &uri, &why), 0);
    code_of(secret, began, code);
    codes.code = slice_str(code);
    assert_int_equal(change(w, p, account_totp_confirm, &codes), 0);
    assert_true(seal_is_sealed(jval_string(jval_get(p->person->e.doc, "totp"))));
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), ERR_SECOND_FACTOR);
    assert_true(last.totp && last.recovery && !last.passkey);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, code, NULL), ERR_CREDENTIALS);
    clock_set(began + MINUTE);
    code_of(secret, began + MINUTE, code);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, code, NULL), 0);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, code, NULL), ERR_CREDENTIALS);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, codes.recovery[3], NULL), 0);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, codes.recovery[3], NULL),
                     ERR_CREDENTIALS);
    /* without the key that sealed the seed the recovery codes are the way in */
    principal_unref(p);
    const struct key_ring *keys = w->opts.keys;
    w->opts.keys = NULL;
    again(w, &cheap);
    clock_set(began + 3 * MINUTE);
    code_of(secret, began + 3 * MINUTE, code);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, code, NULL), ERR_CORRUPT);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, codes.recovery[4], NULL), 0);
    w->opts.keys = keys;
    buf_release(&uri);
}

/* ---- setting up ---- */

static void a_link_lets_in_once(void **state)
{
    struct world *w = *state;
    char text[TOKEN_CHARACTERS_MAX + 1], older[TOKEN_CHARACTERS_MAX + 1];
    struct principal *nobody = access_anonymous(w->access);
    assert_int_equal(setup_link(w->access, SLICE_LIT("no@example.org"), text), ERR_NOT_FOUND);
    assert_int_equal(setup_link(w->access, slice_of("", 0), older), 0);
    assert_int_equal(setup_link(w->access, SLICE_LIT("root@example.org"), text), 0);
    struct setup_opening s = {.token = slice_str(older)};
    assert_int_equal(change(w, nobody, setup_open, &s), ERR_CREDENTIALS);
    s.token = slice_str(text);
    assert_int_equal(change(w, nobody, setup_open, &s), 0);
    assert_string_equal(s.person, "p_root");
    assert_int_equal(change(w, nobody, setup_open, &s), ERR_CREDENTIALS);
    snprintf(cookie, sizeof cookie, "%s", s.session.secret);
    struct principal *p = by_cookie(w);
    clock_set(began + 59 * MINUTE);
    assert_true(session_is_fresh(p, clock_now_us()));
    clock_set(began + 60 * MINUTE);
    assert_false(session_is_fresh(p, clock_now_us()));
    principal_unref(p);
    settle(w);
    assert_int_equal(setup_link(w->access, SLICE_LIT("ada@example.org"), text), 0);
    assert_int_equal(change(w, nobody, setup_open, &s), 0);
    assert_string_equal(s.person, "p_ada");
    assert_int_equal(setup_link(w->access, slice_of("", 0), text), 0);
    clock_set(began + 120 * MINUTE);
    assert_int_equal(change(w, nobody, setup_open, &s), ERR_CREDENTIALS);
    principal_unref(nobody);
}

/* ---- leaving ---- */

static int erased_err;

static void on_erased(void *arg, int err, const char *detail)
{
    (void)arg, (void)detail;
    erased_err = err;
    stop();
}

static int erase(struct world *w, struct principal *who)
{
    here = w;
    account_erase(w->access, &(struct asker){who, {.via = "test"}}, on_erased, NULL);
    wait(w);
    return erased_err;
}

static void erasure(void **state)
{
    struct world *w = *state;
    struct account_token t = {.name = SLICE_LIT("x")};
    struct principal *p = NULL;
    give_password(w, "p_ada", "");
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *ada = by_cookie(w);
    assert_int_equal(change(w, ada, account_token_make, &t), 0);
    assert_int_equal(erase(w, ada), 0);
    assert_true(ada->gone);
    assert_null(access_find(w->access, RECORD_PERSON, SLICE_LIT("p_ada")));
    assert_null(access_find(w->access, RECORD_MEMBER, SLICE_LIT("home/p_ada")));
    assert_int_equal(access_by_token(w->access, slice_str(t.text), &p), ERR_UNAUTHENTICATED);
    assert_int_equal(sign(w, "ada@example.org", PASSWORD, NULL, NULL), ERR_CREDENTIALS);
    principal_unref(ada);
    assert_null(access_find(w->access, RECORD_SETTING, SLICE_LIT("erase:p_ada")));
    /* what a crash has left is finished by the next start */
    put(w, RECORD_SETTING, "erase:p_gone", "{\"email\":\"gone@example.org\",\"name\":\"\"}");
    again(w, &cheap);
    for (int i = 0; i < 100 && w->access->kinds[RECORD_SETTING].count; i++)
        settle(w);
    assert_null(access_find(w->access, RECORD_SETTING, SLICE_LIT("erase:p_gone")));
    give_password(w, "p_root", ",\"installation\":true");
    assert_int_equal(sign(w, "root@example.org", PASSWORD, NULL, NULL), 0);
    struct principal *root = by_cookie(w);
    assert_int_equal(erase(w, root), ERR_CONFLICT);
    principal_unref(root);
}

/* ---- the queue ---- */

static int answered[4], waiting;

static void on_hashed(void *arg, const struct hashed *r)
{
    struct hashing **h = arg;
    answered[r->err == 0 ? 0 : r->err == ERR_OVERLOAD ? 1 : r->err == ERR_CANCELLED ? 2 : 3]++;
    if (--waiting == 0 && h)
        stop();
}

static void few_wait_for_a_hash(void **state)
{
    struct world *w = *state;
    struct hashing *h = NULL;
    here = w;
    memset(answered, 0, sizeof answered);
    assert_int_equal(hashing_new(w->loop, &cheap, &h), 0);
    waiting = HASHING_WAITING_MAX + 5;
    for (int i = 0; i < HASHING_WAITING_MAX + 5; i++)
        hashing_make(h, SLICE_LIT(PASSWORD), on_hashed, &h);
    wait(w);
    assert_int_equal(answered[0], HASHING_WAITING_MAX);
    assert_int_equal(answered[1], 5);
    hashing_stop(h);
    waiting = 1;
    hashing_verify(h, SLICE_LIT(PASSWORD), NULL, on_hashed, NULL);
    assert_int_equal(answered[2], 1);
    hashing_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passwords, begin, end),
        cmocka_unit_test_setup_teardown(a_raised_cost_is_taken_over, begin, end),
        cmocka_unit_test_setup_teardown(guesses, begin, end),
        cmocka_unit_test_setup_teardown(browsers_are_few, begin, end),
        cmocka_unit_test_setup_teardown(sessions_end, begin, end),
        cmocka_unit_test_setup_teardown(seen_is_written_rarely, begin, end),
        cmocka_unit_test_setup_teardown(what_matters_wants_a_fresh_sign_in, begin, end),
        cmocka_unit_test_setup_teardown(what_is_over_is_swept, begin, end),
        cmocka_unit_test_setup_teardown(one_time_codes, begin, end),
        cmocka_unit_test_setup_teardown(a_link_lets_in_once, begin, end),
        cmocka_unit_test_setup_teardown(erasure, begin, end),
        cmocka_unit_test_setup_teardown(few_wait_for_a_hash, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
