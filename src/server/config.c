#include "server/config.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/line_map.h"
#include "server/ini.h"
#include "server/suggest.h"

#include <math.h>
#include <stdlib.h>

#define FIELD(name) offsetof(struct config, name)

/* clang-format off: a row a line */
const struct config_row config_rows[] = {
    {"server", "data", "data", CONFIG_PATH, "data", FIELD(data), 0, 0,
     "directory where everything is kept; made when missing"},
    {"server", "http", "http", CONFIG_ADDRESS, "127.0.0.1:8080", FIELD(http), 0, 0,
     "where the page, REST and the stream are; port 0 takes a free one"},
    {"server", "https", "https", CONFIG_ADDRESS, "off", FIELD(https), 0, 0,
     "the same over TLS, with HTTP/2"},
    {"server", "mqtt", "mqtt", CONFIG_ADDRESS, "127.0.0.1:1883", FIELD(mqtt), 0, 0,
     "where MQTT 3.1.1 and 5.0 are"},
    {"server", "mqtts", "mqtts", CONFIG_ADDRESS, "off", FIELD(mqtts), 0, 0, "MQTT over TLS"},
    {"server", "access", "access", CONFIG_TEXT, "locked", FIELD(access), 0, 0,
     "locked: who asks shows who they are; open: everybody may do everything"},
    {"server", "host-names", "host-names", CONFIG_TEXT, "", FIELD(host_names), 0, 0,
     "names, with commas between, by which browsers reach this server, beside its addresses, "
     "localhost and the name of the machine"},
    {"server", "public-url", "public-url", CONFIG_TEXT, "", FIELD(public_url), 0, 0,
     "how browsers reach this server, such as https://twins.example.org, where that is not what "
     "their requests say: behind a proxy that ends TLS"},
    {"server", "identity-providers", "identity-providers", CONFIG_PATH, "",
     FIELD(identity_providers), 0, 0,
     "file with identity providers of OpenID Connect, {\"providers\":[...]}, beside those that "
     "administrators set up; docs/access.md tells its form"},
    {"server", "insecure-listen", "insecure-listen", CONFIG_BOOL, "false", FIELD(insecure_listen),
     0, 0,
     "allow addresses that other machines reach with --access open, without TLS, or while there is "
     "no administrator"},
    {"server", "trusted-proxies", "trusted-proxies", CONFIG_TEXT, "", FIELD(trusted_proxies), 0, 0,
     "addresses and networks of proxies, with commas between (127.0.0.1, 10.0.0.0/8), that are "
     "believed in X-Forwarded-For and X-Forwarded-Proto; docs/tls.md"},
    {"server", "web", "web", CONFIG_PATH, "", FIELD(web), 0, 0,
     "directory with the page's files, instead of those inside the program"},
    {"tls", "cert", "tls-cert", CONFIG_PATH, "", FIELD(tls_cert), 0, 0,
     "the certificate and its chain (PEM), for https and mqtts"},
    {"tls", "key", "tls-key", CONFIG_PATH, "", FIELD(tls_key), 0, 0, "the certificate's key (PEM)"},
    {"tls", "self-signed", "tls-self-signed", CONFIG_BOOL, "false", FIELD(tls_self_signed), 0, 0,
     "use the data directory's own certificate (tls/), made when missing and before it expires, by "
     "an authority of its own; doppel tls init tells how to trust that"},
    {"tls", "client-ca", "client-ca", CONFIG_PATH, "", FIELD(client_ca), 0, 0,
     "certificates of authorities (PEM): clients of https and mqtts are asked for a certificate, "
     "and "
     "one that they show must be by one of these"},
    {"tls", "client-crl", "client-crl", CONFIG_PATH, "", FIELD(client_crl), 0, 0,
     "lists of revoked certificates (PEM), one of every authority in client-ca that issues"},
    {"tls", "require-client-cert", "require-client-cert", CONFIG_BOOL, "false",
     FIELD(require_client_cert), 0, 0, "mqtts refuses who shows no certificate"},
    {"fetch", "allow-private", "allow-private-fetch", CONFIG_TEXT, "", FIELD(allow_private_fetch),
     0, 0,
     "addresses (10.1.2.3), blocks of them (10.0.0.0/8) and names of hosts, with commas between, "
     "that the server may fetch from although they are not public, and by http as well: an "
     "identity provider of one's own"},
    {"fetch", "ca", "fetch-ca", CONFIG_PATH, "", FIELD(fetch_ca), 0, 0,
     "certificates of authorities (PEM) that are believed where the server fetches, beside those "
     "of "
     "the system"},
    {"secrets", "key-file", "secret-key-file", CONFIG_PATH, "", FIELD(secret_key_file), 0, 0,
     "file with the keys under which secrets are sealed, instead of secret.key in the data "
     "directory, "
     "whose keys then still open; or put a key into DOPPEL_SECRET_KEY; docs/protection.md"},
    {"tls", "hsts", "hsts", CONFIG_BOOL, "true", FIELD(hsts), 0, 0,
     "with a certificate that is not the data directory's own: tell browsers to come over https "
     "alone, for a year (Strict-Transport-Security)"},
    {"limits", "max-body", "max-body", CONFIG_SIZE, "16M", FIELD(max_body), 1024, 4294967296.0,
     "largest body of an HTTP request and largest message on the stream"},
    {"limits", "max-packet", "max-packet", CONFIG_SIZE, "16M", FIELD(max_packet), 1024, 268435456,
     "largest MQTT packet"},
    {"limits", "http-connections", "http-connections", CONFIG_COUNT, "10000",
     FIELD(http_connections), 1, 1000000, "open HTTP connections, the stream's included"},
    {"limits", "mqtt-connections", "mqtt-connections", CONFIG_COUNT, "20000",
     FIELD(mqtt_connections), 1, 1000000, "open MQTT connections"},
    {"limits", "max-queued", "max-queued", CONFIG_COUNT, "10000", FIELD(max_queued), 1, 10000000,
     "MQTT messages waiting for one session"},
    {"limits", "max-watched", "max-watched", CONFIG_COUNT, "1000000", FIELD(max_watched), 1,
     100000000, "sensors that all readers of the stream watch together"},
    {"storage", "head-readings", "head-readings", CONFIG_COUNT, "16000000", FIELD(head_readings),
     1000, 100000000,
     "newest readings kept in memory; when there are more they are written to the history"},
    {"storage", "flush", "flush", CONFIG_DURATION, "30s", FIELD(flush_us), 0.1, 86400,
     "how long a reading stays in memory before it is written to the history (it is on disk in the "
     "journal from the start)"},
    {"limits", "requests-per-second", "requests-per-second", CONFIG_COUNT, "1000",
     FIELD(requests_per_s), 0, 10000000,
     "HTTP requests of one person, service account, device or link; five times as many at once; 0 "
     "is no limit.  With --access open there is none unless it is given"},
    {"limits", "anonymous-requests-per-second", "anonymous-requests-per-second", CONFIG_COUNT,
     "100", FIELD(anonymous_requests_per_s), 0, 10000000,
     "the same of one address from which nobody is signed in"},
    {"graphql", "depth", "graphql-depth", CONFIG_COUNT, "20", FIELD(graphql_depth), 1, 100,
     "levels that an operation in GraphQL may have; docs/graphql.md"},
    {"graphql", "cost", "graphql-cost", CONFIG_COUNT, "50000", FIELD(graphql_cost), 1, 1000000000,
     "what an operation in GraphQL may cost, counted before it is carried out"},
    {"graphql", "timeout", "graphql-timeout", CONFIG_DURATION, "30s", FIELD(graphql_timeout_us),
     0.1, 3600, "how long an operation in GraphQL may take"},
    {"graphql", "documents", "graphql-documents", CONFIG_PATH, "", FIELD(graphql_documents), 0, 0,
     "file with the documents of GraphQL that may be asked, and no others: a JSON array of texts, "
     "or "
     "an object of them by name"},
    {"quotas", "twins", "quota-twins", CONFIG_COUNT, "0", FIELD(quota_twins), 0, 1e12,
     "twins that an organisation may have which is made from now on; 0 is no limit; "
     "docs/access.md"},
    {"quotas", "series", "quota-series", CONFIG_COUNT, "0", FIELD(quota_series), 0, 1e12,
     "the same of series, which sensors have"},
    {"quotas", "readings-per-second", "quota-readings-per-second", CONFIG_COUNT, "0",
     FIELD(quota_readings_per_s), 0, 1e12, "the same of readings in a second"},
    {"quotas", "storage", "quota-storage", CONFIG_SIZE, "0", FIELD(quota_storage), 0, 1e15,
     "the same of bytes of history"},
    {"commands", "retention", "command-retention", CONFIG_DURATION, "2y",
     FIELD(command_retention_us), .low = 60, .high = 3153600000.0,
     .help = "how long commands that have ended are kept"},
    {"commands", "queue", "command-queue", CONFIG_COUNT, "100", FIELD(command_queue), .low = 1,
     .high = 10000, .help = "commands of one twin that may be open at once"},
    {"alarms", "retention", "alarm-retention", CONFIG_DURATION, "2y", FIELD(alarm_retention_us),
     .low = 60, .high = 3153600000.0,
     .help = "how long settled alarms, events and what was sent to others are kept"},
    {"alarms", "flood-twin", "alarm-flood-twin", CONFIG_COUNT, "20", FIELD(alarm_flood_twin),
     .low = 1, .high = 1000000,
     .help = "alarms of one twin in a minute above which one alarm tells of the others, with their "
             "number"},
    {"alarms", "flood", "alarm-flood", CONFIG_COUNT, "500", FIELD(alarm_flood), .low = 1,
     .high = 100000000, .help = "the same of an organisation"},
    {"mail", "server", "smtp", CONFIG_TEXT, "", FIELD(smtp), 0, 0,
     "the server that takes mail, as smtp://HOST:PORT (with STARTTLS) or smtps://HOST:PORT; "
     "without it no mail is sent; docs/alarms.md"},
    {"mail", "from", "smtp-from", CONFIG_TEXT, "", FIELD(smtp_from), 0, 0, "the sender of mail"},
    {"mail", "user", "smtp-user", CONFIG_TEXT, "", FIELD(smtp_user), 0, 0,
     "the name by which this server signs in there"},
    {"mail", "password-file", "smtp-password-file", CONFIG_PATH, "", FIELD(smtp_password_file), 0,
     0, "a file with the password"},
    {"mail", "plain", "smtp-plain", CONFIG_BOOL, "false", FIELD(smtp_plain), 0, 0,
     "send mail without TLS: to a mail server on this machine"},
    {"audit", "retention", "audit-retention", CONFIG_DURATION, "2y", FIELD(audit_retention_us),
     86400, 100 * 366 * 86400.0, "how long the lines of the audit log stay; docs/audit.md"},
    {"provision", "listeners", "provision", CONFIG_TEXT, "", FIELD(provision), 0, 0,
     "listeners (http, https, mqtt, mqtts, with commas between) over which twins and sensors are "
     "made that a device speaks of in line protocol or Sparkplug and that are not there; none does "
     "so unless it is named"},
    {"provision", "anonymous-ingest", "anonymous-ingest", CONFIG_TEXT, "", FIELD(anonymous_ingest),
     0, 0,
     "listeners (http, https, mqtt, mqtts, with commas between) that take readings of twins of the "
     "first organisation from anybody: for devices that can show nothing, in a network of their "
     "own"},
    {"provision", "twins-per-minute", "provision-twins-per-minute", CONFIG_COUNT, "1000",
     FIELD(provision_twins_per_minute), 0, 1000000,
     "how many such twins a listener makes at most in a minute"},
    {"provision", "sensors-per-minute", "provision-sensors-per-minute", CONFIG_COUNT, "50000",
     FIELD(provision_sensors_per_minute), 0, 10000000, "how many such sensors, in a minute"},
    {"provision", "twins", "provision-twins", CONFIG_COUNT, "100000", FIELD(provision_twins), 0,
     100000000, "how many such twins a listener makes at most until the server is started again"},
    {"provision", "sensors", "provision-sensors", CONFIG_COUNT, "1000000", FIELD(provision_sensors),
     0, 1000000000, "how many such sensors, until then"},
    {"line", "twin-tags", "line-twin-tags", CONFIG_TEXT, LINE_TWIN_TAGS, FIELD(line_twin_tags), 0,
     0,
     "tags of line protocol that name the twin, the first that a point has; without one its "
     "measurement does"},
    {"line", "mapping", "line-mapping", CONFIG_PATH, "", FIELD(line_mapping), 0, 0,
     "file with rules which twin and sensor a point of line protocol speaks of; "
     "docs/line-protocol.md tells its form"},
    {"sparkplug", "enabled", "sparkplug", CONFIG_BOOL, "true", FIELD(sparkplug), 0, 0,
     "make readings of what edge nodes publish as Sparkplug B (spBv1.0/...); docs/sparkplug.md"},
    {"sparkplug", "host", "sparkplug-host", CONFIG_TEXT, "", FIELD(sparkplug_host), 0, 0,
     "id under which the server says as spBv1.0/STATE/ID that it is there, for edge nodes that "
     "wait for their primary host"},
    {"demo", "enabled", "demo", CONFIG_BOOL, "false", FIELD(demo), 0, 0,
     "make and drive the demo's twins"},
    {"demo", "restore", "demo-restore", CONFIG_BOOL, "false", FIELD(demo_restore), 0, 0,
     "make those of the demo's twins again that were deleted"},
    {"developer", "core-dumps", "core-dumps", CONFIG_BOOL, "false", FIELD(core_dumps), 0, 0,
     "let the system write the server's memory to disk when it crashes, and debuggers look into "
     "it: "
     "secrets are in there"},
    {"log", "level", "log-level", CONFIG_LEVEL, "info", FIELD(log_level), 0, 0,
     "how much is told on standard error: debug, info, warn or error"},
    {0},
};
/* clang-format on */

static const char *const type_words[] = {"TEXT", "PATH",  "HOST:PORT", NULL,
                                         "N",    "BYTES", "DURATION",  "LEVEL"};

const struct option_row *config_options(void)
{
    static struct option_row rows[CONFIG_ROWS_MAX + 3];
    if (rows[0].name)
        return rows;
    size_t n = 0;
    for (const struct config_row *r = config_rows; r->section; r++)
        rows[n++] = (struct option_row){
            .name = r->flag,
            .negatable = r->type == CONFIG_BOOL,
            .value = type_words[r->type],
            .fallback = r->type == CONFIG_BOOL || !*r->fallback ? NULL : r->fallback,
            .help = r->help};
    rows[n++] =
        (struct option_row){.name = "config",
                            .value = "FILE",
                            .otherwise = "DATA/doppel.ini when it is there",
                            .help = "file with settings; docs/configuration.md tells its form"};
    rows[n++] =
        (struct option_row){.name = "print-config",
                            .help = "print the settings in force, and where each came from, "
                                    "as such a file; then end"};
    return rows;
}

/* ---- values ---- */

int config_parse_size(struct slice text, int64_t *ret)
{
    static const char suffixes[] = "kMGT";
    int shift = 0;
    if (text.n > 0) {
        char last = text.p[text.n - 1];
        const char *at = last == 'K' ? suffixes : strchr(suffixes, last);
        if (at && *at) {
            shift = 10 * (int)(at - suffixes + 1);
            text.n--;
        }
    }
    uint64_t n;
    if (slice_to_u64(text, &n) || n > (uint64_t)INT64_MAX >> shift)
        return ERR_INVALID;
    *ret = (int64_t)(n << shift);
    return 0;
}

/* HOST:PORT, [::1]:PORT; the name itself is looked at when listening. */
static bool is_address(struct slice s)
{
    ptrdiff_t colon = -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ':')
            colon = (ptrdiff_t)i;
        if ((unsigned char)s.p[i] <= ' ')
            return false;
    }
    uint64_t port;
    if (colon < 1 || slice_to_u64(slice_skip(s, (size_t)colon + 1), &port) || port > 65535)
        return false;
    struct slice host = slice_of(s.p, (size_t)colon);
    return slice_find(host, ':') < 0 || (host.p[0] == '[' && host.p[host.n - 1] == ']');
}

static int parse_bool(struct slice s, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (slice_is_nocase(s, yes[i]) || slice_is_nocase(s, no[i])) {
            *ret = slice_is_nocase(s, yes[i]);
            return 0;
        }
    }
    return ERR_INVALID;
}

union config_value {
    bool boolean;
    int64_t number;
    enum log_level level;
};

static int parse_value(const struct config_row *r, struct slice s, union config_value *ret)
{
    int err = 0;
    double scale = 1;
    char name[16];
    switch (r->type) {
    case CONFIG_BOOL:
        return parse_bool(s, &ret->boolean);
    case CONFIG_COUNT:
        err = slice_to_i64(s, &ret->number);
        break;
    case CONFIG_SIZE:
        err = config_parse_size(s, &ret->number);
        break;
    case CONFIG_DURATION:
        err = clock_parse_duration(s, &ret->number);
        scale = 1e6;
        break;
    case CONFIG_LEVEL:
        if (s.n >= sizeof name)
            return ERR_INVALID;
        snprintf(name, sizeof name, "%.*s", SLICE_ARG(s));
        return log_level_parse(name, &ret->level) ? ERR_INVALID : 0;
    case CONFIG_ADDRESS:
        return slice_is(s, "off") || is_address(s) ? 0 : ERR_INVALID;
    case CONFIG_TEXT:
    case CONFIG_PATH:
        return memchr(s.p ? s.p : "", 0, s.n) ? ERR_INVALID : 0;
    }
    if (err)
        return ERR_INVALID;
    double n = (double)ret->number;
    return n >= r->low * scale && n <= r->high * scale ? 0 : ERR_INVALID;
}

static void add_expected(struct buf *why, const struct config_row *r)
{
    switch (r->type) {
    case CONFIG_BOOL:
        buf_add_str(why, "true or false");
        break;
    case CONFIG_COUNT:
        buf_addf(why, "a whole number from %.0f to %.0f", r->low, r->high);
        break;
    case CONFIG_SIZE:
        buf_addf(why, "bytes such as 65536, 64k or 16M, from %.0f to %.0f", r->low, r->high);
        break;
    case CONFIG_DURATION:
        buf_addf(why, "a duration such as 500ms, 10s or 1m, from %g to %.0f seconds", r->low,
                 r->high);
        break;
    case CONFIG_LEVEL:
        buf_add_str(why, "debug, info, warn or error");
        break;
    case CONFIG_ADDRESS:
        buf_add_str(why, "HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, or off");
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
        buf_add_str(why, "text without NUL");
        break;
    }
}

static void store_value(struct config *c, const struct config_row *r, union config_value v,
                        char *text)
{
    char *member = (char *)c + r->field;
    switch (r->type) {
    case CONFIG_BOOL:
        memcpy(member, &v.boolean, sizeof v.boolean);
        break;
    case CONFIG_COUNT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        memcpy(member, &v.number, sizeof v.number);
        break;
    case CONFIG_LEVEL:
        memcpy(member, &v.level, sizeof v.level);
        break;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_ADDRESS: {
        /* the member points to the kept text */
        bool none = !*text || (r->type == CONFIG_ADDRESS && strcmp(text, "off") == 0);
        char *value = none ? NULL : text;
        memcpy(member, &value, sizeof value);
        break;
    }
    }
}

/* A slice, which ends in no NUL, as a string of the caller's. */
static char *text_of(struct slice s)
{
    struct buf b = {0};
    buf_add_slice(&b, s);
    return buf_take(&b);
}

int config_set(struct config *c, size_t row, enum config_from from, const char *where,
               struct slice text, struct buf *why)
{
    const struct config_row *r = &config_rows[row];
    union config_value v = {0};
    if (parse_value(r, text, &v)) {
        buf_addf(why, "\"%.*s\" does not fit %s, which takes ", SLICE_ARG(text), r->flag);
        add_expected(why, r);
        return ERR_INVALID;
    }
    if (from < c->from[row])
        return 0;
    char *kept = text_of(text), *kept_where = where ? strdup(where) : NULL;
    if (!kept || (where && !kept_where)) {
        free(kept);
        free(kept_where);
        buf_add_str(why, "out of memory");
        return ERR_NOMEM;
    }
    store_value(c, r, v, kept);
    free(c->text[row]);
    free(c->where[row]);
    c->text[row] = kept;
    c->where[row] = kept_where;
    c->from[row] = from;
    return 0;
}

int config_init(struct config *c)
{
    struct buf why = {0};
    *c = (struct config){0};
    for (size_t i = 0; config_rows[i].section; i++) {
        int err =
            config_set(c, i, CONFIG_FROM_DEFAULT, NULL, slice_str(config_rows[i].fallback), &why);
        if (err) {
            buf_release(&why);
            config_release(c);
            return err;
        }
    }
    return 0;
}

void config_release(struct config *c)
{
    for (size_t i = 0; i < CONFIG_ROWS_MAX; i++) {
        free(c->text[i]);
        free(c->where[i]);
    }
    free(c->file);
    *c = (struct config){0};
}

/* ---- the file ---- */

struct reading_file {
    struct config *config;
    const char *name;
    bool in_data;
    struct buf *why;
    int err;
    size_t lines[CONFIG_ROWS_MAX]; /* where each row was set in this file */
};

static void complain(struct reading_file *f, size_t line)
{
    f->err = ERR_INVALID;
    buf_addf(f->why, "%s:%zu: ", f->name, line);
}

static void on_file_error(void *arg, size_t line, const char *sentence)
{
    struct reading_file *f = arg;
    complain(f, line);
    buf_addf(f->why, "%s\n", sentence);
}

static void unknown_setting(struct reading_file *f, const struct ini_entry *e)
{
    struct suggestion s;
    char wanted[128], best[128] = "";
    snprintf(wanted, sizeof wanted, "%.*s", SLICE_ARG(e->key));
    suggest_begin(&s, wanted);
    for (const struct config_row *r = config_rows; r->section; r++) {
        if (slice_is(e->section, r->section))
            suggest_offer(&s, r->key);
    }
    if (s.best)
        snprintf(best, sizeof best, "; did you mean \"%s\"?", s.best);
    for (const struct config_row *r = config_rows; r->section && !s.best; r++) {
        if (slice_is(e->key, r->key) || slice_is(e->key, r->flag))
            snprintf(best, sizeof best, "; did you mean \"%s\" in [%s]?", r->key, r->section);
    }
    complain(f, e->line);
    buf_addf(f->why, "there is no setting \"%.100s\" in [%.*s]%s\n", wanted, SLICE_ARG(e->section),
             best);
}

/* The data directory's own file may say where it is, but not that it is elsewhere. */
static bool names_itself(struct config *c, struct slice value)
{
    char *text = text_of(value);
    char *there = text ? realpath(text, NULL) : NULL;
    char *here = c->data ? realpath(c->data, NULL) : NULL;
    bool same = there && here && strcmp(here, there) == 0;
    free(text);
    free(there);
    free(here);
    return same;
}

static void on_file_entry(void *arg, const struct ini_entry *e)
{
    struct reading_file *f = arg;
    size_t i = 0;
    while (config_rows[i].section &&
           !(slice_is(e->section, config_rows[i].section) && slice_is(e->key, config_rows[i].key)))
        i++;
    if (!config_rows[i].section) {
        unknown_setting(f, e);
        return;
    }
    if (f->lines[i]) {
        complain(f, e->line);
        buf_addf(f->why, "%s was set in line %zu already\n", config_rows[i].key, f->lines[i]);
        return;
    }
    f->lines[i] = e->line;
    if (f->in_data && config_rows[i].field == FIELD(data)) {
        if (!names_itself(f->config, e->value)) {
            complain(f, e->line);
            buf_add_str(f->why, "this file is found through the data directory and cannot name "
                                "another; use --data or DOPPEL_DATA\n");
        }
        return;
    }
    struct buf why = {0};
    char where[512];
    snprintf(where, sizeof where, "%s:%zu", f->name, e->line);
    if (config_set(f->config, i, CONFIG_FROM_FILE, where, e->value, &why)) {
        complain(f, e->line);
        buf_addf(f->why, "%.*s\n", SLICE_ARG(buf_slice(&why)));
    }
    buf_release(&why);
}

int config_read_file(struct config *c, const char *name, struct slice text, bool in_data,
                     struct buf *why)
{
    struct reading_file f = {.config = c, .name = name, .in_data = in_data, .why = why};
    const struct ini_events events = {on_file_entry, on_file_error};
    ini_read(text, &events, &f);
    return f.err;
}

/* ---- the environment ---- */

static void env_name(const char *flag, char *ret, size_t size)
{
    snprintf(ret, size, "DOPPEL_%s", flag);
    for (char *p = ret; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
}

/* Others may have variables under our prefix; a word is due only where a slip is likely. */
static void unknown_variable(struct buf *odd, const char *name)
{
    struct suggestion s;
    char ours[CONFIG_ROWS_MAX][64];
    suggest_begin(&s, name + strlen("DOPPEL_"));
    for (size_t i = 0; config_rows[i].section; i++) {
        env_name(config_rows[i].flag, ours[i], sizeof ours[i]);
        suggest_offer(&s, ours[i] + strlen("DOPPEL_"));
    }
    if (s.best)
        buf_addf(odd, "there is no setting %s; did you mean DOPPEL_%s?\n", name, s.best);
}

int config_read_env(struct config *c, char *const *environment, struct buf *why, struct buf *odd)
{
    int err = 0;
    for (; environment && *environment; environment++) {
        char name[128], ours[128];
        size_t n = strcspn(*environment, "="), i = 0;
        if (strncmp(*environment, "DOPPEL_", 7) != 0 || n >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n, *environment);
        for (; config_rows[i].section; i++) {
            env_name(config_rows[i].flag, ours, sizeof ours);
            if (strcmp(name, ours) == 0)
                break;
        }
        if (!config_rows[i].section) {
            if (strcmp(name, "DOPPEL_SERVER") != 0 && strcmp(name, "DOPPEL_CONFIG") != 0 &&
                strcmp(name, "DOPPEL_SECRET_KEY") != 0 && strcmp(name, "DOPPEL_TOKEN") != 0)
                unknown_variable(odd, name);
            continue;
        }
        struct slice value = slice_str(*environment + n + ((*environment)[n] == '='));
        if (value.n == 0) /* empty is as if it were not there */
            continue;
        if (config_set(c, i, CONFIG_FROM_ENV, name, value, why)) {
            err = ERR_INVALID;
            buf_addf(why, " (from %s)\n", name);
        }
    }
    return err;
}
