#include "access/quota.h"

#include "access/state.h"
#include "base/err.h"

enum { SMOOTH_S = 10 };

int quota_take_readings(struct org *org, size_t n)
{
    const struct quotas *q = &org->quotas;
    if (q->storage_bytes && org->storage_bytes >= q->storage_bytes)
        return ERR_QUOTA;
    org->readings_n += n;
    return 0;
}

void quotas_tick(struct access *a)
{
    struct org *o;
    size_t at = 0;
    while ((o = map_next(&a->kinds[RECORD_ORG], &at))) {
        double now = (double)(o->readings_n - o->readings_seen_n);
        o->readings_seen_n = o->readings_n;
        o->readings_rate += (now - o->readings_rate) / SMOOTH_S;
        if (o->readings_rate < 0.01)
            o->readings_rate = 0;
    }
}
