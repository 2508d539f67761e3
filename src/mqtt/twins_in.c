/* From a publish under twins/ to readings.
 *
 * twins/{id}/sensors/{sensor} and twins/{id}/telemetry are readings.  What looks like one of them
 * and is not (twins/{id}/temp-1, twins/{id}/sensor/temp-1, a level too many, nothing behind the
 * id) is refused, so that a mistyped topic does not vanish without a word.  Deeper topics of other
 * words, such as twins/{id}/commands/..., are between clients and none of the core's business. */
#include "mqtt/persist.h"

#include <stdio.h>

enum twin_topic twin_topic_parse(struct slice topic, struct slice *ret_twin,
                                 struct slice *ret_sensor)
{
    struct slice rest, word;
    *ret_twin = *ret_sensor = slice_of("", 0);
    if (!slice_starts(topic, "twins/"))
        return TWIN_TOPIC_NONE;
    rest = slice_skip(topic, 6);
    slice_cut(&rest, '/', ret_twin);
    if (ret_twin->n == 0 || !slice_cut(&rest, '/', &word) || word.n == 0)
        return TWIN_TOPIC_BAD;
    if (slice_is(word, "telemetry"))
        return rest.p ? TWIN_TOPIC_BAD : TWIN_TOPIC_TELEMETRY;
    if (!slice_is(word, "sensors"))
        return !rest.p || slice_is(word, "sensor") ? TWIN_TOPIC_BAD : TWIN_TOPIC_NONE;
    if (!slice_cut(&rest, '/', ret_sensor) || ret_sensor->n == 0 || rest.p)
        return TWIN_TOPIC_BAD;
    return TWIN_TOPIC_SENSOR;
}

/* A reason that may stand in PUBACK and PUBREC: some of err.h's do not have their place there. */
static uint8_t ack_reason(int err)
{
    uint8_t reason = err_info(err)->mqtt;
    return mqtt_reason_fits(MQTT_PUBACK, reason) ? reason : MQTT_QUOTA;
}

/* Would the same message be taken at another time?  Then 3.1.1, which has no word for it, gets no
 * acknowledgement at all. */
static bool is_passing(int err)
{
    return err == ERR_STORAGE || err == ERR_OVERLOAD || err == ERR_NOMEM || err == ERR_IO ||
           err == ERR_CANCELLED || err == ERR_QUOTA;
}

static void describe(struct pending *p, const struct ingest_result *r)
{
    struct buf text = {0};
    if (!p->conn || p->conn->version != MQTT_V5 || !p->conn->request_problem)
        return;
    if (r->accepted || r->rejected > 1)
        buf_addf(&text, "%zu readings accepted, %zu refused; the first: ", r->accepted,
                 r->rejected);
    buf_add_str(&text, r->detail ? r->detail : err_info(r->err)->text);
    p->detail = buf_take(&text);
}

static void refuse_what_follows(struct pending *p)
{
    p->reason = ack_reason(ERR_STORAGE);
    p->retry = true;
}

/* The readings are safe: what they entail for sessions that are kept.  The record to wait for. */
static uint64_t keep_what_follows(struct pending *p)
{
    struct broker *b = p->broker;
    uint64_t seq = p->after;
    bool lost = twins_out_kept(b, &seq) != 0;
    if (p->forward) {
        struct publishing what = {.message = p->forward, .from = p->session};
        route_match(b, space_of_message(b, p->forward), p->forward->topic, p->session);
        lost |= route_send(b, &what) != 0;
        if (!lost)
            route_abroad(b, &what);
        seq = what.seq > seq ? what.seq : seq;
    }
    if (p->qos == 2 && p->session && keeps(p->session) && !p->reason) {
        lost |= keep_number(p->session, RECORD_RECEIVED, p->packet_id) != 0;
        seq = lost ? seq : b->put_seq;
    }
    if (lost)
        refuse_what_follows(p);
    return seq;
}

void twins_done(void *arg, const struct ingest_result *r)
{
    struct pending *p = arg;
    if (r->err) {
        p->reason = ack_reason(r->err);
        p->retry = is_passing(r->err);
        describe(p, r);
    }
    if (p->broker && (r->accepted || !r->err))
        pending_done_after(p, keep_what_follows(p));
    else
        pending_done_after(p, p->after);
}

void twins_ingest(struct broker *b, struct pending *p, struct principal *who, const char *peer,
                  struct slice topic, struct slice type, struct slice payload)
{
    struct ingest_source src = {.via = "mqtt",
                                .peer = peer,
                                .topic = topic,
                                .format = body_format_of(type, payload),
                                .who = who ? who : access_nobody(core_access(b->core))};
    struct slice twin, sensor;
    struct ingest *in = ingest_begin(b->core, &src);
    if (!in) {
        twins_done(p, &(struct ingest_result){.rejected = 1, .err = ERR_NOMEM});
        return;
    }
    switch (twin_topic_parse(topic, &twin, &sensor)) {
    case TWIN_TOPIC_SENSOR:
        ingest_sensor(in, twin, sensor, payload);
        break;
    case TWIN_TOPIC_TELEMETRY:
        ingest_telemetry(in, twin, payload);
        break;
    case TWIN_TOPIC_BAD:
    case TWIN_TOPIC_NONE:
        ingest_refuse(in, twin, sensor, ERR_NOT_FOUND,
                      "Readings go to twins/{id}/sensors/{sensor} or twins/{id}/telemetry.",
                      payload);
        break;
    }
    ingest_commit(in, twins_done, p);
}
