/* Tests of a file of keys on a disk that fails: whatever call of the system it is that fails, the
 * keys that were there are there, with the new one or without it, and nothing half. */
#include "crypto/key_ring.h"

#include "store/disk_sim.h"

#include "base/err.h"

#include <dirent.h>

static char dir[] = "/tmp/doppel-keys-XXXXXX", path[64];

static size_t files(void)
{
    DIR *d = opendir(dir);
    size_t n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static size_t keys_in_file(void)
{
    struct key_ring *r = key_ring_new();
    struct buf why = {0};
    assert_int_equal(key_ring_load(r, path, &why), 0);
    size_t n = key_ring_count(r);
    key_ring_free(r);
    return n;
}

static void rotate_all(long row, int error)
{
    struct buf why = {0};
    bool reached = true;
    for (long n = 1; reached; n++) {
        struct key_ring *r = key_ring_new();
        size_t before = keys_in_file();
        assert_int_equal(key_ring_load(r, path, &why), 0);
        if (before < KEY_RING_MAX)
            assert_int_equal(key_ring_make(r, n), 0);
        disk_begin(dir, (unsigned)n);
        disk.fail_at = n;
        disk.fail_n = row;
        disk.error = error;
        int err = key_ring_save(r, path, &why);
        reached = disk.calls >= n;
        disk_end();
        assert_int_equal(!err, !why.n);
        assert_true(!err || err == (error == ENOSPC ? ERR_STORAGE : ERR_IO));
        size_t after = keys_in_file();
        assert_true(after == before || after == before + 1);
        assert_true(err || after == before + 1);
        assert_true(row > 1 || files() == 1);
        buf_clear(&why);
        key_ring_free(r);
    }
    buf_release(&why);
}

static void no_key_is_lost(void **state)
{
    (void)state;
    struct key_ring *r = key_ring_new();
    struct buf why = {0};
    char command[80];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/secret.key", dir);
    assert_int_equal(key_ring_make(r, 0), 0);
    assert_int_equal(key_ring_save(r, path, &why), 0);
    key_ring_free(r);
    rotate_all(1, EIO);
    rotate_all(1, ENOSPC);
    rotate_all(1000000, ENOSPC);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_key_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
