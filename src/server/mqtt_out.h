/* mqtt_out.h - publishing at QoS 1 over MQTT 5.0, many messages under way at once.
 *
 * One thread; blocks.  Functions that return a code (enum code) have told why on standard error
 * when it is not CODE_OK. */
#ifndef SERVER_MQTT_OUT_H
#define SERVER_MQTT_OUT_H

#include "base/slice.h"

struct mqtt_out; /* opaque */

/* A message was acknowledged (reason below 0x80) or refused; tag is what was given with it. */
typedef void mqtt_out_fn(void *arg, void *tag, uint8_t reason, struct slice reason_text);

/* token: the password, or NULL */
int mqtt_out_open(const char *address, const char *token, int timeout_ms, mqtt_out_fn *fn,
                  void *arg, struct mqtt_out **ret);
void mqtt_out_close(struct mqtt_out *m); /* without waiting; NULL allowed */

/* Waits while too many are under way. */
int mqtt_out_publish(struct mqtt_out *m, struct slice topic, struct slice payload, void *tag);
/* Do what is to be done (answers, pings) for so long. */
int mqtt_out_wait(struct mqtt_out *m, int ms);
/* Until everything is answered, then say goodbye. */
int mqtt_out_finish(struct mqtt_out *m);

#endif
