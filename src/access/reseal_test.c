/* Tests of sealing anew: with a newer key in the ring every seed is under it after a start, opens
 * as before, and what cannot be opened stays as it is. */
#include "access/access_testing.h"

#include "base/log.h"
#include "crypto/seal.h"

static struct key_ring *keys;

static void reopen(struct world *w)
{
    close_world(w);
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(pool_new(w->loop, "catalog", 1, &w->writes), 0);
    assert_int_equal(catalog_open(w->path, &w->catalog), 0);
    const struct access_opts opts = {.keys = keys};
    assert_int_equal(access_new(w->loop, w->catalog, w->writes, &opts, &w->access), 0);
    access_set_twins(w->access, world_twin, w);
}

static int nothing(struct change *ch)
{
    change_put(ch, RECORD_SETTING, "test", change_doc(ch));
    return 0;
}

/* Changes take turns: those that an opening made are written before one that follows. */
static void settle(struct world *w)
{
    assert_int_equal(ask_as(w, access_the_system(w->access), nothing, (struct ask){0}, NULL), 0);
}

static void put_sealed(struct world *w, const char *id, const char *belongs_to)
{
    struct buf doc = {0};
    buf_addf(&doc, "{\"name\":\"Someone\",\"totp\":\"");
    assert_int_equal(
        seal_add(&doc, keys, SLICE_LIT("person"), slice_str(belongs_to), SLICE_LIT("seed")), 0);
    buf_addf(&doc, "\",\"kept\":[1.50]}");
    char *text = buf_take(&doc);
    put(w, RECORD_PERSON, id, text);
    free(text);
}

/* A session that an identity provider stands behind. */
static void put_session(struct world *w)
{
    struct buf doc = {0};
    buf_addf(
        &doc,
        "{\"hash\":\"%064d\",\"person\":\"p_ada\",\"organization\":\"home\","
        "\"expires\":\"2099-01-01T00:00:00Z\",\"identity\":{\"subject\":\"s-1\",\"idToken\":\"",
        7);
    assert_int_equal(
        seal_add(&doc, keys, SLICE_LIT("id-token"), SLICE_LIT("s-1"), SLICE_LIT("e.y.J")), 0);
    buf_addf(&doc, "\"}}");
    char *text = buf_take(&doc);
    put(w, RECORD_SESSION, "ses_1", text);
    free(text);
}

static struct slice id_token(struct world *w)
{
    const struct entity *e = access_find(w->access, RECORD_SESSION, SLICE_LIT("ses_1"));
    assert_non_null(e);
    return jval_string(jval_get(jval_get(e->doc, "identity"), "idToken"));
}

static struct slice totp_of(struct world *w, const char *id)
{
    const struct entity *e = access_find(w->access, RECORD_PERSON, slice_str(id));
    assert_non_null(e);
    return jval_string(jval_get(e->doc, "totp"));
}

static void seeds_are_under_the_newest_key_after_a_start(void **state)
{
    struct world *w = *state;
    enum { MANY = 1203 }; /* more than two transactions */
    char id[16];
    struct buf seed = {0};
    keys = key_ring_new();
    assert_int_equal(key_ring_make(keys, 1), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "p_%d", i);
        put_sealed(w, id, id);
    }
    put_sealed(w, "p_odd", "p_another");
    put_session(w);
    assert_int_equal(key_ring_make(keys, 2), 0);
    reopen(w);
    for (int i = 0; i < 4; i++)
        settle(w);
    reopen(w); /* it was written, too */
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "p_%d", i);
        assert_true(totp_of(w, id).n);
        assert_false(seal_needs_renewal(keys, totp_of(w, id)));
    }
    assert_int_equal(
        seal_open(keys, SLICE_LIT("person"), SLICE_LIT("p_7"), totp_of(w, "p_7"), &seed), 0);
    assert_true(slice_is(buf_slice(&seed), "seed"));
    secret_release(&seed);
    assert_false(seal_needs_renewal(keys, id_token(w)));
    assert_int_equal(seal_open(keys, SLICE_LIT("id-token"), SLICE_LIT("s-1"), id_token(w), &seed),
                     0);
    secret_release(&seed);
    const struct entity *e = access_find(w->access, RECORD_PERSON, SLICE_LIT("p_7"));
    assert_true(slice_is(jval_at(jval_get(e->doc, "kept"), 0)->text, "1.50"));
    assert_true(seal_needs_renewal(keys, totp_of(w, "p_odd"))); /* it belongs to another */
    settle(w);
    key_ring_free(keys);
    keys = NULL;
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(seeds_are_under_the_newest_key_after_a_start, world_begin,
                                        world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
