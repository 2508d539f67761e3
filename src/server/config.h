/* config.h - the settings of the server, one table.
 *
 * A row has a place in the file, a flag, an environment variable, a type, a default and a sentence;
 * from the rows come the parsing of all three, `doppel serve --help`, --print-config and
 * docs/configuration.md.  A flag wins over the environment, that over the file, that over the
 * default.  One thread, before the server runs. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/buf.h"
#include "base/log.h"
#include "server/command.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_ADDRESS,  /* HOST:PORT, or off (NULL in the field) */
    CONFIG_BOOL,     /* true, false */
    CONFIG_COUNT,    /* a whole number */
    CONFIG_SIZE,     /* bytes: 65536, 64k, 16M, 1G */
    CONFIG_DURATION, /* 10s, 1m */
    CONFIG_LEVEL,    /* debug, info, warn, error */
};

struct config_row {
    const char *section, *key; /* in the file */
    const char *flag;          /* --FLAG, and DOPPEL_FLAG in the environment */
    enum config_type type;
    const char *fallback;
    size_t field;     /* offset of its member in struct config */
    double low, high; /* of counts, sizes (bytes) and durations (seconds) */
    const char *help;
};
extern const struct config_row config_rows[]; /* ended by a row without section */

enum config_from { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENV, CONFIG_FROM_FLAG };

enum { CONFIG_ROWS_MAX = 128 };

struct config {
    /* members by type: char * (NULL: not set or off), bool, int64_t for counts, sizes and
     * microseconds, enum log_level */
    char *data, *http, *https, *mqtt, *mqtts, *web, *tls_cert, *tls_key, *client_ca, *client_crl;
    char *sparkplug_host, *secret_key_file, *access, *host_names, *public_url;
    char *identity_providers, *allow_private_fetch, *fetch_ca, *trusted_proxies;
    bool require_client_cert, hsts;
    bool tls_self_signed, insecure_listen, demo, demo_restore, sparkplug, core_dumps;
    int64_t max_body, max_packet, http_connections, mqtt_connections, max_queued, max_watched;
    int64_t head_readings, flush_us, audit_retention_us;
    char *smtp, *smtp_from, *smtp_user, *smtp_password_file;
    bool smtp_plain;
    int64_t command_retention_us, command_queue;
    int64_t alarm_retention_us, alarm_flood, alarm_flood_twin;
    char *anonymous_ingest;
    int64_t requests_per_s, anonymous_requests_per_s;
    int64_t quota_twins, quota_series, quota_readings_per_s, quota_storage;
    char *provision, *line_twin_tags, *line_mapping, *graphql_documents;
    int64_t graphql_depth, graphql_cost, graphql_timeout_us;
    int64_t provision_twins_per_minute, provision_sensors_per_minute, provision_twins,
        provision_sensors;
    enum log_level log_level;

    char *text[CONFIG_ROWS_MAX]; /* what is in force, as written */
    enum config_from from[CONFIG_ROWS_MAX];
    char *where[CONFIG_ROWS_MAX]; /* "doppel.ini:7", "DOPPEL_HTTP", "--http"; NULL: the default */
    char *file;                   /* the file that was read, NULL: none */
};

/* Start with the defaults.  ERR_NOMEM. */
int config_init(struct config *c);
void config_release(struct config *c);

/* Set one row from text.  ERR_INVALID appends a sentence (no line end) to why.  A source that ranks
 * lower than what was set before changes nothing but is still checked. */
int config_set(struct config *c, size_t row, enum config_from from, const char *where,
               struct slice text, struct buf *why);

/* A file's text, called name in what is said.  Every mistake is told, a line each; ERR_INVALID
 * when there is one.  in_data: it is the data directory's own, which cannot name another. */
int config_read_file(struct config *c, const char *name, struct slice text, bool in_data,
                     struct buf *why);

/* DOPPEL_... of environ; names that are none of ours are told in why, but are no failure. */
int config_read_env(struct config *c, char *const *environment, struct buf *why, struct buf *odd);

/* Everything: defaults, then --config FILE or DATA/doppel.ini, environment, flags.  CODE_OK, or a
 * code after having said why on standard error. */
int config_load(struct config *c, const struct invocation *in);

/* The settings in force as a file again, each with where it came from. */
void config_print(const struct config *c, FILE *out);

/* The rows as options of a command line. */
const struct option_row *config_options(void);
void config_markdown(FILE *out); /* docs/configuration.md */

/* "16M", "64k", "123" as bytes; ERR_INVALID. */
int config_parse_size(struct slice text, int64_t *ret);

#endif
