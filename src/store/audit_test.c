/* The audit log over a real catalog: its chain, what breaks it, what expires and is erased. */
#include "store/audit.h"

#include "base/err.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char dir[64], path[96];
    struct catalog *catalog;
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/doppel-audit-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/catalog.db", w->dir);
    assert_int_equal(catalog_open(w->path, &w->catalog), 0);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    char command[160];
    catalog_close(w->catalog);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void add(struct world *w, int64_t at_us, const char *org, const char *who,
                const char *operation, const char *object, const char *after)
{
    struct audit_entry e = {.at_us = at_us,
                            .org = slice_str(org),
                            .who_kind = SLICE_LIT("person"),
                            .who = slice_str(who),
                            .who_name = SLICE_LIT("Ada"),
                            .address = SLICE_LIT("192.0.2.7"),
                            .via = SLICE_LIT("http"),
                            .request = SLICE_LIT("r-1"),
                            .operation = slice_str(operation),
                            .object = slice_str(object),
                            .outcome = SLICE_LIT("done"),
                            .after = slice_str(after)};
    assert_int_equal(catalog_audit_add(w->catalog, &e), 0);
}

/* Ten rows: two organisations, two people. */
static void fill(struct world *w)
{
    for (int i = 1; i <= 10; i++) {
        char object[32];
        snprintf(object, sizeof object, "twin:pump-%d", i % 3);
        add(w, i * 1000, i % 2 ? "home" : "acme", i % 5 ? "p_ada" : "p_bo", "twins:write", object,
            i == 4 ? "{\"email\":\"ada@example.org\"}" : "{}");
    }
}

static void change(struct world *w, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

static struct audit_report verify(struct world *w, const struct audit_head *noted)
{
    struct audit_report r;
    assert_int_equal(audit_verify(w->dir, noted, NULL, NULL, &r), 0);
    return r;
}

static void chain_holds(void **state)
{
    struct world *w = *state;
    struct audit_head h, parsed;
    struct buf text = {0};
    assert_int_equal(verify(w, NULL).rows, 0);
    fill(w);
    struct audit_report r = verify(w, NULL);
    assert_int_equal(r.broken, 0);
    assert_int_equal(r.first, 1);
    assert_int_equal(r.last, 10);
    assert_int_equal(r.rows, 10);
    assert_int_equal(r.erased, 0);
    assert_int_equal(catalog_audit_head(w->catalog, &h), 0);
    assert_int_equal(h.n, 10);
    assert_memory_equal(h.hash, r.head.hash, AUDIT_HASH);
    audit_head_put(&h, &text);
    assert_true(audit_head_parse(buf_slice(&text), &parsed));
    assert_memory_equal(&h, &parsed, sizeof h);
    assert_false(audit_head_parse(SLICE_LIT("10:00"), &parsed));
    assert_false(audit_head_parse(slice_of(text.p, text.n - 1), &parsed));
    assert_false(audit_head_parse(SLICE_LIT(""), &parsed));
    buf_release(&text);
    assert_int_equal(audit_head_in("/nonexistent", &h), ERR_NOT_FOUND);
}

struct tampering {
    const char *sql;
    int64_t broken;
    const char *why;
};

static void tampering_is_found(void **state)
{
    static const struct tampering all[] = {
        {"UPDATE audit SET outcome='refused' WHERE n=3", 3, "hash differs"},
        {"UPDATE audit SET who='p_bo' WHERE n=3", 3, "hash differs"},
        {"UPDATE audit SET at_us=1 WHERE n=3", 3, "hash differs"},
        {"UPDATE audit SET who_name='Eve' WHERE n=3", 3, "the name"},
        {"UPDATE audit SET address='' WHERE n=3", 3, "the name"},
        {"UPDATE audit SET after='[]' WHERE n=4", 4, "before or after"},
        {"UPDATE audit SET what_salt=NULL WHERE n=4", 4, "filled again"},
        {"UPDATE audit SET who_digest=zeroblob(32) WHERE n=4", 4, "the name"},
        {"UPDATE audit SET hash=zeroblob(32) WHERE n=4", 4, "hash differs"},
        {"DELETE FROM audit WHERE n=5", 5, "row 5 is missing"},
        {"DELETE FROM audit WHERE n IN (5,6,7)", 5, "from 5 to 7"},
        {"DELETE FROM audit WHERE n=1", 1, "row 1 is missing"},
        {"UPDATE audit SET n=n+1 WHERE n=10", 10, "row 10 is missing"},
        {"DELETE FROM audit WHERE n<=2; INSERT INTO meta SELECT 'audit.anchor', '2:' || "
         "lower(hex((SELECT hash FROM was WHERE n=2)))",
         2, "no row says"},
    };
    struct world *w = *state;
    fill(w);
    change(w, "CREATE TABLE was AS SELECT * FROM audit");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        change(w, all[i].sql);
        struct audit_report r = verify(w, NULL);
        if (r.broken != all[i].broken || !strstr(r.why, all[i].why))
            fail_msg("%s: row %lld, %s", all[i].sql, (long long)r.broken, r.why);
        change(w, "DELETE FROM audit; INSERT INTO audit SELECT * FROM was;"
                  "DELETE FROM meta WHERE name='audit.anchor'");
        assert_int_equal(verify(w, NULL).broken, 0);
    }
}

static void noted_heads(void **state)
{
    struct world *w = *state;
    struct audit_head early, late, other;
    fill(w);
    assert_int_equal(catalog_audit_head(w->catalog, &early), 0);
    add(w, 11000, "home", "p_ada", "twins:write", "twin:pump-1", "{}");
    assert_int_equal(audit_head_in(w->dir, &late), 0);
    assert_int_equal(late.n, 11);
    assert_int_equal(verify(w, &early).broken, 0);
    assert_int_equal(verify(w, &late).broken, 0);
    other = early;
    other.hash[0] ^= 1;
    assert_non_null(strstr(verify(w, &other).why, "noted"));
    change(w, "DELETE FROM audit WHERE n=11");
    assert_int_equal(verify(w, NULL).broken, 0); /* nothing but a noted head can tell */
    struct audit_report r = verify(w, &late);
    assert_int_equal(r.broken, 11);
    assert_non_null(strstr(r.why, "taken off its end"));
}

static size_t count(struct world *w, const char *where)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit WHERE %s", where);
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    size_t n = (size_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void persons_are_erased(void **state)
{
    struct world *w = *state;
    struct audit_head before, after;
    size_t n = 0;
    const struct slice words[] = {SLICE_LIT("ada@example.org")};
    struct audit_erasure e = {.who = SLICE_LIT("p_ada"), .words = words, .words_n = 1};
    fill(w);
    add(w, 11000, "home", "p_bo", "members:manage", "person:p_ada", "{\"name\":\"Ada\"}");
    assert_int_equal(catalog_audit_head(w->catalog, &before), 0);
    assert_int_equal(catalog_audit_erase(w->catalog, &e, 1, 11, &n), 0);
    assert_int_equal(n, 8 + 2);
    assert_int_equal(count(w, "who='p_ada' AND (who_name<>'' OR address<>'')"), 0);
    assert_int_equal(count(w, "who='p_bo' AND who_name='Ada'"), 3); /* the test's names are alike */
    assert_int_equal(count(w, "instr(after, 'ada@example.org')"), 0);
    assert_int_equal(count(w, "object='person:p_ada' AND after=''"), 1);
    assert_int_equal(count(w, "who='p_ada'"), 8); /* the pseudonym stays */
    struct audit_report r = verify(w, &before);
    assert_int_equal(r.broken, 0);
    assert_int_equal(r.erased, 9);
    assert_int_equal(catalog_audit_head(w->catalog, &after), 0);
    assert_memory_equal(&before, &after, sizeof before);
    change(w, "UPDATE audit SET who_name='Eve' WHERE n=1");
    assert_int_equal(verify(w, NULL).broken, 1);
}

static void rows_expire(void **state)
{
    struct world *w = *state;
    size_t n = 0;
    int64_t first, last;
    struct audit_head noted;
    fill(w);
    assert_int_equal(catalog_audit_head(w->catalog, &noted), 0);
    assert_int_equal(catalog_audit_expire(w->catalog, 20000, 7000, 4, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(verify(w, &noted).broken, 0);
    assert_int_equal(catalog_audit_expire(w->catalog, 20000, 7000, 4, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(catalog_audit_expire(w->catalog, 20000, 7000, 4, &n), 0);
    assert_int_equal(n, 0);
    struct audit_report r = verify(w, &noted);
    assert_int_equal(r.broken, 0);
    assert_int_equal(r.expired, 6);
    assert_int_equal(r.first, 7);
    assert_int_equal(r.last, 12); /* two expiries tell of themselves */
    assert_int_equal(catalog_audit_ends(w->catalog, &first, &last), 0);
    assert_int_equal(first, 7);
    assert_int_equal(last, 12);
    /* cut off further, without saying so */
    change(w, "UPDATE meta SET value='7:' || lower(hex((SELECT hash FROM audit WHERE n=7))) WHERE "
              "name='audit.anchor'; DELETE FROM audit WHERE n=7");
    assert_non_null(strstr(verify(w, NULL).why, "no row says"));
}

struct seen {
    int64_t n[32], at;
    size_t count, most, looked_at;
};

static int on_row(void *arg, const struct audit_row *row, bool fits)
{
    struct seen *s = arg;
    s->looked_at++;
    if (!fits)
        return 0;
    s->n[s->count++] = row->n;
    s->at = row->e.at_us;
    return s->count == s->most;
}

static void read_all(struct world *w, const struct audit_query *q, size_t most, struct seen *s)
{
    *s = (struct seen){.most = most};
    int err = catalog_audit_each(w->catalog, q, on_row, s);
    assert_int_equal(err, most && s->count == most ? 1 : 0);
}

static void questions(void **state)
{
    struct world *w = *state;
    struct seen s;
    struct audit_query q = {.from_us = 0, .to_us = INT64_MAX};
    fill(w);
    read_all(w, &q, 0, &s);
    assert_int_equal(s.count, 10);
    assert_int_equal(s.n[0], 10);
    assert_int_equal(s.n[9], 1);
    q.org = SLICE_LIT("acme");
    read_all(w, &q, 2, &s);
    assert_int_equal(s.n[1], 8);
    q.before_us = s.at;
    q.before_n = s.n[1];
    read_all(w, &q, 0, &s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.n[0], 6);
    assert_int_equal(s.looked_at, 3);
    q = (struct audit_query){.from_us = 3000, .to_us = 9000, .who = SLICE_LIT("p_bo")};
    read_all(w, &q, 0, &s);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.n[0], 5);
    q = (struct audit_query){
        .to_us = INT64_MAX, .object = SLICE_LIT("twin:pump-1"), .org = SLICE_LIT("home")};
    read_all(w, &q, 0, &s);
    assert_int_equal(s.count, 2); /* 1 and 7; 4 and 10 are the other's */
    q = (struct audit_query){.to_us = INT64_MAX, .outcome = SLICE_LIT("refused")};
    read_all(w, &q, 0, &s);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.looked_at, 10);
    q = (struct audit_query){.to_us = INT64_MAX, .operation = SLICE_LIT("twins:write")};
    *(&s) = (struct seen){0};
    assert_int_equal(audit_each_in(w->dir, &q, on_row, &s), 0);
    assert_int_equal(s.count, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chain_holds, begin, end),
        cmocka_unit_test_setup_teardown(tampering_is_found, begin, end),
        cmocka_unit_test_setup_teardown(noted_heads, begin, end),
        cmocka_unit_test_setup_teardown(persons_are_erased, begin, end),
        cmocka_unit_test_setup_teardown(rows_expire, begin, end),
        cmocka_unit_test_setup_teardown(questions, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
