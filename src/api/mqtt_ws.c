/* mqtt_ws.c - /mqtt: MQTT over WebSocket (section 6 of both standards).
 *
 * The WebSocket carries bytes between a client and the broker, which treats it like a connection of
 * its own listener.  It is a stream: packets may lie across frames and frames hold many packets. */
#include "api/internal.h"
#include "base/err.h"

#include <stdlib.h>

/* What one piece of input may inflate to.  wslay gives 4 kB at most, deflate makes them a thousand
 * times as much at most. */
enum { PIECE_MAX = 8 << 20 };

struct carried {
    struct ws *ws;     /* NULL: gone */
    struct conn *conn; /* NULL: the broker has let go of it */
};

static const char *peer(void *arg)
{
    const struct carried *k = arg;
    return ws_peer(k->ws);
}

static const struct net_cert *cert(void *arg)
{
    const struct carried *k = arg;
    return ws_peer_cert(k->ws);
}

static void send_bytes(void *arg, struct slice bytes)
{
    const struct carried *k = arg;
    if (bytes.n)
        ws_send(k->ws, false, bytes);
}

static size_t queued(void *arg)
{
    const struct carried *k = arg;
    return ws_queued(k->ws);
}

static void pause_input(void *arg)
{
    const struct carried *k = arg;
    ws_pause(k->ws);
}

static void resume_input(void *arg)
{
    const struct carried *k = arg;
    ws_resume(k->ws);
}

/* MQTT is over: with the reason, which 3.1.1 has no other way to tell. */
static void close_carrier(void *arg, const char *reason)
{
    struct carried *k = arg;
    k->conn = NULL;
    ws_close(k->ws, 1000, reason);
}

static const struct broker_carrier carrier = {.peer = peer,
                                              .cert = cert,
                                              .send = send_bytes,
                                              .queued = queued,
                                              .pause = pause_input,
                                              .resume = resume_input,
                                              .close = close_carrier};

static void on_message(void *arg, bool text, struct slice bytes)
{
    const struct carried *k = arg;
    (void)text; /* it is a stream */
    if (k->conn)
        broker_carried(k->conn, bytes);
}

static void on_drain(void *arg)
{
    const struct carried *k = arg;
    if (k->conn)
        broker_carrier_drained(k->conn);
}

static void on_close(void *arg, int code)
{
    struct carried *k = arg;
    (void)code;
    if (k->conn)
        broker_carrier_gone(k->conn);
    free(k);
}

void mqtt_open(struct call *call)
{
    static const char *const protocols[] = {"mqtt", "mqttv3.1", NULL};
    static const struct ws_opts opts = {.max_message = PIECE_MAX,
                                        .protocols = protocols,
                                        .need_protocol = true,
                                        .stream = true,
                                        .check_origin = true};
    static const struct ws_events events = {on_message, on_drain, on_close};
    struct carried *k = calloc(1, sizeof *k);
    if (!k) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    struct broker *b = call->api->broker;
    bool nobody = call->who->kind == WHO_ANONYMOUS && !call->who->everything;
    /* the request dies with the handshake, and the call with it */
    struct principal *who = principal_ref(call->who);
    const struct broker_guest guest = {.grant = call_grant(call),
                                       .who = nobody ? NULL : who,
                                       .anonymous = call_takes_anybody(call)};
    if (!ws_accept(call->req, &opts, &events, k, &k->ws))
        free(k);
    else if (broker_join(b, &carrier, k, &guest, &k->conn))
        ws_close(k->ws, 1013, "too many connections");
    principal_unref(who);
}
