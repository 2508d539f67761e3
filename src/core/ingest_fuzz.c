/* ingest_fuzz.c - whatever a device sends as readings, by each of the bodies. */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct core *core;
static struct loop *loop;

static const char profile[] =
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"
    "\"@type\":\"DigitalDocument\",\"name\":\"F\",\"description\":\"F\",\"identifier\":{\"@type\":"
    "\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"t\"},\"subjectOf\":{\"@type\":"
    "\"Thing\","
    "\"name\":\"T\"},\"sensors\":[{\"id\":\"a\",\"name\":\"A\",\"type\":\"temperature\",\"unit\":"
    "\"celsius\"},"
    "{\"id\":\"b\",\"name\":\"B\",\"type\":\"boolean\",\"unit\":\"none\",\"currentValue\":true},"
    "{\"id\":\"c\",\"name\":\"C\",\"type\":\"text\",\"unit\":\"none\",\"currentValue\":\"x\"}]}";

static char dir[] = "/tmp/doppel-fuzz-XXXXXX";

static void clean(void)
{
    char command[128];
    core_close(core);
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command))
        perror(command);
}

static void on_twin(void *arg, const struct twin_result *r)
{
    (void)arg;
    if (r->err)
        abort();
    loop_stop(loop);
}

static void start(void)
{
    const char *why;
    struct core_opts opts = {.dir = mkdtemp(dir), .mqtt_endpoint = "mqtt://127.0.0.1/twins/"};
    if (!opts.dir || loop_new(&loop) || core_open(loop, &opts, &core, &why))
        abort();
    core_twin_put(core, TWIN_CREATE, SLICE_LIT("t"), SLICE_LIT(profile), 0, false, on_twin, NULL);
    loop_run(loop);
    atexit(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!core)
        start();
    if (!size)
        return 0;
    enum body_format format = data[0] < 128 ? BODY_JSON : BODY_CBOR;
    struct ingest_source src = {"fuzz", "peer", SLICE_LIT("topic"), format};
    struct ingest *in = ingest_begin(core, &src);
    struct slice payload = slice_of((const char *)data + 1, size - 1), twin = SLICE_LIT("t");
    switch (data[0] % 6) {
    case 0:
        ingest_telemetry(in, twin, payload);
        break;
    case 1:
        ingest_readings(in, twin, payload);
        break;
    case 2:
        ingest_sequence(in, twin, payload);
        break;
    default:
        ingest_sensor(in, twin, slice_of(&"abc"[data[0] % 6 - 3], 1), payload);
    }
    ingest_drop(in);
    return 0;
}
