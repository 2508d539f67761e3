/* certs.c - which certificates the listeners show, and how they are replaced while they run.
 *
 * Every second the files are looked at (time, size, inode).  Certificate and key are written one
 * after the other by whoever renews them, so what has changed is loaded only when it has been the
 * same for two looks.  What cannot be loaded, or has expired, is told in the log, once for each
 * change of the files, and the old certificate stays.  A signal (serve.c) loads at the next look.
 * Reading is done on a thread of its own: a hundred thousand revoked certificates take a second.
 *
 * The data directory's own certificate (own_cert.h) is looked after hourly, too.
 *
 * Connections go on with what they began with, but for one case: those whose own certificate is
 * revoked now, has expired, or is by an authority that is trusted no more, end. */
#include "server/certs.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/own_cert.h"
#include "server/term.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LOOK_MS = 1000, SWEEP_LOOKS = 60, KEEP_LOOKS = 3600, FILES = 4 };
#define SOON_US (INT64_C(14) * 86400 * 1000000)

/* What tells that a file is not the same as before. */
struct stamp {
    struct {
        int64_t s, ns;
        uint64_t size, inode, device;
    } of[FILES];
};

struct certs {
    struct loop *loop;
    struct loop_timer *timer;
    struct net_tls *https, *mqtts;
    struct pool *pool;   /* of one thread: a list of the revoked may take a second to read */
    struct pool_job job; /* loading, or looking after our own certificate */
    bool busy;           /* it is under way */
    struct {             /* what it comes to */
        int err;
        struct net_tls_fresh *https, *mqtts;
        struct buf why;
    } read;
    char *files[FILES];        /* certificate, key, authorities of clients, revoked */
    struct stamp loaded, seen; /* when they were loaded or refused; at the last look */
    const char *own;           /* the data directory, when its own certificate is shown */
    unsigned looks, keep_at;
};

static volatile sig_atomic_t asked;

void certs_ask(void)
{
    asked = 1;
}

static struct stamp stamp_of(const struct certs *s)
{
    struct stamp ret;
    memset(&ret, 0, sizeof ret); /* it is compared as bytes */
    for (size_t i = 0; i < FILES; i++) {
        struct stat st;
        if (!s->files[i] || stat(s->files[i], &st) != 0)
            continue;
        ret.of[i].s = st.st_mtim.tv_sec;
        ret.of[i].ns = st.st_mtim.tv_nsec;
        ret.of[i].size = (uint64_t)st.st_size;
        ret.of[i].inode = st.st_ino;
        ret.of[i].device = st.st_dev;
    }
    return ret;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void tell_expiry(const struct certs *s)
{
    int64_t end = net_tls_expires_us(s->https ? s->https : s->mqtts), now = clock_now_us();
    struct buf when = {0};
    clock_format(&when, end);
    if (end < now)
        log_warn("tls", "the certificate %s has expired on %.*s", s->files[0],
                 SLICE_ARG(buf_slice(&when)));
    else if (end - now < SOON_US)
        log_warn("tls", "the certificate %s expires on %.*s", s->files[0],
                 SLICE_ARG(buf_slice(&when)));
    else
        log_info("tls", "the certificate %s is good until %.*s", s->files[0],
                 SLICE_ARG(buf_slice(&when)));
    buf_release(&when);
}

static void sweep(struct certs *s)
{
    size_t n = 0;
    if (s->https)
        n += net_tls_sweep(s->loop, s->https);
    if (s->mqtts)
        n += net_tls_sweep(s->loop, s->mqtts);
    if (n)
        log_info("tls", "%zu connections ended whose certificates are not trusted any more", n);
}

/* ---- on the pool's thread, and back ---- */

static void read_files(void *arg)
{
    struct certs *s = arg;
    const char *why = "";
    s->read.err = s->https ? net_tls_read(s->https, &s->read.https, &why) : 0;
    if (!s->read.err && s->mqtts)
        s->read.err = net_tls_read(s->mqtts, &s->read.mqtts, &why);
    buf_add_str(&s->read.why, why);
}

/* Both listeners take up what is new, or neither. */
static void files_read(void *arg)
{
    struct certs *s = arg;
    s->busy = false;
    if (s->read.err) {
        log_error("tls", "what has changed is not used, what was loaded before stays: %.*s",
                  SLICE_ARG(buf_slice(&s->read.why)));
        net_tls_fresh_free(s->read.https);
    } else {
        if (s->https)
            net_tls_use(s->https, s->read.https);
        if (s->mqtts)
            net_tls_use(s->mqtts, s->read.mqtts);
        tell_expiry(s);
        sweep(s);
    }
    buf_release(&s->read.why);
    s->read.https = s->read.mqtts = NULL;
}

static void keep_own(void *arg)
{
    struct certs *s = arg;
    bool changed;
    s->read.err = own_cert_keep(s->own, &changed, &s->read.why);
}

/* What has changed is found by the next look. */
static void own_kept(void *arg)
{
    struct certs *s = arg;
    s->busy = false;
    if (s->read.err)
        log_error("tls", "the certificate cannot be made anew: %.*s",
                  SLICE_ARG(buf_slice(&s->read.why)));
    buf_release(&s->read.why);
}

static void begin(struct certs *s, loop_fn *work, loop_fn *done)
{
    s->busy = true;
    s->job = (struct pool_job){.work = work, .done = done, .arg = s};
    pool_submit(s->pool, &s->job);
}

static void look(void *arg)
{
    struct certs *s = arg;
    struct stamp now = stamp_of(s);
    bool still = same(&now, &s->seen);
    s->seen = now;
    s->looks++;
    if (s->looks % SWEEP_LOOKS == 0)
        sweep(s); /* certificates expire */
    if (s->busy)
        return;
    if (asked || (still && !same(&now, &s->loaded))) {
        asked = 0;
        s->loaded = now;
        begin(s, read_files, files_read);
    } else if (s->own && s->looks >= s->keep_at) {
        s->keep_at = s->looks + KEEP_LOOKS;
        begin(s, keep_own, own_kept);
    }
}

/* ---- the beginning ---- */

static bool set_file(struct certs *s, size_t i, const char *dir, const char *name)
{
    struct buf b = {0};
    if (!name)
        return true;
    if (dir)
        buf_addf(&b, "%s/tls/", dir);
    buf_add_str(&b, name);
    s->files[i] = buf_take(&b);
    return s->files[i] != NULL;
}

/* The certificate: the one that was named, or the data directory's own, made when missing. */
static int find(struct certs *s, const struct config *c)
{
    struct buf why = {0};
    int err = 0;
    bool changed;
    s->own = c->tls_self_signed ? c->data : NULL;
    if (s->own)
        err = own_cert_keep(s->own, &changed, &why);
    if (err && own_cert_is_there(s->own)) {
        log_warn("tls", "the certificate cannot be made anew: %.*s", SLICE_ARG(buf_slice(&why)));
        err = 0;
    } else if (err) {
        term_problem("the certificate in %s/tls cannot be made: %.*s", s->own,
                     SLICE_ARG(buf_slice(&why)));
    }
    buf_release(&why);
    if (err)
        return CODE_FAILED;
    if (set_file(s, 0, s->own, s->own ? "cert.pem" : c->tls_cert) &&
        set_file(s, 1, s->own, s->own ? "key.pem" : c->tls_key) &&
        set_file(s, 2, NULL, c->client_ca) && set_file(s, 3, NULL, c->client_crl))
        return CODE_OK;
    term_problem("out of memory");
    return CODE_FAILED;
}

static int load(struct certs *s, const struct config *c)
{
    const char *why = "";
    struct net_tls_opts o = {.cert_file = s->files[0],
                             .key_file = s->files[1],
                             .alpn = "h2,http/1.1,http/1.0",
                             .client_ca_file = s->files[2],
                             .client_crl_file = s->files[3]};
    int err = c->https ? net_tls_new(&o, &s->https, &why) : 0;
    o.alpn = "mqtt";
    o.client_cert_required = c->require_client_cert;
    if (!err && c->mqtts)
        err = net_tls_new(&o, &s->mqtts, &why);
    if (err)
        term_problem("TLS cannot be set up: %s", why);
    return err ? CODE_FAILED : CODE_OK;
}

int certs_open(struct loop *l, const struct config *c, struct certs **ret)
{
    struct certs *s = calloc(1, sizeof *s);
    int code = CODE_FAILED;
    if (!s)
        return code;
    s->loop = l;
    if (!c->https && !c->mqtts) {
        *ret = s;
        return CODE_OK;
    }
    if ((code = find(s, c)) != CODE_OK || (code = load(s, c)) != CODE_OK)
        goto fail;
    code = CODE_FAILED;
    if (loop_timer_new(l, look, s, &s->timer) != 0 || pool_new(l, "certs", 1, &s->pool) != 0)
        goto fail;
    s->keep_at = KEEP_LOOKS;
    s->loaded = s->seen = stamp_of(s);
    loop_timer_start(s->timer, LOOK_MS, LOOK_MS);
    tell_expiry(s);
    *ret = s;
    return CODE_OK;
fail:
    certs_close(s);
    return code;
}

void certs_close(struct certs *s)
{
    if (!s)
        return;
    loop_timer_free(s->timer);
    if (s->pool)
        pool_free(s->pool);
    net_tls_unref(s->https);
    net_tls_unref(s->mqtts);
    for (size_t i = 0; i < FILES; i++)
        free(s->files[i]);
    free(s);
}

struct net_tls *certs_https(const struct certs *s)
{
    return s->https;
}

struct net_tls *certs_mqtts(const struct certs *s)
{
    return s->mqtts;
}
