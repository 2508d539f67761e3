/* question_fuzz.c - any text as a question: it is answered or refused, once, with a sentence,
 * within its time and memory; and it changes nothing. */
#include "ask/ask.h"
#include "base/err.h"
#include "core/fuzzing.h"

#include <assert.h>

static struct asks *asks;
static unsigned told;

static const char profile[] = FUZZING_PROFILE(
    "a",
    "{\"id\":\"t\",\"name\":\"T\",\"type\":\"temperature\",\"unit\":\"celsius\"},"
    "{\"id\":\"s\",\"name\":\"S\",\"type\":\"text\",\"unit\":\"none\",\"currentValue\":\"x\"}");

static void on_columns(void *arg, const char *const *names, size_t n)
{
    assert(arg == &asks);
    for (size_t i = 0; i < n; i++)
        assert(names[i]);
}

static bool on_row(void *arg, const struct ask_value *values, size_t n)
{
    assert(arg == &asks && n);
    for (size_t i = 0; i < n; i++)
        assert(values[i].type != ASK_TEXT || values[i].text.n <= ASK_VALUE_BYTES);
    return false;
}

static struct ask_job *job;

static void on_turn(void *arg, const struct ask_turn *turn)
{
    assert(arg == &asks && !turn->err == !turn->detail);
    assert(!turn->err || (turn->ended && *turn->detail));
    if (!turn->ended) {
        ask_go(job);
        return;
    }
    told++;
    loop_stop(loop);
}

static void end(void)
{
    asks_free(asks);
}

static void start(void)
{
    asks_prepare();
    fuzzing_start(SLICE_LIT(profile));
    if (asks_new(loop, core, &asks))
        abort();
    atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ask_taker taker = {on_columns, on_row, on_turn};
    const struct ask_question q = {.sql = slice_of((const char *)data, size),
                                   .limits = {.rows = 200, .run_us = 50000, .memory = 8 << 20}};
    if (!asks)
        start();
    told = 0;
    int err = ask_start(asks, core_system(core).who, &q, &taker, &asks, &job);
    if (err) {
        assert(err == ERR_TOO_LARGE);
        return 0;
    }
    loop_run(loop);
    assert(told == 1 && core_twin_count(core) == 1);
    return 0;
}
