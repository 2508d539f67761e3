/* Tests of copies on a disk that fails: whatever call of the system it is that fails, once or from
 * then on, there is a whole copy or none, nothing half, and the original is as it was. */
#include "store/backup.h"

#include "store/disk_sim.h"

#include "base/log.h"
#include "store/catalog.h"
#include "store/check.h"
#include "store/history_testing.h"

#include <dirent.h>

enum { POINTS = 3000 };

static char data[80], copy[80], back[80];

static void remove_tree(const char *name)
{
    DIR *d = opendir(name);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char inner[512];
        snprintf(inner, sizeof inner, "%s/%s", name, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (unlink(inner) != 0)
            remove_tree(inner);
    }
    if (d)
        closedir(d);
    rmdir(name);
}

static void write_file(const char *folder, const char *name, const char *bytes)
{
    char at[160];
    snprintf(at, sizeof at, "%s/%s", folder, name);
    FILE *f = fopen(at, "w");
    assert_non_null(f);
    assert_true(fputs(bytes, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A data directory with both databases, a setting and a folder. */
static void fill(void)
{
    static struct point p[POINTS];
    struct catalog *c;
    struct history *h;
    char at[120];
    assert_int_equal(mkdir(data, 0700), 0);
    snprintf(at, sizeof at, "%s/catalog.db", data);
    assert_int_equal(catalog_open(at, &c), 0);
    const struct catalog_series one = {.series = 1, .sensor = SLICE_LIT("a")};
    const struct catalog_twin twin = {.id = SLICE_LIT("t"),
                                      .profile = SLICE_LIT("{\"identifier\":{\"value\":\"t\"}}"),
                                      .version = 1,
                                      .series = &one,
                                      .series_n = 1};
    assert_int_equal(catalog_put(c, &twin), 0);
    catalog_close(c);
    snprintf(at, sizeof at, "%s/history.db", data);
    assert_int_equal(history_open(at, &h), 0);
    for (int i = 0; i < POINTS; i++)
        p[i] = number(START + i * SECOND, i % 100);
    struct history_flush_series f = {1, p, POINTS, CHUNK_MEDIUM, 0};
    assert_int_equal(history_flush(h, &f, 1, 1, true), 0);
    history_close(h);
    snprintf(at, sizeof at, "%s/tls", data);
    assert_int_equal(mkdir(at, 0700), 0);
    write_file(at, "key.pem", "secret\n");
    snprintf(at, sizeof at, "%s/tls/deep", data);
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(at, sizeof at, "%s/tls/deep/er", data);
    assert_int_equal(mkdir(at, 0700), 0);
    write_file(at, "cert.pem", "public\n");
    write_file(data, "doppel.conf", "# nothing\n");
}

static int start(void **state)
{
    if (set_up(state))
        return -1;
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(copy, sizeof copy, "%s/copy", dir);
    snprintf(back, sizeof back, "%s/back", dir);
    fill();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    disk_end();
    remove_tree(dir);
    return 0;
}

static bool is_there(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0;
}

static void on_fault(void *arg, enum check_level level, const char *what, const char *sentence)
{
    (void)arg;
    if (level != CHECK_NOTE)
        fail_msg("%s: %s", what, sentence);
}

/* Everything that was put in is in there. */
static void check_whole(const char *name)
{
    struct check_watch watch = {.say = on_fault};
    struct check_report report;
    char key[120];
    assert_int_equal(check_directory(name, &watch, &report), 0);
    assert_int_equal(report.twins, 1);
    assert_int_equal(report.points, POINTS);
    snprintf(key, sizeof key, "%s/tls/key.pem", name);
    assert_true(is_there(key));
    snprintf(key, sizeof key, "%s/tls/deep/er/cert.pem", name);
    assert_true(is_there(key));
}

/* With these set copies are encrypted. */
static const char *recipient;
static char words[2][ENVELOPE_WORD_MAX];

static int make(const char *from, const char *to, struct backup_report *ret)
{
    const struct envelope_locks locks = {.recipients = &recipient, .recipients_n = 1};
    const struct backup_opts opts = {.with_keys = true, .locks = recipient ? &locks : NULL};
    return backup_make(from, to, &opts, ret);
}

static int restore(const char *from, const char *to, struct backup_report *ret)
{
    const struct envelope_means means = {.identities = slice_str(recipient ? words[0] : "")};
    return backup_restore(from, to, &means, NULL, ret);
}

/* With the n-th call failing, and after it `row` calls; false: it was not reached. */
static bool fails(int (*what)(const char *, const char *, struct backup_report *), const char *from,
                  const char *to, long n, long row, int error, int *ret_err)
{
    struct backup_report report;
    disk_begin(dir, (unsigned)n);
    disk.fail_at = n;
    disk.fail_n = row;
    disk.error = error;
    *ret_err = what(from, to, &report);
    bool reached = disk.calls >= n;
    disk_end();
    assert_true(!*ret_err || report.why[0]);
    return reached;
}

/* What is there is whole: it verifies, with a key to every byte, and holds all. */
static void check_copy(void)
{
    struct backup_report report;
    const struct envelope_means means = {.identities = slice_str(recipient ? words[0] : "")};
    assert_int_equal(backup_verify(copy, NULL, NULL, &report), 0);
    assert_int_equal(report.encrypted, recipient != NULL);
    assert_int_equal(backup_verify(copy, &means, NULL, &report), 0);
    assert_true(report.opened);
    if (!recipient)
        check_whole(copy);
}

/* Nothing of a copy stays in the original; what could not be removed, the next one removes. */
static bool has_stage(void)
{
    DIR *d = opendir(data);
    struct dirent *e;
    bool has = false;
    while (d && (e = readdir(d)))
        has |= strncmp(e->d_name, ".backup-", 8) == 0;
    closedir(d);
    return has;
}

static void make_all(long row, int error)
{
    char partial[100];
    int err;
    snprintf(partial, sizeof partial, "%s.partial", copy);
    for (long n = 1; fails(make, data, copy, n, row, error, &err); n++) {
        assert_true(!err || err == ERR_STORAGE || err == ERR_IO);
        assert_true(err ||
                    is_there(copy)); /* it may be there though its name could not be synced */
        if (is_there(copy))
            check_copy();
        assert_true(row > 1 ||
                    !is_there(partial)); /* who cannot remove leaves it, under that name */
        check_whole(data);
        remove_tree(copy);
        remove_tree(partial);
    }
    assert_int_equal(err, 0);
    assert_false(has_stage());
    remove_tree(copy);
}

static void copies_are_whole_or_none(void **state)
{
    (void)state;
    make_all(1, EIO);
    make_all(1000000, ENOSPC);
}

static void restore_all(long row, int error)
{
    char mark[100];
    int err;
    snprintf(mark, sizeof mark, "%s/" BACKUP_MARK, back);
    for (long n = 1; fails(restore, copy, back, n, row, error, &err); n++) {
        check_copy();
        assert_false(!err && is_there(mark));
        if (is_there(back) && !is_there(mark)) /* a server could be started on it */
            check_whole(back);
        remove_tree(back);
    }
    assert_int_equal(err, 0);
    check_whole(back);
    remove_tree(back);
}

static void what_is_put_back_is_whole_or_nothing(void **state)
{
    (void)state;
    struct backup_report report;
    assert_int_equal(make(data, copy, &report), 0);
    restore_all(1, EIO);
    restore_all(4, EIO);
    restore_all(1000000, ENOSPC);
}

static void encrypted_copies_are_whole_or_none(void **state)
{
    recipient = words[1];
    copies_are_whole_or_none(state);
    recipient = NULL;
}

static void what_was_encrypted_is_put_back_whole_or_not_at_all(void **state)
{
    recipient = words[1];
    what_is_put_back_is_whole_or_nothing(state);
    recipient = NULL;
}

int main(void)
{
    if (envelope_identity(words[0], words[1]))
        return 1;
    log_set_level(LOG_ERROR + 1);
#define FAULT(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        FAULT(copies_are_whole_or_none),
        FAULT(what_is_put_back_is_whole_or_nothing),
        FAULT(encrypted_copies_are_whole_or_none),
        FAULT(what_was_encrypted_is_put_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
