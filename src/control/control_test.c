/* Tests of the life of commands: the table of states under any run of deeds, and a real core
 * through restarts. */
#include "control/control.h"
#include "control/internal.h"

#include "core/core_testing.h"

static const char commands[] =
    "{\"doppel:commands\":[{\"name\":\"stop\",\"input\":{\"type\":\"object\",\"properties\":"
    "{\"hard\":{\"type\":\"boolean\"}},\"additionalProperties\":false}}]}";

struct place {
    struct world w;
    struct control *control;
    struct control_opts opts;
    struct control_watch watch;
    enum command_state states[4096];
    int64_t last_n, numbers[4096];
    size_t n;
    int err;
    bool over;
    char why[256];
};

static void on_step(void *arg, const struct twin_command *c)
{
    struct place *p = arg;
    p->states[p->n] = c->state;
    p->numbers[p->n++] = c->n;
    loop_stop(p->w.loop);
}

static void begin(struct place *p)
{
    assert_int_equal(control_new(p->w.loop, p->w.core, &p->opts, &p->control), 0);
    p->watch = (struct control_watch){.on_step = on_step, .arg = p};
    control_watch_add(p->control, &p->watch);
}

static void end(struct place *p)
{
    control_stop(p->control);
    core_stop(p->w.core);
    control_free(p->control);
}

static void restart(struct place *p)
{
    end(p);
    world_close(&p->w);
    world_open(&p->w);
    begin(p);
}

static void on_put(void *arg, const struct twin_result *r)
{
    struct place *p = arg;
    p->err = r->err;
    p->over = true;
    loop_stop(p->w.loop);
}

static void on_done(void *arg, int err, const char *why, const struct twin_command *c)
{
    struct place *p = arg;
    p->err = err;
    p->over = true;
    if (c)
        p->last_n = c->n;
    snprintf(p->why, sizeof p->why, "%s", why ? why : "");
    loop_stop(p->w.loop);
}

static void wait(struct place *p)
{
    while (!p->over)
        loop_run(p->w.loop);
}

static int send(struct place *p, const char *name, const char *input)
{
    const struct asker by = core_system(p->w.core);
    const struct command_ask ask = {
        .twin = SLICE_LIT("pump"), .name = slice_str(name), .input = slice_str(input)};
    p->over = false;
    control_send(p->control, &by, &ask, on_done, p);
    wait(p);
    return p->err;
}

static int act(struct place *p, int64_t n, enum command_deed deed)
{
    const struct asker by = core_system(p->w.core);
    const struct command_act a = {
        .deed = deed, .n = n, .output = SLICE_LIT("1"), .error = SLICE_LIT("It is broken.")};
    p->over = false;
    control_act(p->control, &by, &a, on_done, p);
    wait(p);
    return p->err;
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->w.dir, "/tmp/doppel-control-XXXXXX");
    assert_non_null(mkdtemp(p->w.dir));
    clock_real();
    world_open(&p->w);
    begin(p);
    const struct asker by = core_system(p->w.core);
    core_twin_put(p->w.core, &by, TWIN_PUT, SLICE_LIT("pump"), slice_str(profile), 0, false, on_put,
                  p);
    wait(p);
    assert_int_equal(p->err, 0);
    p->over = false;
    core_twin_patch(p->w.core, &by, SLICE_LIT("pump"), slice_str(commands), 0, on_put, p);
    wait(p);
    assert_int_equal(p->err, 0);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    end(p);
    world_close(&p->w);
    nftw(p->w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

/* Whatever is done in whatever order: nothing goes back, and what has ended stays as it is. */
static void test_states(void **state)
{
    (void)state;
    for (int s = 0; s < COMMAND_STATE_N; s++)
        for (int d = DEED_DELIVER; d <= DEED_CANCEL; d++) {
            bool same = false;
            int next = command_after((enum command_state)s, (enum command_deed)d, &same);
            if (next < 0)
                continue;
            assert_true(next >= s && next < COMMAND_STATE_N);
            assert_int_equal(same, next == s);
            assert_true(command_is_open((enum command_state)s) || same);
            bool again;
            assert_int_equal(command_after((enum command_state)next, (enum command_deed)d, &again),
                             next);
            assert_true(again); /* the same deed again changes nothing */
        }
}

/* Random deeds to random commands, with restarts: what is kept is what the table says, and no
 * command is told twice to be in a state. */
static void test_any_run(void **state)
{
    struct place *p = *state;
    enum { COMMANDS = 8, DEEDS = 120 };
    int64_t n[COMMANDS];
    enum command_state is[COMMANDS] = {0};
    unsigned seed = 7;
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(send(p, "stop", "{}"), 0);
        n[i] = p->last_n;
    }
    for (int k = 0; k < DEEDS; k++) {
        seed = seed * 1103515245 + 12345;
        int i = (int)(seed >> 16) % COMMANDS, d = (int)(seed >> 20) % (DEED_CANCEL + 1);
        bool same;
        int next = command_after(is[i], (enum command_deed)d, &same);
        if (k % 20 == 19)
            restart(p);
        assert_int_equal(act(p, n[i], (enum command_deed)d), next < 0 ? ERR_CONFLICT : 0);
        if (next >= 0)
            is[i] = (enum command_state)next;
        const struct twin_command *open = control_find(p->control, n[i]);
        assert_int_equal(open != NULL, command_is_open(is[i]));
        assert_true(!open || open->state == is[i]);
    }
    for (size_t a = 0; a < p->n; a++)
        for (size_t b = 0; b < a; b++)
            assert_false(p->numbers[a] == p->numbers[b] && p->states[a] == p->states[b]);
}

static void test_refusals(void **state)
{
    struct place *p = *state;
    assert_int_equal(send(p, "stop", "{\"hard\":1}"), ERR_INVALID);
    assert_non_null(strstr(p->why, "/hard"));
    assert_int_equal(send(p, "stop", "{"), ERR_INVALID);
    assert_int_equal(send(p, "go", "{}"), ERR_NOT_FOUND);
    assert_int_equal(act(p, 99, DEED_ACCEPT), ERR_NOT_FOUND);
    for (int i = 0; i < COMMANDS_OPEN_MAX; i++)
        assert_int_equal(send(p, "stop", ""), 0);
    assert_int_equal(send(p, "stop", ""), ERR_OVERLOAD);
    assert_int_equal(control_open(p->control), COMMANDS_OPEN_MAX);
}

static void test_numbers(void **state)
{
    int64_t n;
    (void)state;
    assert_true(command_number(SLICE_LIT("c-12"), &n) && n == 12);
    static const char *const bad[] = {"c-",   "c-0", "c--1", "c-+1",
                                      "c-1x", "d-1", "",     "c-99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(command_number(slice_str(bad[i]), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test_setup_teardown(test_any_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
