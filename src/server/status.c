/* status.c - doppel status and doppel version. */
#include "base/err.h"
#include "server/client.h"
#include "server/run.h"
#include "server/term.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <uv.h>

/* How a number of the answer is told. */
enum figure { FIGURE_PLAIN, FIGURE_BYTES, FIGURE_SECONDS };

static const struct row {
    const char *label, *pointer;
    enum figure figure;
} rows[] = {
    {"version", "/version", FIGURE_PLAIN},
    {"running for", "/uptime", FIGURE_SECONDS},
    {"ready", "/ready", FIGURE_PLAIN},
    {"http", "/addresses/http", FIGURE_PLAIN},
    {"https", "/addresses/https", FIGURE_PLAIN},
    {"mqtt", "/addresses/mqtt", FIGURE_PLAIN},
    {"mqtts", "/addresses/mqtts", FIGURE_PLAIN},
    {"twins", "/twins", FIGURE_PLAIN},
    {"series", "/series", FIGURE_PLAIN},
    {"readings accepted", "/readings/accepted", FIGURE_PLAIN},
    {"readings refused", "/readings/rejected", FIGURE_PLAIN},
    {"readings in memory", "/readings/inMemory", FIGURE_PLAIN},
    {"MQTT connections", "/connections/mqtt", FIGURE_PLAIN},
    {"stream connections", "/connections/stream", FIGURE_PLAIN},
    {"storage works", "/storage/ok", FIGURE_PLAIN},
    {"journal", "/storage/journalBytes", FIGURE_BYTES},
    {"history", "/storage/historyBytes", FIGURE_BYTES},
    {"free on its disk", "/storage/freeBytes", FIGURE_BYTES},
    {"readings in it", "/storage/readings", FIGURE_PLAIN},
    {"of it roll-ups", "/storage/rollupBytes", FIGURE_BYTES},
    {"readings expired", "/storage/expired", FIGURE_PLAIN},
    {"memory", "/memory", FIGURE_BYTES},
};

static void write_figure(struct buf *b, const struct jval *v, enum figure figure)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double n;
    size_t unit = 0;
    if (figure == FIGURE_PLAIN || !jval_number(v, &n)) {
        value_words(b, v, 0);
    } else if (figure == FIGURE_SECONDS) {
        age_words(b, n);
    } else {
        for (; n >= 1000 && unit < 4; unit++)
            n /= 1000;
        buf_addf(b, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
    }
}

int status_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct answer a = {0};
    int code = client_open(in, &c);
    if (code == CODE_OK)
        code = client_get(c, "/api/v1/status", &a);
    if (code == CODE_OK && !option_on(in, "json")) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct buf b = {0};
            /* the document is ours to walk; nothing is changed in it */
            const struct jval *v = jval_pointer((struct jval *)(uintptr_t)a.json, rows[i].pointer);
            if (!v || v->type == J_NULL)
                continue;
            write_figure(&b, v, rows[i].figure);
            printf("%s%-19s%s %.*s\n", term_style(stdout, STYLE_DIM), rows[i].label,
                   term_end(stdout), SLICE_ARG(buf_slice(&b)));
            buf_release(&b);
        }
    } else {
        client_json(option_on(in, "json"), a.body);
    }
    client_close(c);
    return code;
}

int version_run(const struct invocation *in)
{
    if (option_on(in, "json"))
        printf("{\"version\":\"%s\",\"libuv\":\"%s\",\"openssl\":\"%s\",\"sqlite\":\"%s\"}\n",
               DOPPEL_VERSION, uv_version_string(), OpenSSL_version(OPENSSL_VERSION_STRING),
               sqlite3_libversion());
    else
        printf("doppel %s\nwith libuv %s, OpenSSL %s, SQLite %s, %s\n", DOPPEL_VERSION,
               uv_version_string(), OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion(),
               curl_version());
    return CODE_OK;
}
