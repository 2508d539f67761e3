/* pace.c - how many readings an organisation sends in a second, when it has a quota.
 *
 * What was spent is kept as the time until which it is paid for: every reading moves it on by its
 * share of a second.  Whoever is more than a second ahead has to wait; so a burst of a second's
 * worth costs nothing, and the mean is the quota. */
#include "access/state.h"

#include "base/clock.h"

#define BURST_US INT64_C(1000000)

void org_spend(struct org *o, size_t readings)
{
    uint64_t rate = o->quotas.readings_per_s;
    int64_t now = clock_mono_us();
    if (!rate)
        return;
    if (o->paid_until_us < now)
        o->paid_until_us = now;
    o->paid_until_us += (int64_t)((double)readings * 1e6 / (double)rate);
}

int64_t org_wait_us(const struct org *o)
{
    if (!o || !o->quotas.readings_per_s)
        return 0;
    int64_t ahead = o->paid_until_us - clock_mono_us() - BURST_US;
    return ahead > 0 ? ahead : 0;
}
