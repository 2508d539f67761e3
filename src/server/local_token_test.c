/* Files that only their user can write and read. */
#include "server/local_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/doppel-token-XXXXXX");
    assert_non_null(mkdtemp(dir));
    setenv("XDG_RUNTIME_DIR", dir, 1);
    unsetenv("XDG_STATE_HOME");
    return 0;
}

static int end(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void finds(const char *address, const char *want)
{
    struct buf found = {0};
    bool there = local_token_find(address, &found);
    assert_int_equal(there, want != NULL);
    assert_true(!want || slice_is(buf_slice(&found), want));
    buf_release(&found);
}

static const char *path_of(const char *address)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/doppel/%s.token", dir, address);
    return path;
}

static void a_token_is_found_by_its_address(void **state)
{
    const char *const addresses[] = {"127.0.0.1:8080", NULL, "[::1]:8081", "0.0.0.0:1883"};
    struct local_tokens t = {0};
    struct buf why = {0};
    struct stat s;
    (void)state;
    assert_int_equal(local_tokens_write(&t, addresses, 4, "secret", &why), 0);
    assert_int_equal(t.n, 3);
    assert_int_equal(stat(path_of("127.0.0.1:8080"), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    finds("127.0.0.1:8080", "secret");
    finds("localhost:8080", "secret");
    finds("localhost:8081", "secret");
    finds("127.0.0.1:1883", "secret"); /* it listens everywhere */
    finds("127.0.0.1:8081", NULL);
    finds("192.0.2.1:8080", NULL);
    finds("192.0.2.1:1883", NULL); /* that may be another machine */
    finds("../127.0.0.1:8080", NULL);
    finds("nonsense", NULL);
    local_tokens_remove(&t);
    finds("127.0.0.1:8080", NULL);
    buf_release(&why);
}

static void what_others_may_have_written_is_passed_over(void **state)
{
    const char *const addresses[] = {"127.0.0.1:8080"};
    struct local_tokens t = {0};
    struct buf why = {0};
    char elsewhere[96], own[96];
    (void)state;
    assert_int_equal(local_tokens_write(&t, addresses, 1, "secret", &why), 0);
    assert_int_equal(chmod(path_of("127.0.0.1:8080"), 0644), 0);
    finds("127.0.0.1:8080", NULL);
    assert_int_equal(chmod(path_of("127.0.0.1:8080"), 0620), 0);
    finds("127.0.0.1:8080", NULL);
    assert_int_equal(chmod(path_of("127.0.0.1:8080"), 0600), 0);
    finds("127.0.0.1:8080", "secret");
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", dir);
    assert_int_equal(rename(path_of("127.0.0.1:8080"), elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path_of("127.0.0.1:8080")), 0);
    finds("127.0.0.1:8080", NULL);
    assert_int_equal(unlink(path_of("127.0.0.1:8080")), 0);
    assert_int_equal(rename(elsewhere, path_of("127.0.0.1:8080")), 0);
    finds("127.0.0.1:8080", "secret");
    snprintf(own, sizeof own, "%s/doppel", dir);
    assert_int_equal(chmod(own, 0777), 0);
    finds("127.0.0.1:8080", NULL);
    assert_int_equal(chmod(own, 0700), 0);
    local_tokens_remove(&t);
    buf_release(&why);
}

static void without_a_runtime_directory_there_is_another(void **state)
{
    const char *const addresses[] = {"127.0.0.1:8080"};
    struct local_tokens t = {0};
    struct buf why = {0};
    char state_home[96];
    (void)state;
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(state_home, sizeof state_home, "%s/a/b", dir);
    setenv("XDG_STATE_HOME", state_home, 1);
    finds("127.0.0.1:8080", NULL);
    assert_int_equal(access(state_home, F_OK), -1); /* a look makes nothing */
    assert_int_equal(local_tokens_write(&t, addresses, 1, "secret", &why), 0);
    finds("127.0.0.1:8080", "secret");
    local_tokens_remove(&t);
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "relative", 1);
    assert_int_not_equal(local_tokens_write(&t, addresses, 1, "secret", &why), 0);
    assert_true(why.n > 0);
    buf_release(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_found_by_its_address, begin, end),
        cmocka_unit_test_setup_teardown(what_others_may_have_written_is_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(without_a_runtime_directory_there_is_another, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
