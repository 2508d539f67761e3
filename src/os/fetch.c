/* fetch.c - one thread that has a curl multi handle.
 *
 * A call belongs to the loop's thread until it is put into `incoming`, then to the thread of the
 * transfers until it is in `finished`, then to the loop's thread again; it is freed there, behind
 * its callback.  What both look at meanwhile is `cancelled` alone.
 *
 * Every hop of a call makes a connection of its own (no reuse), so that none goes where the guard
 * did not look; the few transfers that a server makes can afford it. */
#include "os/fetch.h"

#include "base/clock.h"
#include "base/err.h"
#include "os/fetch_guard.h"
#include "os/fetch_url.h"
#include "os/internal.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ACTIVE = 16,
    WAITING = 256,
    HEADERS_MAX = 65536, /* of an answer, with those of the redirects */
    BODY_DEFAULT = 1 << 20,
    TIMEOUT_MS = 10000,
    CONNECT_MS = 5000,
};

struct calls {
    struct fetch_call *first, **end;
};

struct fetch {
    struct loop *loop;
    uv_async_t wake;
    CURLM *multi;
    struct fetch_guard *guard;
    char *ca_file, *user_agent;
    const char *(*resolve)(void *arg, const char *host);
    void *resolve_arg;
    int max_active, max_total;
    int total;                 /* calls there are (the loop's thread) */
    struct fetch_call *active; /* those that curl has (the thread of the transfers) */

    pthread_t thread;
    pthread_mutex_t lock; /* all below */
    struct calls incoming, finished;
    bool ending;
};

struct fetch_call {
    struct fetch *fetch;
    struct fetch_call *next; /* incoming, finished */
    struct fetch_call *active_next, **active_at;
    fetch_fn *fn; /* NULL: cancelled */
    void *arg;
    atomic_bool cancelled;

    /* what is asked */
    char *method, *url, *host;
    bool tls;
    struct curl_slist *headers, *resolved;
    struct buf body;
    size_t max_body;
    int redirects_left;
    int64_t deadline_us;

    /* what comes */
    CURL *curl;
    struct buf got;
    size_t header_bytes;
    int err, status;
    const char *blocked; /* what the address is that was refused; NULL: none was */
    char blocked_ip[ADDRESS_TEXT];
    char curl_why[CURL_ERROR_SIZE];
    char why[512];
};

static void calls_init(struct calls *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void calls_add(struct calls *q, struct fetch_call *c)
{
    c->next = NULL;
    *q->end = c;
    q->end = &c->next;
}

static struct fetch_call *calls_take(struct calls *q)
{
    struct fetch_call *c = q->first;
    if (c && !(q->first = c->next))
        q->end = &q->first;
    return c;
}

static void call_free(struct fetch_call *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->resolved);
    free(c->method);
    curl_free(c->url);
    curl_free(c->host);
    buf_release(&c->body);
    buf_release(&c->got);
    free(c);
}

/* ---- where it may go ---- */

/* May a socket be made to that address?  NULL: yes; else what is wrong with it. */
static const char *refusal(const struct fetch *f, const char *host, bool tls,
                           const struct sockaddr *a)
{
    if (fetch_guard_listed(f->guard, slice_str(host), a))
        return NULL;
    const char *what = fetch_guard_private(a);
    return what ? what : tls ? NULL : "to be reached with https alone";
}

int fetch_check_url(const struct fetch *f, const char *url, struct buf *why)
{
    struct fetch_target t;
    struct sockaddr_storage a;
    int err = fetch_target_read(url, &t, why);
    if (err)
        return err;
    const char *what =
        fetch_literal(t.host, &a) ? refusal(f, t.host, t.tls, (const struct sockaddr *)&a) : NULL;
    if (what) {
        if (why)
            buf_addf(why, "%s is %s; the operator can allow it with --allow-private-fetch", t.host,
                     what);
        err = ERR_ADDRESS;
    }
    curl_free(t.url);
    curl_free(t.host);
    return err;
}

/* ---- what curl asks us (the thread of the transfers) ---- */

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct fetch_call *c = arg;
    const char *what = purpose == CURLSOCKTYPE_IPCXN ? refusal(c->fetch, c->host, c->tls, &a->addr)
                                                     : "not what was asked for";
    if (what) {
        c->blocked = what;
        address_format(&a->addr, c->blocked_ip);
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct fetch_call *c = arg;
    if (n * one > c->max_body - c->got.n) {
        c->err = ERR_TOO_LARGE;
        return 0;
    }
    buf_add(&c->got, p, n * one);
    return c->got.failed ? 0 : n * one;
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct fetch_call *c = arg;
    (void)p;
    c->header_bytes += n * one;
    if (c->header_bytes <= HEADERS_MAX)
        return n * one;
    c->err = ERR_TOO_LARGE;
    return 0;
}

/* Whoever asked may have gone. */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t x, curl_off_t d)
{
    struct fetch_call *c = arg;
    (void)a, (void)b, (void)x, (void)d;
    return atomic_load(&c->cancelled) ? 1 : 0;
}

/* ---- a hop ---- */

static bool is_get(const struct fetch_call *c)
{
    return strcmp(c->method, "GET") == 0;
}

static void set_request(struct fetch_call *c)
{
    CURL *e = c->curl;
    if (c->body.p) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body.p);
    }
    if (strcmp(c->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (!is_get(c) || c->body.p)
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->method);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->fetch->user_agent);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
}

/* Nothing of the environment and nothing that is not HTTP. */
static void set_confines(struct fetch_call *c)
{
    CURL *e = c->curl;
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs is not waited for */
    curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->fetch->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, c->fetch->ca_file);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
}

/* What the test says of the host, as curl takes it: "+HOST:PORT:ADDRESS,ADDRESS". */
static void set_resolved(struct fetch_call *c)
{
    const struct fetch *f = c->fetch;
    const char *addresses = f->resolve ? f->resolve(f->resolve_arg, c->host) : NULL;
    char *port = NULL;
    CURLU *u = curl_url();
    curl_slist_free_all(c->resolved);
    c->resolved = NULL;
    if (addresses && u && curl_url_set(u, CURLUPART_URL, c->url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        char line[512];
        snprintf(line, sizeof line, "%s:%s:%s", c->host, port, addresses);
        c->resolved = curl_slist_append(NULL, line);
        curl_easy_setopt(c->curl, CURLOPT_RESOLVE, c->resolved);
    }
    curl_free(port);
    curl_url_cleanup(u);
}

static int hop_begin(struct fetch_call *c)
{
    CURL *e = c->curl;
    int64_t left_ms = (c->deadline_us - clock_mono_us()) / 1000;
    if (left_ms <= 0)
        return ERR_TIMEOUT;
    curl_easy_reset(e);
    buf_clear(&c->got);
    c->blocked = NULL;
    c->curl_why[0] = 0;
    set_confines(c);
    set_request(c);
    set_resolved(c);
    curl_easy_setopt(e, CURLOPT_URL, c->url);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     left_ms < CONNECT_MS ? (long)left_ms : (long)CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(e, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->curl_why);
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    return curl_multi_add_handle(c->fetch->multi, e) == CURLM_OK ? 0 : ERR_NOMEM;
}

/* Headers that identify us are not for another origin. */
static void drop_secrets(struct fetch_call *c)
{
    struct curl_slist *kept = NULL;
    for (struct curl_slist *h = c->headers; h; h = h->next) {
        struct slice rest = slice_str(h->data), name;
        slice_cut(&rest, ':', &name);
        if (!slice_is_nocase(name, "authorization") && !slice_is_nocase(name, "cookie"))
            kept = curl_slist_append(kept, h->data);
    }
    curl_slist_free_all(c->headers);
    c->headers = kept;
}

static int refuse(struct fetch_call *c, int err, const char *why)
{
    snprintf(c->why, sizeof c->why, "%s", why);
    return err;
}

/* 0: the next hop is under way. */
static int redirect(struct fetch_call *c, const char *location)
{
    struct fetch_target t;
    struct buf why = {0};
    if (c->redirects_left-- <= 0)
        return refuse(c, ERR_UNREACHABLE, "it leads on and on");
    int err = fetch_target_read(location, &t, &why);
    if (err) {
        snprintf(c->why, sizeof c->why, "it leads on to what may not be fetched: %.*s",
                 SLICE_ARG(buf_slice(&why)));
        buf_release(&why);
        return ERR_ADDRESS;
    }
    bool weaker = c->tls && !t.tls;
    if (!fetch_same_origin(c->url, t.url))
        drop_secrets(c);
    curl_free(c->url);
    curl_free(c->host);
    c->url = t.url;
    c->host = t.host;
    c->tls = t.tls;
    if (weaker)
        return refuse(c, ERR_ADDRESS, "it leads on from https to http");
    return hop_begin(c);
}

/* ---- the end of a hop ---- */

static void tell_failure(struct fetch_call *c, CURLcode result)
{
    const char *words = c->curl_why[0] ? c->curl_why : curl_easy_strerror(result);
    if (c->blocked) {
        c->err = ERR_ADDRESS;
        snprintf(c->why, sizeof c->why,
                 "%s is %s (%s); the operator can allow it with --allow-private-fetch", c->host,
                 c->blocked, c->blocked_ip);
    } else if (atomic_load(&c->cancelled)) {
        c->err = ERR_CANCELLED;
    } else if (c->err == ERR_TOO_LARGE) {
        snprintf(c->why, sizeof c->why, "%s answers with more than %zu bytes", c->host,
                 c->header_bytes > HEADERS_MAX ? (size_t)HEADERS_MAX : c->max_body);
    } else if (c->got.failed || result == CURLE_OUT_OF_MEMORY) {
        c->err = ERR_NOMEM;
    } else if (result == CURLE_OPERATION_TIMEDOUT) {
        c->err = ERR_TIMEOUT;
        snprintf(c->why, sizeof c->why, "%s did not answer in time", c->host);
    } else {
        c->err = ERR_UNREACHABLE;
        snprintf(c->why, sizeof c->why, "%s cannot be reached: %s", c->host, words);
    }
}

static void finish(struct fetch_call *c)
{
    struct fetch *f = c->fetch;
    if (c->err && !c->why[0])
        snprintf(c->why, sizeof c->why, "%s", err_info(c->err)->text);
    pthread_mutex_lock(&f->lock);
    bool was_empty = !f->finished.first;
    calls_add(&f->finished, c);
    if (was_empty && !f->ending)
        uv_async_send(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

/* True: the call is over. */
static bool hop_end(struct fetch_call *c, CURLcode result)
{
    char *location = NULL;
    long status = 0;
    curl_multi_remove_handle(c->fetch->multi, c->curl);
    if (result != CURLE_OK) {
        tell_failure(c, result);
        return true;
    }
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->curl, CURLINFO_REDIRECT_URL, &location);
    c->status = (int)status;
    if (!location || !is_get(c) || c->redirects_left < 0)
        return true;
    char *next = strdup(location); /* it belongs to the handle */
    c->err = next ? redirect(c, next) : ERR_NOMEM;
    free(next);
    return c->err != 0;
}

/* ---- the thread ---- */

static struct fetch_call *next_incoming(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    struct fetch_call *c = calls_take(&f->incoming);
    pthread_mutex_unlock(&f->lock);
    return c;
}

static void activate(struct fetch_call *c)
{
    struct fetch *f = c->fetch;
    c->active_next = f->active;
    c->active_at = &f->active;
    if (f->active)
        f->active->active_at = &c->active_next;
    f->active = c;
}

static void deactivate(struct fetch_call *c)
{
    *c->active_at = c->active_next;
    if (c->active_next)
        c->active_next->active_at = c->active_at;
}

static bool is_ending(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    bool ending = f->ending;
    pthread_mutex_unlock(&f->lock);
    return ending;
}

/* How many calls ended. */
static int take_ended(struct fetch *f)
{
    CURLMsg *m;
    int left, ended = 0;
    while ((m = curl_multi_info_read(f->multi, &left))) {
        struct fetch_call *c = NULL;
        CURLcode result = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        if (m->msg != CURLMSG_DONE || !hop_end(c, result))
            continue;
        deactivate(c);
        finish(c);
        ended++;
    }
    return ended;
}

static void end_all(struct fetch *f)
{
    struct fetch_call *c;
    while ((c = f->active)) {
        deactivate(c);
        curl_multi_remove_handle(f->multi, c->curl);
        c->err = ERR_CANCELLED;
        finish(c);
    }
    while ((c = next_incoming(f))) {
        c->err = ERR_CANCELLED;
        finish(c);
    }
}

static void *run_thread(void *arg)
{
    struct fetch *f = arg;
    int active = 0, running;
    pthread_setname_np(pthread_self(), "doppel-fetch");
    while (!is_ending(f)) {
        struct fetch_call *c;
        while (active < f->max_active && (c = next_incoming(f))) {
            if ((c->err = atomic_load(&c->cancelled) ? ERR_CANCELLED : hop_begin(c))) {
                finish(c);
            } else {
                activate(c);
                active++;
            }
        }
        curl_multi_perform(f->multi, &running);
        int ended = take_ended(f);
        active -= ended;
        if (!ended) /* else others may wait for the place */
            curl_multi_poll(f->multi, NULL, 0, 60000, NULL);
    }
    end_all(f);
    return NULL;
}

/* ---- the loop's thread ---- */

static void deliver(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    struct fetch_call *c = f->finished.first;
    calls_init(&f->finished);
    pthread_mutex_unlock(&f->lock);
    while (c) {
        struct fetch_call *next = c->next;
        const struct fetch_answer a = {.err = c->err,
                                       .why = c->err ? c->why : NULL,
                                       .status = c->err ? 0 : c->status,
                                       .body = c->err ? slice_of(NULL, 0) : buf_slice(&c->got),
                                       .url = c->url,
                                       .call = c};
        f->total--;
        if (c->fn)
            c->fn(c->arg, &a);
        call_free(c);
        c = next;
    }
}

static void woken(uv_async_t *handle)
{
    struct fetch *f = handle->data;
    loop_wake(f->loop);
    deliver(f);
}

struct slice fetch_header(const struct fetch_answer *a, const char *name)
{
    struct curl_header *h;
    if (a->err || curl_easy_header(a->call->curl, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return slice_of(NULL, 0);
    return slice_str(h->value);
}

static int take_headers(struct fetch_call *c, const char *const *headers, struct buf *why)
{
    for (; headers && *headers; headers++) {
        if (!fetch_is_header(slice_str(*headers)))
            return fetch_say(why, ERR_INVALID, "a header holds characters that no header has");
        struct curl_slist *more = curl_slist_append(c->headers, *headers);
        if (!more)
            return ERR_NOMEM;
        c->headers = more;
    }
    if (c->body.p) { /* no round trip before a large body */
        struct curl_slist *more = curl_slist_append(c->headers, "Expect:");
        c->headers = more ? more : c->headers;
    }
    return 0;
}

static int call_new(struct fetch *f, const struct fetch_ask *ask, struct fetch_call **ret,
                    struct buf *why)
{
    struct fetch_target t = {0};
    struct fetch_call *c = calloc(1, sizeof *c);
    int err = c ? fetch_target_read(ask->url, &t, why) : ERR_NOMEM;
    if (err)
        goto fail;
    c->fetch = f;
    c->url = t.url;
    c->host = t.host;
    c->tls = t.tls;
    c->method = strdup(ask->method ? ask->method : "GET");
    c->curl = curl_easy_init();
    c->max_body = ask->max_body ? ask->max_body : BODY_DEFAULT;
    c->redirects_left = ask->max_redirects > 0 ? ask->max_redirects : -1;
    c->deadline_us = clock_mono_us() + 1000LL * (ask->timeout_ms ? ask->timeout_ms : TIMEOUT_MS);
    if (ask->body.p)
        buf_add(&c->body, ask->body.n ? ask->body.p : "", ask->body.n);
    if (ask->body.p && !c->body.p) /* empty, but there */
        buf_reserve(&c->body, 1);
    err = c->method && c->curl && !c->body.failed ? 0 : ERR_NOMEM;
    if (!err && !fetch_is_token(slice_str(c->method)))
        err = fetch_say(why, ERR_INVALID, "the method is none of HTTP");
    if (!err)
        err = take_headers(c, ask->headers, why);
    if (err)
        goto fail;
    *ret = c;
    return 0;
fail:
    call_free(c);
    return err;
}

int fetch_start(struct fetch *f, const struct fetch_ask *ask, fetch_fn *fn, void *arg,
                struct fetch_call **ret_call, struct buf *why)
{
    struct fetch_call *c;
    if (f->ending) /* this thread wrote it: no lock */
        return fetch_say(why, ERR_CANCELLED, "the server is ending");
    if (f->total >= f->max_total)
        return fetch_say(why, ERR_OVERLOAD, "too much is being fetched already");
    int err = call_new(f, ask, &c, why);
    if (err)
        return err;
    c->fn = fn;
    c->arg = arg;
    f->total++;
    pthread_mutex_lock(&f->lock);
    calls_add(&f->incoming, c);
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    if (ret_call)
        *ret_call = c;
    return 0;
}

void fetch_cancel(struct fetch_call *c)
{
    c->fn = NULL;
    atomic_store(&c->cancelled, true);
    curl_multi_wakeup(c->fetch->multi);
}

/* ---- begin and end ---- */

static void curl_begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void closed(uv_handle_t *handle)
{
    struct fetch *f = handle->data;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void release(struct fetch *f)
{
    curl_multi_cleanup(f->multi);
    fetch_guard_free(f->guard);
    free(f->ca_file);
    free(f->user_agent);
}

static int set_opts(struct fetch *f, const struct fetch_opts *o, struct buf *why)
{
    f->max_active = o->max_active > 0 ? o->max_active : ACTIVE;
    f->max_total = f->max_active + (o->max_waiting > 0 ? o->max_waiting : WAITING);
    f->resolve = o->resolve;
    f->resolve_arg = o->resolve_arg;
    f->multi = curl_multi_init();
    f->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
    f->user_agent = o->user_agent ? strdup(o->user_agent) : NULL;
    if (!f->multi || (o->ca_file && !f->ca_file) || (o->user_agent && !f->user_agent))
        return ERR_NOMEM;
    if (f->ca_file && access(f->ca_file, R_OK) != 0) {
        buf_addf(why, "%s cannot be read", f->ca_file);
        return ERR_INVALID;
    }
    return fetch_guard_new(o->allow_private, &f->guard, why);
}

int fetch_new(struct loop *l, const struct fetch_opts *opts, struct fetch **ret, struct buf *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_begin);
    struct fetch *f = calloc(1, sizeof *f);
    int err = f ? set_opts(f, opts, why) : ERR_NOMEM;
    if (err)
        goto fail;
    if (uv_async_init(&l->uv, &f->wake, woken) != 0) {
        err = ERR_IO;
        goto fail;
    }
    f->wake.data = f;
    f->loop = l;
    pthread_mutex_init(&f->lock, NULL);
    calls_init(&f->incoming);
    calls_init(&f->finished);

    /* signals are for the thread that runs the loop */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&f->thread, NULL, run_thread, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        release(f);
        uv_close((uv_handle_t *)&f->wake, closed);
        return ERR_NOMEM;
    }
    *ret = f;
    return 0;
fail:
    if (f)
        release(f);
    free(f);
    return err;
}

void fetch_free(struct fetch *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->ending = true;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    pthread_join(f->thread, NULL);
    deliver(f);
    release(f);
    uv_close((uv_handle_t *)&f->wake, closed);
}
