#include "base/steady.h"

#define SLACK_US INT64_C(60000000)     /* the clock may go by so much otherwise than mono_us */
#define CONFIRM_US INT64_C(3600000000) /* so long a step must stand */

void steady_begin(struct steady *s, int64_t known_us, int64_t now_us, int64_t mono_us)
{
    *s = (struct steady){.t_us = known_us ? known_us : now_us, .mono_us = mono_us};
    steady_now(s, now_us, mono_us);
}

int64_t steady_now(struct steady *s, int64_t now_us, int64_t mono_us)
{
    int64_t expected = s->t_us + (mono_us - s->mono_us), ahead = now_us - expected;
    bool as_before = s->ahead && ahead > s->ahead_us - SLACK_US && ahead < s->ahead_us + SLACK_US;
    if (ahead <= SLACK_US || (as_before && mono_us - s->since_us >= CONFIRM_US)) {
        *s = (struct steady){.t_us = now_us, .mono_us = mono_us};
        return now_us;
    }
    if (!as_before)
        *s = (struct steady){s->t_us, s->mono_us, true, ahead, mono_us};
    return expected;
}
