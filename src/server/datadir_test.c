/* Tests of the data directory's lock. */
#include "server/datadir.h"

#include "base/err.h"
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char base[] = "/tmp/doppel-datadir-XXXXXX";

static void it_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    char dir[128];
    const char *why = NULL;
    struct stat st;
    int fd = -1;
    snprintf(dir, sizeof dir, "%s/a/b/c", base);
    assert_int_equal(datadir_take(dir, &fd, &why), 0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    close(fd);
    assert_int_equal(datadir_take(dir, &fd, &why), 0);
    close(fd);
}

static void two_cannot_have_it(void **state)
{
    (void)state;
    char dir[128], pid[32];
    const char *why = NULL;
    int fd = -1, other = -1;
    snprintf(dir, sizeof dir, "%s/shared", base);
    assert_int_equal(datadir_take(dir, &fd, &why), 0);
    assert_int_equal(datadir_take(dir, &other, &why), ERR_BUSY);
    assert_int_equal(other, -1);
    snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    assert_non_null(strstr(why, pid));
    close(fd);
    assert_int_equal(datadir_take(dir, &other, &why), 0);
    close(other);
}

static void what_cannot_be_is_told(void **state)
{
    (void)state;
    char file[128], below[160];
    const char *why = NULL;
    int fd = -1;
    snprintf(file, sizeof file, "%s/file", base);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(datadir_take(file, &fd, &why), ERR_IO);
    assert_non_null(strstr(why, "is not a directory"));
    snprintf(below, sizeof below, "%s/below", file);
    assert_int_equal(datadir_take(below, &fd, &why), ERR_IO);
    assert_non_null(strstr(why, "cannot be made"));
}

/* Restoring was cut short: nobody takes what there is for all there was. */
static void half_of_a_backup_is_refused(void **state)
{
    (void)state;
    char dir[128], mark[160];
    const char *why = NULL;
    int fd = -1;
    snprintf(dir, sizeof dir, "%s/half", base);
    assert_int_equal(datadir_take(dir, &fd, &why), 0);
    close(fd);
    snprintf(mark, sizeof mark, "%s/restoring", dir);
    FILE *f = fopen(mark, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(datadir_take(dir, &fd, &why), ERR_CORRUPT);
    assert_non_null(strstr(why, "restore again"));
    unlink(mark);
    assert_int_equal(datadir_take(dir, &fd, &why), 0);
    close(fd);
}

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) ? 0 : -1;
}

static int remove_base(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", base, (char *)NULL);
        _exit(1);
    }
    return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_for_its_owner_alone),
        cmocka_unit_test(two_cannot_have_it),
        cmocka_unit_test(what_cannot_be_is_told),
        cmocka_unit_test(half_of_a_backup_is_refused),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
