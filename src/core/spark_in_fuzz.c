/* spark_in_fuzz.c - any messages of edge nodes, one after the other: each is told once, and the
 * core is what it was.  A message is a byte for its topic, two for its length, and its payload. */
#include "core/spark_in.h"

#include "core/fuzzing.h"

#include <assert.h>

static unsigned sent, told;

static const char profile[] = FUZZING_PROFILE(
    "g:n",
    "{\"id\":\"a\",\"name\":\"A\",\"type\":\"temperature\",\"unit\":\"celsius\"},"
    "{\"id\":\"s\",\"name\":\"S\",\"type\":\"text\",\"unit\":\"none\",\"currentValue\":\"x\"}");

static void on_rebirth(void *arg, struct org *org, struct slice group, struct slice node)
{
    assert(arg == &core && org && group.n && node.n);
}

static void on_told(void *arg, const struct ingest_result *r)
{
    assert(arg == &core && (r->err || !r->rejected));
    if (++told == sent)
        loop_stop(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const topics[] = {
        "spBv1.0/g/NBIRTH/n",  "spBv1.0/g/NDATA/n",    "spBv1.0/g/NDEATH/n", "spBv1.0/g/DBIRTH/n/d",
        "spBv1.0/g/DDATA/n/d", "spBv1.0/g/DDEATH/n/d", "spBv1.0/g/NBIRTH/m", "spBv1.0/g/WHAT"};
    struct spark_in *in;
    const struct spark_opts opts = {on_rebirth, &core};
    if (!core)
        fuzzing_start(SLICE_LIT(profile));
    if (spark_in_new(core, &opts, &in))
        abort();
    sent = told = 0;
    for (size_t at = 0; size - at >= 3 && sent < 32;) {
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2];
        struct ingest_source src = {.via = "fuzz",
                                    .peer = "peer",
                                    .topic = slice_str(topics[data[at] & 7]),
                                    .who = core_system(core).who};
        at += 3;
        if (n > size - at)
            n = size - at;
        sent++;
        spark_in_take(in, &src, slice_of((const char *)data + at, n), NULL, on_told, &core);
        at += n;
    }
    if (size % 2) /* with messages under way, or without */
        spark_in_free(in);
    while (told < sent) /* what was told before everything was sent has stopped it, too */
        loop_run(loop);
    assert(told == sent);
    if (size % 2 == 0)
        spark_in_free(in);
    return 0;
}
