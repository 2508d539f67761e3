/* rules_bench.c - what rules cost: the processor time of a reading that a rule reads.
 *
 * 10,000 rules of each sort, a sensor each, hear readings in turn, as the live server would hand
 * them over; then one rule hears as many alone, as a backtest does. */
#include "base/clock.h"
#include "rules/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RULES = 10000, READINGS = 2000000 };

static size_t fired;

static bool turned(void *arg, bool raised)
{
    (void)arg;
    fired += raised;
    return true;
}

static struct expr_value word(void *arg, struct slice member)
{
    (void)arg, (void)member;
    return expr_null();
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds a reading. */
static double measure(const char *text, size_t rules)
{
    static const struct machine_words words = {word, NULL};
    static const size_t counts[PROGRAM_INPUTS_MAX] = {1};
    struct program *p = program_new();
    struct arena *texts = arena_new();
    struct course *list = calloc(rules, sizeof *list);
    const struct expr *when, *clear;
    struct expr_error error;
    if (!p || !texts || !list || program_add(p, slice_str(text), &when, &error) ||
        program_unless(p, when, 0, &clear)) {
        fprintf(stderr, "%s cannot be compiled\n", text);
        exit(1);
    }
    for (size_t i = 0; i < rules; i++)
        list[i] = (struct course){machine_new(p, counts, &words, texts),
                                  when,
                                  clear,
                                  program_watches_time(p),
                                  false,
                                  turned,
                                  NULL};
    double began = cpu_s();
    for (size_t i = 0; i < READINGS; i++) {
        double v = (double)(i * 2654435761U % 1000) / 10;
        course_put(&list[i % rules], 0, 0, (int64_t)(i / rules) * 1000000, value_double(v), 0);
        if (i % 4096 == 0)
            arena_reset(texts);
    }
    double ns = (cpu_s() - began) * 1e9 / READINGS;
    for (size_t i = 0; i < rules; i++)
        machine_free(list[i].machine);
    free(list);
    arena_free(texts);
    program_free(p);
    return ns;
}

int main(void)
{
    static const char *const texts[] = {
        "x > 80",
        "x > 80 FOR '2m'",
        "avg_over(x, '5m') > 80",
        "max_over(x, '1h') - min_over(x, '1h') > 90",
        "abs(rate(x)) > 50",
        "abs(robust_z(x, 100)) > 3.5",
    };
    printf("%-45s %12s %22s %18s\n", "rule", "ns a reading", "core at 100,000/s, %",
           "alone, M readings/s");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double many = measure(texts[i], RULES), alone = measure(texts[i], 1);
        printf("%-45s %12.0f %22.2f %18.1f\n", texts[i], many, many / 1e9 * 100000 * 100,
               1000 / alone);
    }
    return fired == 0;
}
