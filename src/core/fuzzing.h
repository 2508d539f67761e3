/* fuzzing.h - a core for a fuzz target: in a folder of its own, with one twin.  Included by fuzz
 * targets only. */
#ifndef CORE_FUZZING_H
#define CORE_FUZZING_H

#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A profile's core, but for its sensors. */
#define FUZZING_PROFILE(id, sensors)                                                               \
    "{\"@context\":{\"@vocab\":\"https://schema.org/\",\"mvmd\":\"https://mvmd.org/v1/\"},"        \
    "\"@type\":\"DigitalDocument\",\"name\":\"F\",\"description\":\"F\",\"identifier\":{\"@"       \
    "type\":"                                                                                      \
    "\"PropertyValue\",\"propertyID\":\"MVMD-ID\",\"value\":\"" id                                 \
    "\"},\"subjectOf\":{\"@type\":\"Thing\",\"name\":\"T\"},\"sensors\":[" sensors "]}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct core *core;
static struct loop *loop;
static char fuzzing_dir[] = "/tmp/doppel-fuzz-XXXXXX";

static void fuzzing_end(void)
{
    char command[128];
    core_close(core);
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf %s", fuzzing_dir);
    if (system(command))
        perror(command);
}

static void fuzzing_made(void *arg, const struct twin_result *r)
{
    (void)arg;
    if (r->err)
        abort();
    loop_stop(loop);
}

static void fuzzing_start(struct slice profile)
{
    const char *why;
    struct core_opts opts = {.dir = mkdtemp(fuzzing_dir),
                             .mqtt_endpoint = "mqtt://127.0.0.1/twins/"};
    if (!opts.dir || loop_new(&loop) || core_open(loop, &opts, &core, &why))
        abort();
    core_twin_put(core, (const struct asker[]){core_system(core)}, TWIN_CREATE, SLICE_LIT(""),
                  profile, 0, false, fuzzing_made, NULL);
    loop_run(loop);
    atexit(fuzzing_end);
}

#endif
