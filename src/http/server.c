/* server.c - what all connections share: their list, the date, and the timeouts.
 *
 * Every kind of waiting has one length of time, so a list to whose end a connection is moved when
 * it begins to wait is in the order of the deadlines: starting, stopping and finding the next one
 * that is due cost nothing, with any number of connections. */
#include "base/clock.h"
#include "base/err.h"
#include "http/http_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

const struct http_opts http_defaults = {
    .max_header = 16384,
    .max_body = 16u << 20,
    .header_timeout_ms = 10000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 75000,
    .max_connections = 10000,
};

static uint64_t now_ms(const struct http_server *s)
{
    return uv_now(loop_uv(s->loop));
}

/* ---- waiting ---- */

static void set_timer(struct http_server *s, uint64_t at)
{
    if (s->timer_at && s->timer_at <= at)
        return;
    s->timer_at = at;
    uint64_t now = now_ms(s);
    loop_timer_start(s->timer, at > now ? at - now : 0, 0);
}

static void leave_list(struct http_conn *c)
{
    struct wait_list *list = &c->server->waits[c->wait];
    if (c->wait_prev)
        c->wait_prev->wait_next = c->wait_next;
    else
        list->first = c->wait_next;
    if (c->wait_next)
        c->wait_next->wait_prev = c->wait_prev;
    else
        list->last = c->wait_prev;
    c->wait_next = c->wait_prev = NULL;
    c->wait = WAIT_NONE;
}

void server_wait(struct http_conn *c, enum wait_kind kind)
{
    struct http_server *s = c->server;
    struct wait_list *list = &s->waits[kind];
    if (c->wait != WAIT_NONE)
        leave_list(c);
    if (kind == WAIT_NONE || !list->ms)
        return;
    c->wait = kind;
    c->wait_until = now_ms(s) + list->ms;
    c->wait_prev = list->last;
    if (list->last)
        list->last->wait_next = c;
    else
        list->first = c;
    list->last = c;
    set_timer(s, c->wait_until);
}

static void timed_out(struct http_conn *c, enum wait_kind kind)
{
    server_wait(c, WAIT_NONE);
    conn_enter(c);
    if (c->mode == CONN_H2)
        h2_timeout(c, kind);
    else
        h1_timeout(c, kind);
    conn_leave(c);
}

static void timer_fired(void *arg)
{
    struct http_server *s = arg;
    uint64_t now = now_ms(s);
    s->timer_at = 0;
    for (int kind = WAIT_NONE + 1; kind < WAIT_KINDS; kind++)
        while (s->waits[kind].first && s->waits[kind].first->wait_until <= now)
            timed_out(s->waits[kind].first, (enum wait_kind)kind);
    for (int kind = WAIT_NONE + 1; kind < WAIT_KINDS; kind++)
        if (s->waits[kind].first)
            set_timer(s, s->waits[kind].first->wait_until);
}

/* ---- the date ---- */

const char *server_date(struct http_server *s)
{
    int64_t second = clock_now_us() / 1000000;
    if (second != s->date_second) { /* by hand: strftime's names follow the locale */
        static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        snprintf(s->date, sizeof s->date, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
                 tm.tm_mday, months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min,
                 tm.tm_sec);
        s->date_second = second;
    }
    return s->date;
}

/* ---- the server ---- */

/* "Name: value\r\n"... as HTTP/2 wants them. */
static int parse_security(struct http_server *s)
{
    struct slice rest = slice_str(s->opts.security_headers), line, name;
    while (slice_cut(&rest, '\n', &line)) {
        struct slice value = line;
        if (!slice_cut(&value, ':', &name) || !value.p)
            continue;
        char *lower = arena_strndup(s->arena, name.p, name.n);
        struct slice copy = arena_dup(s->arena, slice_trim(value));
        if (!lower || !copy.p)
            return ERR_NOMEM;
        for (size_t i = 0; i < name.n; i++)
            lower[i] = (char)tolower((unsigned char)lower[i]);
        if (fields_add(&s->security, s->arena, slice_of(lower, name.n), copy) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

static void destroy(struct http_server *s)
{
    proxies_free(s->proxies);
    arena_free(s->arena);
    free(s);
}

int http_server_new(struct loop *l, const struct http_opts *opts, struct http_server **ret)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->loop = l;
    s->opts = *opts;
    if (!s->opts.security_headers)
        s->opts.security_headers = "";
    s->arena = arena_new();
    struct slice bad, trusted = slice_str(opts->trusted_proxies);
    int rc = s->arena ? parse_security(s) : ERR_NOMEM;
    if (rc == 0 && opts->trusted_proxies)
        rc = proxies_parse(trusted, &s->proxies, &bad);
    if (rc == 0)
        rc = loop_timer_new(l, timer_fired, s, &s->timer);
    if (rc != 0) {
        destroy(s);
        return rc;
    }
    s->security_len = strlen(s->opts.security_headers);
    s->waits[WAIT_HEAD].ms = opts->header_timeout_ms;
    s->waits[WAIT_BODY].ms = opts->body_timeout_ms;
    s->waits[WAIT_IDLE].ms = opts->idle_timeout_ms;
    s->waits[WAIT_STALL].ms = opts->body_timeout_ms;
    s->date_second = INT64_MIN;
    *ret = s;
    return 0;
}

/* Requests whose handlers are still at work hold the server's memory. */
void server_free_if_unused(struct http_server *s)
{
    if (s->ending && !s->live)
        destroy(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    s->live++; /* not while we are in here */
    while (s->conns)
        conn_goodbye(s->conns);
    s->ending = true;
    loop_timer_free(s->timer);
    req_free_spare(s);
    gzip_free(s->gzip);
    buf_release(&s->scratch);
    s->live--;
    server_free_if_unused(s);
}

size_t http_connections(const struct http_server *s)
{
    return s->count;
}
