/* operate.c - what the operator asks: status, metrics, health. */
#include "access/state.h"
#include "alarms/alarms.h"
#include "api/internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/jose.h"

#include <stdio.h>
#include <unistd.h>

struct figures {
    struct alarms_stats alarms;
    struct core_stats core;
    struct broker_stats mqtt;
    const struct api *api;
    uint64_t rss;
    double uptime_s;
};

static uint64_t resident_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%llu %llu", &size, &resident) != 2)
            resident = 0;
        fclose(f);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void take(struct call *call, struct figures *f)
{
    *f = (struct figures){.api = call->api, .rss = resident_bytes()};
    core_stats(call->core, &f->core);
    if (call->api->alarms)
        alarms_get_stats(call->api->alarms, &f->alarms);
    if (call->api->broker)
        broker_stats(call->api->broker, &f->mqtt);
    f->uptime_s = (double)(clock_now_us() - f->core.started_us) / 1e6;
}

/* ---- status ---- */

static void put_uint(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, key);
    json_put_uint(w, v);
}

/* The figures of the whole installation are for who looks after it, or where there is but one
 * organisation. */
static bool sees_all(const struct call *call)
{
    return call->who->installation || access_org_count(core_access(call->core)) == 1;
}

void status(struct call *call)
{
    struct figures f;
    take(call, &f);
    const struct api_addresses *at = &call->api->addresses;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_text(&w, "version", call->api->opts.version);
    json_key(&w, "started");
    json_put_time(&w, f.core.started_us);
    json_key(&w, "uptime");
    json_put_double(&w, (double)(int64_t)(f.uptime_s * 1000) / 1000);
    json_key(&w, "ready");
    json_put_bool(&w, core_ready(call->core));
    const struct org *own = call->who->org;
    if (!sees_all(call)) { /* other organisations are none of their business */
        put_uint(&w, "twins", own ? own->twins_n : 0);
        put_uint(&w, "series", own ? own->series_n : 0);
        f.core = (struct core_stats){.storage_ok = f.core.storage_ok};
        f.mqtt = (struct broker_stats){0};
        f.rss = 0;
    } else {
        put_uint(&w, "twins", f.core.twins);
        put_uint(&w, "series", f.core.series);
    }
    json_key(&w, "readings");
    json_open(&w, '{');
    put_uint(&w, "accepted", f.core.readings);
    put_uint(&w, "rejected", f.core.rejected);
    put_uint(&w, "inMemory", f.core.head_readings);
    json_close(&w, '}');
    json_key(&w, "connections");
    json_open(&w, '{');
    put_uint(&w, "mqtt", f.mqtt.connections);
    put_uint(&w, "stream", sees_all(call) ? stream_clients(call->api->stream) : 0);
    json_close(&w, '}');
    json_key(&w, "storage");
    json_open(&w, '{');
    json_key(&w, "ok");
    json_put_bool(&w, f.core.storage_ok);
    put_uint(&w, "journalBytes", f.core.journal_bytes);
    put_uint(&w, "historyBytes", f.core.history_file_bytes);
    put_uint(&w, "freeBytes", f.core.disk_free_bytes);
    put_uint(&w, "chunks", f.core.chunks);
    put_uint(&w, "readings", f.core.stored);
    put_uint(&w, "rollupBytes", f.core.rollup_bytes);
    put_uint(&w, "rolledUp", f.core.rolled);
    put_uint(&w, "expired", f.core.expired);
    json_close(&w, '}');
    put_uint(&w, "memory", f.rss);
    json_key(&w, "addresses");
    json_open(&w, '{');
    put_text(&w, "http", at->http);
    put_text(&w, "https", at->https);
    put_text(&w, "mqtt", at->mqtt);
    put_text(&w, "mqtts", at->mqtts);
    json_close(&w, '}');
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- metrics (OpenMetrics 1.0, and the Prometheus text format 0.0.4 that came before it) ---- */

enum metric_kind { GAUGE, COUNTER };

struct metric {
    const char *name; /* without _total */
    enum metric_kind kind;
    const char *unit; /* the name ends in it, or NULL */
    const char *help;
    double (*value)(const struct figures *f);
};

#define FIGURE(name, expression)                                                                   \
    static double name(const struct figures *f)                                                    \
    {                                                                                              \
        return (double)(expression);                                                               \
    }
FIGURE(uptime, f->uptime_s)
FIGURE(rss, f->rss)
FIGURE(alarms_open, f->alarms.open)
FIGURE(alarms_critical, f->alarms.active[ALARM_CRITICAL])
FIGURE(alarms_raised, f->alarms.raised)
FIGURE(alarms_grouped, f->alarms.suppressed)
FIGURE(deliveries_waiting, f->alarms.waiting)
FIGURE(deliveries_sent, f->alarms.sent)
FIGURE(deliveries_failed, f->alarms.failed)
FIGURE(deliveries_dead, f->alarms.dead)
FIGURE(twins, f->core.twins)
FIGURE(series, f->core.series)
FIGURE(readings, f->core.readings)
FIGURE(batches, f->core.batches)
FIGURE(in_memory, f->core.head_readings)
FIGURE(syncs, f->core.journal_syncs)
FIGURE(journal_bytes, f->core.journal_bytes)
FIGURE(journal_failures, f->core.journal_failures)
FIGURE(history_bytes, f->core.history_file_bytes)
FIGURE(disk_free, f->core.disk_free_bytes)
FIGURE(chunks, f->core.chunks)
FIGURE(stored, f->core.stored)
FIGURE(chunk_bytes, f->core.chunk_bytes)
FIGURE(rollup_bytes, f->core.rollup_bytes)
FIGURE(rolled, f->core.rolled)
FIGURE(expired, f->core.expired)
FIGURE(upkeep_rounds, f->core.rounds)
FIGURE(flushes, f->core.flushes)
FIGURE(questions, f->core.questions)
FIGURE(damaged, f->core.damaged)
FIGURE(storage_ok, f->core.storage_ok)
FIGURE(mqtt_connections, f->mqtt.connections)
FIGURE(mqtt_sessions, f->mqtt.sessions)
FIGURE(mqtt_subscriptions, f->mqtt.subscriptions)
FIGURE(mqtt_retained, f->mqtt.retained)
FIGURE(mqtt_away, f->mqtt.sessions_away)
FIGURE(mqtt_expired, f->mqtt.sessions_expired)
FIGURE(mqtt_shared, f->mqtt.shared)
FIGURE(mqtt_packets_in, f->mqtt.packets_in)
FIGURE(mqtt_packets_out, f->mqtt.packets_out)
FIGURE(mqtt_in, f->mqtt.messages_in)
FIGURE(mqtt_out, f->mqtt.messages_out)
FIGURE(mqtt_bytes_in, f->mqtt.bytes_in)
FIGURE(mqtt_bytes_out, f->mqtt.bytes_out)
FIGURE(mqtt_dropped, f->mqtt.dropped)
FIGURE(mqtt_turned_away, f->mqtt.turned_away)
FIGURE(http_requests, f->api->requests)
FIGURE(rate_limited, f->api->rate_limited)
FIGURE(refusals, access_stats(core_access(f->api->core))->refusals)
FIGURE(sign_ins, access_stats(core_access(f->api->core))->sign_ins)
FIGURE(sign_ins_failed, access_stats(core_access(f->api->core))->sign_ins_failed)
FIGURE(audit_failures, access_stats(core_access(f->api->core))->audit_failures)
FIGURE(streams, stream_clients(f->api->stream))

static const struct metric metric_table[] = {
    {"doppel_uptime_seconds", GAUGE, "seconds", "Time since the server started.", uptime},
    {"process_resident_memory_bytes", GAUGE, "bytes", "Resident memory.", rss},
    {"doppel_twins", GAUGE, NULL, "Twins there are.", twins},
    {"doppel_alarms_open", GAUGE, NULL, "Alarms that are active, to be acknowledged or shelved.",
     alarms_open},
    {"doppel_alarms_critical", GAUGE, NULL, "Critical alarms that are active.", alarms_critical},
    {"doppel_alarms_raised", COUNTER, NULL, "Alarms raised.", alarms_raised},
    {"doppel_alarms_grouped", COUNTER, NULL, "Alarms that a flood told of in their stead.",
     alarms_grouped},
    {"doppel_deliveries_waiting", GAUGE, NULL, "Deliveries that wait.", deliveries_waiting},
    {"doppel_deliveries_sent", COUNTER, NULL, "Deliveries that came.", deliveries_sent},
    {"doppel_deliveries_failed", COUNTER, NULL, "Tries of deliveries that failed.",
     deliveries_failed},
    {"doppel_deliveries_dead", COUNTER, NULL, "Deliveries that were given up.", deliveries_dead},
    {"doppel_series", GAUGE, NULL, "Series there are.", series},
    {"doppel_readings", COUNTER, NULL, "Readings accepted and on stable storage.", readings},
    {"doppel_messages", COUNTER, NULL, "Messages that carried readings.", batches},
    {"doppel_readings_in_memory", GAUGE, NULL,
     "Readings in the journal and memory, not yet in history.", in_memory},
    {"doppel_journal_syncs", COUNTER, NULL, "Group commits of the journal.", syncs},
    {"doppel_journal_size_bytes", GAUGE, "bytes", "Size of the journal on disk.", journal_bytes},
    {"doppel_journal_failures", COUNTER, NULL, "Writes or syncs of the journal that failed.",
     journal_failures},
    {"doppel_history_size_bytes", GAUGE, "bytes", "Size of the history on disk.", history_bytes},
    {"doppel_storage_free_bytes", GAUGE, "bytes", "What the file system with the history has left.",
     disk_free},
    {"doppel_history_readings", GAUGE, NULL,
     "Readings in the history, those again that were written again.", stored},
    {"doppel_history_chunks", GAUGE, NULL, "Chunks in the history.", chunks},
    {"doppel_history_chunk_bytes", GAUGE, "bytes", "Bytes of all chunks.", chunk_bytes},
    {"doppel_history_rollup_bytes", GAUGE, "bytes", "Bytes of all roll-ups.", rollup_bytes},
    {"doppel_history_rolled_up_readings", COUNTER, NULL, "Readings that became roll-ups.", rolled},
    {"doppel_history_expired_readings", COUNTER, NULL,
     "Readings let go of when their time was over.", expired},
    {"doppel_history_upkeep_rounds", COUNTER, NULL, "Times that every series was looked after.",
     upkeep_rounds},
    {"doppel_history_flushes", COUNTER, NULL, "Flushes from memory into history.", flushes},
    {"doppel_history_questions", GAUGE, NULL, "Questions about the past under way.", questions},
    {"doppel_history_damaged_answers", COUNTER, NULL,
     "Answers about the past from which damaged data was left out.", damaged},
    {"doppel_storage_ok", GAUGE, NULL, "1 while the disk takes what is written.", storage_ok},
    {"doppel_mqtt_connections", GAUGE, NULL, "MQTT clients connected.", mqtt_connections},
    {"doppel_mqtt_sessions", GAUGE, NULL, "MQTT sessions kept.", mqtt_sessions},
    {"doppel_mqtt_sessions_away", GAUGE, NULL, "MQTT sessions whose client is away.", mqtt_away},
    {"doppel_mqtt_expired_sessions", COUNTER, NULL, "MQTT sessions that ended unused.",
     mqtt_expired},
    {"doppel_mqtt_shared_subscriptions", GAUGE, NULL, "MQTT subscriptions that are shared.",
     mqtt_shared},
    {"doppel_mqtt_received_packets", COUNTER, NULL, "MQTT packets received.", mqtt_packets_in},
    {"doppel_mqtt_sent_packets", COUNTER, NULL, "MQTT packets sent.", mqtt_packets_out},
    {"doppel_mqtt_subscriptions", GAUGE, NULL, "MQTT subscriptions.", mqtt_subscriptions},
    {"doppel_mqtt_retained_messages", GAUGE, NULL, "MQTT messages retained.", mqtt_retained},
    {"doppel_mqtt_received_messages", COUNTER, NULL, "MQTT messages received.", mqtt_in},
    {"doppel_mqtt_sent_messages", COUNTER, NULL, "MQTT messages sent.", mqtt_out},
    {"doppel_mqtt_received_bytes", COUNTER, "bytes", "MQTT bytes received.", mqtt_bytes_in},
    {"doppel_mqtt_sent_bytes", COUNTER, "bytes", "MQTT bytes sent.", mqtt_bytes_out},
    {"doppel_mqtt_dropped_messages", COUNTER, NULL,
     "MQTT messages that slow subscribers did not get.", mqtt_dropped},
    {"doppel_mqtt_refused_connections", COUNTER, NULL,
     "MQTT connections refused or ended for what the client did.", mqtt_turned_away},
    {"doppel_http_requests", COUNTER, NULL, "HTTP requests.", http_requests},
    {"doppel_http_limited_requests", COUNTER, NULL,
     "HTTP requests turned away because there were too many.", rate_limited},
    {"doppel_access_refusals", COUNTER, NULL, "What was asked for and not allowed.", refusals},
    {"doppel_access_sign_ins", COUNTER, NULL, "People who signed in.", sign_ins},
    {"doppel_access_failed_sign_ins", COUNTER, NULL,
     "Passwords, tokens and other secrets that did not hold.", sign_ins_failed},
    {"doppel_audit_failures", COUNTER, NULL, "Lines of the audit log that could not be written.",
     audit_failures},
    {"doppel_stream_connections", GAUGE, NULL, "Open streams.", streams},
};

static void put_head(struct buf *b, const struct metric *m, bool open)
{
    const char *suffix = m->kind == COUNTER && !open ? "_total" : "";
    buf_addf(b, "# HELP %s%s %s\n", m->name, suffix, m->help);
    buf_addf(b, "# TYPE %s%s %s\n", m->name, suffix, m->kind == COUNTER ? "counter" : "gauge");
    if (open && m->unit)
        buf_addf(b, "# UNIT %s %s\n", m->name, m->unit);
}

static void put_rejections(struct buf *b, const struct figures *f, bool open)
{
    static const struct metric head = {"doppel_rejections", COUNTER, NULL,
                                       "Readings refused, by reason.", NULL};
    put_head(b, &head, open);
    const struct err_info *e;
    for (int i = 0; (e = err_at(i)); i++) {
        uint64_t n = f->core.rejected_by[-e->number];
        if (n)
            buf_addf(b, "doppel_rejections_total{code=\"%s\"} %llu\n", e->code,
                     (unsigned long long)n);
    }
}

void metrics(struct call *call)
{
    struct figures f;
    struct buf b = {0};
    struct slice accept = http_header(call->req, "accept");
    bool open = accept.p && memmem(accept.p, accept.n, "application/openmetrics-text", 28);
    take(call, &f);
    for (size_t i = 0; i < sizeof metric_table / sizeof metric_table[0]; i++) {
        const struct metric *m = &metric_table[i];
        put_head(&b, m, open);
        buf_addf(&b, "%s%s ", m->name, m->kind == COUNTER ? "_total" : "");
        buf_add_double(&b, m->value(&f));
        buf_add_byte(&b, '\n');
    }
    put_rejections(&b, &f, open);
    /* a fact as a metric: OpenMetrics has a type of its own for it */
    buf_addf(&b, "# HELP doppel_build%s What runs here.\n# TYPE doppel_build%s\n",
             open ? "" : "_info", open ? " info" : "_info gauge");
    buf_addf(&b, "doppel_build_info{version=\"%s\"} 1\n", call->api->opts.version);
    if (open)
        buf_add_str(&b, "# EOF\n");
    if (b.failed)
        call_problem(call, ERR_NOMEM, NULL);
    else
        http_respond(call->req, 200,
                     open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8",
                     buf_slice(&b));
    buf_release(&b);
}

void healthz(struct call *call)
{
    struct buf b = {0};
    buf_add_str(&b, "{\"status\":\"ok\"}");
    call_json(call, 200, &b);
}

void readyz(struct call *call)
{
    struct buf b = {0};
    if (!core_ready(call->core)) {
        call_problem(call, ERR_BUSY,
                     "The server is not ready: it cannot write, or it is stopping.");
        return;
    }
    buf_add_str(&b, "{\"status\":\"ready\"}");
    call_json(call, 200, &b);
}

/* A fault of a sign-in by an identity provider; false: it is none. */
static bool find_fault(struct slice code, const char **ret_text, int *ret_status)
{
    for (int i = 0; i < OIDC_FAULTS; i++) {
        if (!slice_is(code, oidc_fault_code((enum oidc_fault)i)))
            continue;
        *ret_text = oidc_fault_text((enum oidc_fault)i);
        *ret_status = oidc_fault_status((enum oidc_fault)i);
        return true;
    }
    for (int i = 0; i < JOSE_FAULTS; i++) {
        if (!slice_is(code, jose_fault_code((enum jose_fault)i)))
            continue;
        *ret_text = jose_fault_text((enum jose_fault)i);
        *ret_status = oidc_fault_status(OIDC_TOKEN);
        return true;
    }
    return false;
}

void error_page(struct call *call)
{
    const struct err_info *e;
    const char *text;
    int status_code;
    for (int i = 0; (e = err_at(i)); i++)
        if (slice_is(call->parts[0], e->code))
            break;
    if (e) {
        text = e->text;
        status_code = e->http;
    } else if (!find_fault(call->parts[0], &text, &status_code)) {
        call_problem(call, ERR_NOT_FOUND, "There is no such error.");
        return;
    }
    char *code = arena_strndup(call->arena, call->parts[0].p, call->parts[0].n);
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_text(&w, "code", code ? code : "");
    put_text(&w, "title", text);
    put_uint(&w, "status", (uint64_t)status_code);
    put_uint(&w, "mqttReason", e ? e->mqtt : err_info(ERR_FORBIDDEN)->mqtt);
    json_close(&w, '}');
    call_json(call, 200, &b);
}
