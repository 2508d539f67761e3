/* course.c - when a rule is looked at, and what follows. */
#include "rules/course.h"

enum { CATCH_UP = 16 }; /* looks for the sake of time alone, between two readings */

void course_judge(struct course *c)
{
    const struct expr *e = c->active ? c->clear : c->when;
    if (expr_truth(machine_eval(c->machine, e)) > 0 && c->turned(c->arg, !c->active))
        c->active = !c->active;
}

void course_pass(struct course *c, int64_t t_us)
{
    int64_t due;
    for (int i = 0; i < CATCH_UP && (due = machine_due(c->machine)) <= t_us; i++) {
        machine_pass(c->machine, due);
        course_judge(c);
    }
}

bool course_put(struct course *c, size_t input, size_t k, int64_t t_us, struct value v,
                uint8_t quality)
{
    if (c->timed)
        course_pass(c, t_us - 1);
    if (!machine_put(c->machine, input, k, t_us, v, quality))
        return false;
    course_judge(c);
    return true;
}
