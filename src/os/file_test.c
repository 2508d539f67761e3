/* file_test.c - files that are read and written whole. */
#include "base/err.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/doppel_file_XXXXXX";
static char path[64], fresh[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/a", dir);
    snprintf(fresh, sizeof fresh, "%s/a.new", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 0777;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add_str(&b, "before ");
    assert_int_equal(file_read(path, 100, &b), ERR_NOT_FOUND);
    assert_non_null(strstr(file_why(ERR_NOT_FOUND), "No such file"));
    assert_int_equal(file_write(path, SLICE_LIT("one"), 0600), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(file_read(path, 100, &b), 0);
    assert_true(slice_is(buf_slice(&b), "before one"));
    assert_int_equal(file_read(path, 2, &b), ERR_TOO_LARGE);
    assert_true(slice_is(buf_slice(&b), "before one"));
    buf_release(&b);
}

/* A secret never gets into a file that others may read because one lay there already. */
static void a_file_that_lay_there_lends_its_mode_to_nobody(void **state)
{
    (void)state;
    FILE *f = fopen(fresh, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(fresh, 0666), 0);
    assert_int_equal(file_write(path, SLICE_LIT("secret"), 0600), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(access(fresh, F_OK), -1);
}

static void what_cannot_be_written_leaves_the_old_one(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(file_write(path, SLICE_LIT("old"), 0644), 0);
    assert_int_equal(mkdir(fresh, 0700), 0);
    assert_int_equal(file_write(path, SLICE_LIT("new"), 0644), ERR_IO);
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(file_read(path, 100, &b), 0);
    assert_true(slice_is(buf_slice(&b), "old"));
    assert_int_equal(file_write("/nowhere/at/all", SLICE_LIT("x"), 0600), ERR_IO);
    buf_release(&b);
}

/* As root: a server that runs as somebody else can read what was made in its directory. */
static void root_gives_to_the_owner_of_the_directory(void **state)
{
    (void)state;
    struct stat st;
    uid_t me = geteuid();
    assert_int_equal(file_write(path, SLICE_LIT("x"), 0600), 0);
    if (me == 0)
        assert_int_equal(chown(dir, 12345, 12346), 0);
    assert_int_equal(file_give(path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, me == 0 ? 12345 : me);
    assert_int_equal(mkdir(fresh, 0700), 0);
    assert_int_equal(file_give(fresh), 0); /* a directory, too */
    assert_int_equal(stat(fresh, &st), 0);
    assert_int_equal(st.st_uid, me == 0 ? 12345 : me);
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(file_give("/nowhere/at/all"), me == 0 ? ERR_IO : 0);
    if (me == 0)
        assert_int_equal(chown(dir, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_file_that_lay_there_lends_its_mode_to_nobody),
        cmocka_unit_test(what_cannot_be_written_leaves_the_old_one),
        cmocka_unit_test(root_gives_to_the_owner_of_the_directory),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
