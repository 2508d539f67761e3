/* replay_sink.h - where a replay's readings go: HTTP or MQTT, and what comes back.
 *
 * One thread; blocks.  Functions that return a code (enum code) have told why on standard error
 * when it is not CODE_OK. */
#ifndef SERVER_REPLAY_SINK_H
#define SERVER_REPLAY_SINK_H

#include "base/buf.h"
#include "codec/json.h"
#include "server/client.h"
#include "server/mqtt_out.h"

struct sink {
    const char *twin;
    struct client *http; /* or */
    struct mqtt_out *mqtt;
    char *path, *topic;
    bool quiet; /* do not tell of single refusals */
    /* the batch under way */
    struct buf body;
    struct json_writer w;
    size_t *lines; /* of each reading, in the table */
    size_t readings, cap;
    size_t line; /* of the row under way */
    int64_t row_us;
    /* what came of it */
    uint64_t sent, accepted, refused;
    size_t told; /* refusals */
};

enum {
    SINK_READINGS_MAX = 2000,
    SINK_BYTES_MAX = 200 * 1024,
    SINK_TOLD_MAX = 20,
    SINK_HOPELESS = 1000
};

/* Either http is given, or address is that of an MQTT server, which the token is shown to. */
int sink_open(struct sink *s, const char *twin, struct client *http, const char *address,
              const char *token, int timeout_ms);
void sink_close(struct sink *s);

/* Add a reading, its value as JSON, of a row of the table. */
void sink_row(struct sink *s, int64_t t_us, size_t line);
void sink_add(struct sink *s, struct slice sensor, struct slice value);

bool sink_full(const struct sink *s);
int sink_send(struct sink *s); /* the batch */
int sink_wait(struct sink *s, int ms);
int sink_finish(struct sink *s); /* everything is answered */

#endif
