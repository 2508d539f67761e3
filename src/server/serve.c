/* serve.c - doppel serve: everything put together, from the settings to the last goodbye.
 *
 * Stopping.  The first SIGINT or SIGTERM stops the loop; what is open is closed in reverse order
 * and the core writes what it has in memory to the history, for END_MS; what is left then stays in
 * the journal.  The memory of twins is not freed: the system does it.  Should all that take longer
 * than STOP_MS the process ends there and then: everything that was acknowledged is in the journal,
 * and the next start reads it.  A second signal ends it at once, for the same reason.
 *
 * SIGUSR1 loads the certificates anew, and so does SIGHUP, as it does to most servers; but where
 * the server has a terminal, SIGHUP says that this was closed, and ends it. */
#include "access/audit.h"
#include "access/setup.h"
#include "alarms/deliver.h"
#include "api/api.h"
#include "ask/ask.h"
#include "base/clock.h"
#include "base/err.h"
#include "control/control.h"
#include "os/file.h"
#include "rules/rules.h"
#include "server/assets.h"
#include "server/certs.h"
#include "server/config.h"
#include "server/datadir.h"
#include "server/demo.h"
#include "server/grants.h"
#include "server/identity.h"
#include "server/local_token.h"
#include "server/run.h"
#include "server/secrets.h"
#include "server/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { STOP_MS = 1700, END_MS = 800, LISTENERS = 4 };

#ifdef DOPPEL_SANITIZED
enum { LEAVE_MEMORY = false, TRACED = true }; /* leaks are looked for, by tracing */
#else
enum { LEAVE_MEMORY = true, TRACED = false };
#endif

struct server {
    const struct config *config;
    int lock;
    struct secrets secrets;
    struct local_tokens local;
    struct loop *loop;
    struct core *core;
    struct control *control;
    struct alarms *alarms;
    struct rules *rules;
    struct mailer *mailer;
    struct broker *broker;
    struct asks *asks;
    struct api *api;
    struct http_server *http;
    struct certs *certs;
    struct net_listener *listeners[LISTENERS]; /* http, https, mqtt, mqtts */
    struct demo *demo;
    struct grants grants;
    struct identity identity;
};

/* ---- signals ---- */

static struct loop *signalled_loop;
static volatile sig_atomic_t signals;

static void say_and_end(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n;
    _exit(0);
}

static void on_late(int number)
{
    (void)number;
    say_and_end(
        "doppel: ending before everything was written to the history; the journal has it\n");
}

static void on_signal(int number)
{
    int kept = errno;
    struct itimerval late = {.it_value = {STOP_MS / 1000, STOP_MS % 1000 * 1000}};
    (void)number;
    if (signals++)
        say_and_end("doppel: ending at once; the journal has what was acknowledged\n");
    setitimer(ITIMER_REAL, &late, NULL);
    loop_stop(signalled_loop);
    errno = kept;
}

static void on_reload(int number)
{
    (void)number;
    certs_ask();
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void set_signals(struct loop *l)
{
    struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction late = {.sa_handler = on_late};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    signalled_loop = l;
    sigaction(SIGALRM, &late, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    /* a terminal that is closed ends the server too, unless nohup said that it shall not */
    struct sigaction hangup, reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &reload, NULL);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, has_terminal() ? &stop : &reload, NULL);
}

/* Secrets are in memory: it goes to no file when we crash and to no debugger of the same user.  And
 * whatever we start can never do more than we may. */
static void protect_process(const struct config *c)
{
    const struct rlimit none = {0};
    if (!c->core_dumps && !TRACED) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        setrlimit(RLIMIT_CORE, &none);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* As many open connections as the system allows. */
static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t want =
        files.rlim_max == RLIM_INFINITY || files.rlim_max > 1048576 ? 1048576 : files.rlim_max;
    if (files.rlim_cur < want) {
        files.rlim_cur = want;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* ---- the listeners ---- */

struct wanted {
    const char *flag, *address;
    bool tls, http;
};

static void wanted_listeners(const struct config *c, struct wanted ret[LISTENERS])
{
    ret[0] = (struct wanted){"http", c->http, false, true};
    ret[1] = (struct wanted){"https", c->https, true, true};
    ret[2] = (struct wanted){"mqtt", c->mqtt, false, false};
    ret[3] = (struct wanted){"mqtts", c->mqtts, true, false};
}

static bool is_open(const struct config *c)
{
    return strcmp(c->access, "open") == 0;
}

/* What speaks against an address that other machines reach; NULL: nothing. */
static const char *exposure(const struct config *c, const struct wanted *w, bool no_administrator)
{
    if (!w->address || c->insecure_listen || net_is_loopback(w->address))
        return NULL;
    if (is_open(c))
        return "with --access open whoever reaches it can read, change and delete everything";
    if (!w->tls)
        return "without TLS whoever is on the way reads passwords and tokens: use --https and "
               "--mqtts";
    return no_administrator
               ? "there is no administrator yet: start on loopback and open the set-up "
                 "link first"
               : NULL;
}

static int check_addresses(const struct config *c, bool no_administrator)
{
    struct wanted w[LISTENERS];
    wanted_listeners(c, w);
    if (!is_open(c) && strcmp(c->access, "locked") != 0) {
        term_problem("--access is locked or open, not \"%s\"", c->access);
        return CODE_USAGE;
    }
    for (size_t i = 0; i < LISTENERS; i++) {
        const char *why = exposure(c, &w[i], no_administrator);
        if (!why)
            continue;
        term_problem("--%s %s can be reached from other machines, and %s.  If that is what you "
                     "want, say so with --insecure-listen",
                     w[i].flag, w[i].address, why);
        return CODE_USAGE;
    }
    return CODE_OK;
}

static int open_listeners(struct server *s)
{
    struct wanted w[LISTENERS];
    wanted_listeners(s->config, w);
    for (size_t i = 0; i < LISTENERS; i++) {
        const char *why = "";
        struct net_tls *tls = !w[i].tls   ? NULL
                              : w[i].http ? certs_https(s->certs)
                                          : certs_mqtts(s->certs);
        if (!w[i].address)
            continue;
        int err =
            net_listen(s->loop, w[i].address, tls, w[i].http ? http_accept : broker_accept,
                       w[i].http ? (void *)s->http : (void *)s->broker, &s->listeners[i], &why);
        if (err) {
            term_problem("cannot listen on %s: %s.  Choose another address with --%s HOST:PORT, or "
                         "port 0 for a free one",
                         w[i].address, why, w[i].flag);
            return err == ERR_INVALID ? CODE_USAGE : CODE_FAILED;
        }
    }
    return CODE_OK;
}

static const char *address_of(const struct server *s, size_t i)
{
    return s->listeners[i] ? net_address(s->listeners[i]) : NULL;
}

/* Tell everyone where we are, now that free ports are chosen. */
static int announce(struct server *s)
{
    const struct api_addresses at = {.http = address_of(s, 0),
                                     .https = address_of(s, 1),
                                     .mqtt = address_of(s, 2),
                                     .mqtts = address_of(s, 3)};
    struct buf endpoint = {0};
    if (at.mqtt || at.mqtts)
        buf_addf(&endpoint, "%s://%s/twins/", at.mqtt ? "mqtt" : "mqtts",
                 at.mqtt ? at.mqtt : at.mqtts);
    else
        buf_addf(&endpoint, "mqtt://127.0.0.1:1883/twins/");
    buf_add_byte(&endpoint, 0);
    if (endpoint.failed)
        return CODE_FAILED;
    core_set_endpoint(s->core, endpoint.p);
    buf_release(&endpoint);
    api_set_addresses(s->api, &at);
    return CODE_OK;
}

/* The token for the command line beside us.  Without it that has to sign in. */
static void write_local_token(struct server *s)
{
    const char *addresses[LISTENERS];
    char text[TOKEN_CHARACTERS_MAX + 1];
    struct token token;
    struct buf why = {0};
    if (is_open(s->config))
        return;
    for (size_t i = 0; i < LISTENERS; i++)
        addresses[i] = address_of(s, i);
    token_make(TOKEN_LOCAL, text, &token);
    access_set_local(core_access(s->core), slice_str(text));
    if (local_tokens_write(&s->local, addresses, LISTENERS, text, &why))
        log_warn("server", "the command line has no token of its own here: %.*s",
                 SLICE_ARG(buf_slice(&why)));
    explicit_bzero(text, sizeof text);
    buf_release(&why);
}

/* The way in for the first administrator, while there is none who can sign in. */
static void print_setup_link(const struct server *s)
{
    char token[TOKEN_CHARACTERS_MAX + 1];
    struct access *a = core_access(s->core);
    const char *at = address_of(s, 0) ? address_of(s, 0) : address_of(s, 1);
    if (!setup_is_wanted(a))
        return;
    if (!at || setup_link(a, slice_of("", 0), token))
        return;
    bool any = strncmp(at, "0.0.0.0:", 8) == 0 || strncmp(at, "[::]:", 5) == 0;
    fputs("set-up link, which works once and for an hour: ", stdout);
    if (s->identity.public_url)
        fputs(s->identity.public_url, stdout);
    else
        printf("%s://%s%s", address_of(s, 0) ? "http" : "https", any ? "localhost" : at,
               any ? strrchr(at, ':') : "");
    printf("/setup#%s\n", token);
}

static void print_addresses(const struct server *s)
{
    struct wanted w[LISTENERS];
    const char *page = address_of(s, 0) ? address_of(s, 0) : address_of(s, 1);
    wanted_listeners(s->config, w);
    fputs("listening", stdout);
    for (size_t i = 0; i < LISTENERS; i++) {
        if (s->listeners[i])
            printf(" %s=%s", w[i].flag, address_of(s, i));
    }
    putchar('\n');
    if (isatty(STDOUT_FILENO) && page)
        printf("\n  Doppel is running.  Open  %s%s://%s%s\n  Everything is kept in %s; Ctrl-C ends "
               "it.\n\n",
               term_style(stdout, STYLE_BOLD), address_of(s, 0) ? "http" : "https", page,
               term_end(stdout), s->config->data);
    print_setup_link(s);
    fflush(stdout);
}

/* ---- up and down ---- */

static int failed(const char *what, int err)
{
    term_problem("%s: %s", what, err_info(err)->text);
    return CODE_FAILED;
}

static int open_core(struct server *s)
{
    const struct config *c = s->config;
    const struct core_opts opts = {.dir = c->data,
                                   .mqtt_endpoint = "mqtt://127.0.0.1:1883/twins/",
                                   .head_readings = (size_t)c->head_readings,
                                   .end_ms = END_MS,
                                   .leave_memory = LEAVE_MEMORY,
                                   .access_open = is_open(c),
                                   .keys = s->secrets.ring,
                                   .audit_retention_us = c->audit_retention_us,
                                   .quotas = {.twins = (uint64_t)c->quota_twins,
                                              .series = (uint64_t)c->quota_series,
                                              .readings_per_s = (uint64_t)c->quota_readings_per_s,
                                              .storage_bytes = (uint64_t)c->quota_storage},
                                   .flush_ms = (unsigned)(c->flush_us / 1000)};
    const char *why = NULL;
    int64_t began = clock_mono_us();
    int err = core_open(s->loop, &opts, &s->core, &why);
    if (err) {
        term_problem("the data in %s cannot be opened: %s", c->data,
                     why ? why : err_info(err)->text);
        return CODE_FAILED;
    }
    log_info("server", "data in %s, %zu twins, opened in %.0f ms", c->data,
             core_twin_count(s->core), (double)(clock_mono_us() - began) / 1000);
    return CODE_OK;
}

/* ---- what alarms do elsewhere ---- */

static int publish_alarm(void *arg, struct org *org, struct slice topic, struct slice payload)
{
    const struct server *s = arg;
    return s->broker ? broker_tell(s->broker, org, topic, payload) : ERR_OVERLOAD;
}

static int open_mailer(struct server *s)
{
    const struct config *c = s->config;
    struct buf password = {0}, why = {0};
    if (!c->smtp)
        return CODE_OK;
    if (c->smtp_password_file && file_read(c->smtp_password_file, 4096, &password)) {
        term_problem("--smtp-password-file %s cannot be read", c->smtp_password_file);
        return CODE_USAGE;
    }
    while (password.n && (unsigned char)password.p[password.n - 1] <= ' ')
        password.n--;
    if (password.n)
        buf_add_byte(&password, 0);
    const struct mail_opts opts = {.url = c->smtp,
                                   .from = c->smtp_from,
                                   .user = c->smtp_user,
                                   .password = password.n ? password.p : NULL,
                                   .ca_file = c->fetch_ca,
                                   .plain = c->smtp_plain};
    int err = mailer_new(s->loop, &opts, &s->mailer, &why);
    if (err && why.n)
        term_problem("--smtp, --smtp-from: %.*s", SLICE_ARG(buf_slice(&why)));
    else if (err)
        failed("mail cannot be set up", err);
    secret_release(&password);
    buf_release(&why);
    return err ? (err == ERR_INVALID ? CODE_USAGE : CODE_FAILED) : CODE_OK;
}

static int open_control(struct server *s)
{
    const struct control_opts opts = {.retention_us = s->config->command_retention_us,
                                      .queue = (size_t)s->config->command_queue};
    int err = control_new(s->loop, s->core, &opts, &s->control);
    return err ? failed("commands cannot be set up, or not read from the catalog", err) : CODE_OK;
}

static int open_alarms(struct server *s)
{
    const struct deliver_opts deliver = {.fetch = s->identity.fetch,
                                         .mailer = s->mailer,
                                         .keys = s->secrets.ring,
                                         .public_url = s->identity.public_url,
                                         .publish = publish_alarm,
                                         .arg = s};
    const struct alarms_opts opts = {.deliver = &deliver,
                                     .retention_us = s->config->alarm_retention_us,
                                     .twin_flood = (unsigned)s->config->alarm_flood_twin,
                                     .org_flood = (unsigned)s->config->alarm_flood};
    int err = alarms_new(s->loop, s->core, &opts, &s->alarms);
    return err ? failed("alarms cannot be set up, or not read from the catalog", err) : CODE_OK;
}

static int open_rules(struct server *s)
{
    int err = rules_new(s->loop, s->core, s->alarms, &s->rules);
    return err ? failed("rules cannot be set up", err) : CODE_OK;
}

static int open_broker(struct server *s)
{
    const struct config *c = s->config;
    struct buf name = {0};
    buf_addf(&name, "%s/mqtt", c->data);
    char *dir = buf_take(&name);
    const struct broker_opts opts = {.dir = dir,
                                     .max_packet = (size_t)c->max_packet,
                                     .max_queued = (size_t)c->max_queued,
                                     .max_connections = (int)c->mqtt_connections,
                                     .sparkplug = c->sparkplug,
                                     .sparkplug_host = c->sparkplug_host,
                                     .anonymous = s->grants.anonymous[GRANT_MQTT],
                                     .anonymous_tls = s->grants.anonymous[GRANT_MQTTS],
                                     .grant = grants_of(&s->grants, GRANT_MQTT),
                                     .grant_tls = grants_of(&s->grants, GRANT_MQTTS)};
    int err = dir ? broker_new(s->loop, s->core, &opts, &s->broker) : ERR_NOMEM;
    free(dir);
    return err;
}

/* With an open door only what somebody asked for. */
static uint64_t rate_of(const struct config *c, const char *flag, int64_t n)
{
    for (size_t i = 0; config_rows[i].section; i++)
        if (strcmp(config_rows[i].flag, flag) == 0 && c->from[i] == CONFIG_FROM_DEFAULT)
            return is_open(c) ? 0 : (uint64_t)n;
    return (uint64_t)n;
}

/* False: said why.  The documents are read once the API is there. */
static bool set_graphql(const struct config *c, struct api_opts *api, struct buf *documents)
{
    api->graphql_depth = (size_t)c->graphql_depth;
    api->graphql_cost = (uint64_t)c->graphql_cost;
    api->graphql_timeout_ms = (unsigned)(c->graphql_timeout_us / 1000);
    if (!c->graphql_documents)
        return true;
    int err = file_read(c->graphql_documents, 16 << 20, documents);
    buf_add_byte(documents, 0);
    if (err) {
        term_problem("the documents of GraphQL %s cannot be read: %s", c->graphql_documents,
                     file_why(err));
        buf_release(documents);
    }
    api->graphql_documents = documents->p;
    return !err;
}

static int open_front(struct server *s)
{
    const struct config *c = s->config;
    struct api_opts api = {.version = DOPPEL_VERSION,
                           .assets = assets_n ? assets : NULL,
                           .assets_n = assets_n,
                           .web_dir = c->web,
                           .host_names = c->host_names,
                           .public_url = s->identity.public_url,
                           .oidc = s->identity.oidc,
                           .alarms = s->alarms,
                           .rules = s->rules,
                           .control = s->control,
                           .fetch = s->identity.fetch,
                           .keys = s->secrets.ring,
                           .max_watched = (size_t)c->max_watched,
                           .anonymous_http = s->grants.anonymous[GRANT_HTTP],
                           .anonymous_https = s->grants.anonymous[GRANT_HTTPS],
                           .grant_http = grants_of(&s->grants, GRANT_HTTP),
                           .grant_https = grants_of(&s->grants, GRANT_HTTPS)};
    api.requests_per_s = rate_of(c, "requests-per-second", c->requests_per_s);
    api.anonymous_requests_per_s =
        rate_of(c, "anonymous-requests-per-second", c->anonymous_requests_per_s);
    struct http_opts http = http_defaults;
    if (c->sparkplug_host && strpbrk(c->sparkplug_host, "/+#")) {
        term_problem("--sparkplug-host takes an id without / + and #");
        return CODE_USAGE;
    }
    int code = grants_line_map(c, &api.line_map);
    if (code != CODE_OK)
        return code;
    struct buf documents = {0};
    if (!set_graphql(c, &api, &documents)) {
        line_map_free(api.line_map);
        return CODE_USAGE;
    }
    int err = open_broker(s);
    if (err) {
        line_map_free(api.line_map);
        buf_release(&documents);
        return failed("MQTT cannot be set up, or its sessions in the directory mqtt not read", err);
    }
    if ((err = asks_new(s->loop, s->core, &s->asks))) {
        line_map_free(api.line_map);
        buf_release(&documents);
        return failed("questions cannot be taken", err);
    }
    api.asks = s->asks;
    err = api_new(s->loop, s->core, s->broker, &api, &s->api);
    buf_release(&documents);
    if (err)
        return failed("the API cannot be set up", err);
    http.max_body = (size_t)c->max_body;
    http.max_connections = (int)c->http_connections;
    http.on_request = api_on_request;
    http.arg = s->api;
    http.security_headers = api_security_headers;
    http.trusted_proxies = c->trusted_proxies;
    http.hsts = c->hsts && c->tls_cert;
    if ((err = http_server_new(s->loop, &http, &s->http)))
        return failed("HTTP cannot be set up", err);
    return CODE_OK;
}

static int open_all(struct server *s)
{
    const struct config *c = s->config;
    const char *why = "";
    int code, err = datadir_take(c->data, &s->lock, &why);
    if (err) {
        term_problem("%s", why);
        return CODE_FAILED;
    }
    if ((err = loop_new(&s->loop)))
        return failed("the event loop cannot be set up", err);
    set_signals(s->loop);
    if ((code = secrets_start(c, &s->secrets)) != CODE_OK ||
        (code = grants_read(c, &s->grants)) != CODE_OK ||
        (code = certs_open(s->loop, c, &s->certs)) != CODE_OK || (code = open_core(s)) != CODE_OK ||
        (code = check_addresses(c, setup_is_wanted(core_access(s->core)))) != CODE_OK ||
        (code = identity_open(s->loop, c, s->core, s->secrets.ring, &s->identity)) != CODE_OK ||
        (code = open_mailer(s)) != CODE_OK || (code = open_control(s)) != CODE_OK ||
        (code = open_alarms(s)) != CODE_OK || (code = open_rules(s)) != CODE_OK ||
        (code = open_front(s)) != CODE_OK || (code = open_listeners(s)) != CODE_OK ||
        (code = announce(s)) != CODE_OK)
        return code;
    write_local_token(s);
    if (c->demo && (err = demo_start(s->loop, s->core, c->data, c->demo_restore, &s->demo)))
        return failed("the demo cannot be started", err);
    return CODE_OK;
}

static void close_all(struct server *s)
{
    local_tokens_remove(&s->local); /* while nobody else can listen there */
    demo_stop(s->demo);
    for (size_t i = 0; i < LISTENERS; i++) {
        if (s->listeners[i])
            net_listener_free(s->listeners[i]);
    }
    rules_free(s->rules);
    alarms_stop(s->alarms);
    control_stop(s->control);
    mailer_free(s->mailer);
    identity_stop(&s->identity);
    asks_free(s->asks);
    if (s->core)
        core_stop(s->core); /* while those who wait can still be answered */
    if (s->broker)
        broker_goodbye(s->broker); /* also to those who come through http */
    if (s->http)
        http_server_free(s->http);
    if (s->api)
        api_free(s->api);
    if (s->broker)
        broker_free(s->broker);
    identity_close(&s->identity);
    alarms_free(s->alarms);
    control_free(s->control);
    if (s->core)
        core_close(s->core);
    certs_close(s->certs);
    if (s->loop)
        loop_free(s->loop);
    secrets_close(&s->secrets);
    if (s->lock >= 0)
        close(s->lock);
}

/* ---- what the audit log says of the server itself ---- */

static void note(const struct server *s, const char *operation, const char *detail)
{
    struct access *a = core_access(s->core);
    struct asker by = {.who = access_the_system(a), .from = {.via = "server"}};
    access_note(a, &by,
                &(struct audit_note){.installation = true,
                                     .operation = operation,
                                     .object = "installation",
                                     .detail = detail});
}

/* Which version, where it can be reached, and who comes in. */
static void note_start(const struct server *s)
{
    struct wanted w[LISTENERS];
    struct buf text = {0};
    wanted_listeners(s->config, w);
    buf_addf(&text, "Doppel %s, --access %s", DOPPEL_VERSION, s->config->access);
    for (size_t i = 0; i < LISTENERS; i++)
        if (s->listeners[i])
            buf_addf(&text, ", %s at %s%s", w[i].flag, address_of(s, i),
                     net_is_loopback(w[i].address) ? "" : " (other machines reach it)");
    buf_addf(&text, "%s", s->config->insecure_listen ? ", --insecure-listen" : "");
    buf_add_byte(&text, 0);
    note(s, "server:start", text.failed ? NULL : text.p);
    buf_release(&text);
}

static int serve(const struct config *c)
{
    struct server s = {.config = c, .lock = -1};
    log_set_level(c->log_level);
    umask(077);
    protect_process(c);
    raise_limits();
    int code = open_all(&s);
    if (code == CODE_OK) {
        note_start(&s);
        print_addresses(&s);
        int err = loop_run(s.loop);
        if (err)
            code = failed("the event loop ended", err);
        log_info("server", "ending");
        note(&s, "server:stop", "the server ends");
    }
    close_all(&s);
    return code;
}

int serve_run(const struct invocation *in)
{
    struct config c;
    int code = config_load(&c, in);
    if (code != CODE_OK)
        return code;
    if (option_on(in, "print-config"))
        config_print(&c, stdout);
    else if ((code = check_addresses(&c, false)) == CODE_OK)
        code = serve(&c);
    config_release(&c);
    return code;
}
