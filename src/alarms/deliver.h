/* deliver.h - who is told of alarms' steps, and how it gets there.
 *
 * A destination is a document of the organisation (docs/alarms.md): a webhook, e-mail, a topic of
 * MQTT.  It is told what rules' actions say, and, without a rule, what its own member `alarms` asks
 * for.  What is to be told is written with the step itself (store/deliveries.h), and sent when both
 * are on stable storage; so it comes at least once, with an id by which a receiver knows it again.
 *
 * Each destination has a lane: one delivery after the other, in order, the next when this one has
 * come or was given up. */
#ifndef ALARMS_DELIVER_H
#define ALARMS_DELIVER_H

#include "access/documents.h"
#include "alarms/alarms.h"
#include "os/fetch.h"
#include "os/mail.h"
#include "store/deliveries.h"

struct deliverer; /* opaque */
struct item;

struct deliver_opts {
    struct fetch *fetch;
    struct mailer *mailer;       /* NULL: no mail can be sent */
    const struct key_ring *keys; /* of webhooks' secrets */
    const char *public_url;      /* for links in mails; or NULL */
    /* A message to the clients of an organisation; NULL: MQTT is off. */
    int (*publish)(void *arg, struct org *org, struct slice topic, struct slice payload);
    /* A command to a twin, in the server's name: 0, or ERR_* with a sentence in *why. */
    int (*command)(void *arg, struct org *org, struct slice twin, struct slice name,
                   struct slice input, struct buf *why);
    void *arg;
};

int deliver_new(struct alarms *a, const struct deliver_opts *opts, struct deliverer **ret);
void deliver_stop(struct deliverer *d);
void deliver_free(struct deliverer *d);
void deliver_tick(struct deliverer *d, int64_t mono_us);
void deliver_stats(const struct deliverer *d, struct alarms_stats *ret);

/* Of a step: what is to be sent goes into the batch of the step.  stage: of ALARM_UNANSWERED. */
void deliver_plan(struct deliverer *d, const struct alarm *alarm, enum alarm_step step,
                  unsigned stage);
/* How long an alarm may stay without acknowledgement until that stage is told; -1: none. */
int64_t deliver_unanswered(struct deliverer *d, const struct alarm *alarm, unsigned stage);
/* The flood tells of the alarm in its stead, also to those whom its rule names. */
void deliver_merge(struct deliverer *d, struct item *flood, const struct alarm *alarm);
void deliver_made(struct deliverer *d, const struct delivery *delivery); /* it is written */

/* ---- what people ask ---- */

bool delivery_number(struct slice id, int64_t *ret_n); /* "d-12" */
void delivery_write(struct json_writer *w, const struct delivery *d);
/* Send something to try it: 0 and its number, ERR_NOT_FOUND. */
int deliver_test(struct alarms *a, struct org *org, struct slice destination, int64_t *ret_n);
/* Once more, or never.  d is as it was read; ERR_CONFLICT: it is sent, or on its way. */
int deliver_retry(struct alarms *a, const struct asker *by, const struct delivery *d);
int deliver_discard(struct alarms *a, const struct asker *by, const struct delivery *d);
/* A new secret of a webhook: prepare() of a change, in the organisation of who asks; the ask has
 * the id, and gets the secret. */
int destination_secret(struct change *ch);

#endif
