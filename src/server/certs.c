/* certs.c - which certificates the listeners show, and how they are replaced while they run.
 *
 * Every second the files are looked at (time, size, inode).  Certificate and key are written one
 * after the other by whoever renews them, so what has changed is loaded only when it has been the
 * same for two looks.  What cannot be loaded, or has expired, is told in the log, once for each
 * change of the files, and the old certificate stays.  A signal (serve.c) loads at once.
 *
 * Connections go on with what they began with, but for one case: those whose own certificate is
 * revoked now, has expired, or is by an authority that is trusted no more, end. */
#include "server/certs.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/term.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 1000, SWEEP_LOOKS = 60, FILES = 4 };
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
    char *files[FILES];        /* certificate, key, authorities of clients, revoked */
    struct stamp loaded, seen; /* when they were loaded or refused; at the last look */
    unsigned looks;
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

static void load_anew(struct certs *s)
{
    const char *why = "";
    s->loaded = stamp_of(s);
    if ((s->https && net_tls_reload(s->https, &why)) ||
        (s->mqtts && net_tls_reload(s->mqtts, &why))) {
        log_error("tls", "what has changed is not used, what was loaded before stays: %s", why);
        return;
    }
    tell_expiry(s);
    sweep(s);
}

static void look(void *arg)
{
    struct certs *s = arg;
    struct stamp now = stamp_of(s);
    bool still = same(&now, &s->seen);
    s->seen = now;
    if (asked || (still && !same(&now, &s->loaded))) {
        asked = 0;
        load_anew(s);
    } else if (++s->looks % SWEEP_LOOKS == 0) {
        sweep(s); /* certificates expire */
    }
}

/* ---- the beginning ---- */

/* The certificate: the one that was named, or our own, made when missing. */
static int find(struct certs *s, const struct config *c)
{
    const char *why = "", *names[FILES] = {c->tls_cert, c->tls_key, c->client_ca, c->client_crl};
    struct buf own[3] = {0};
    int err = 0;
    if (c->tls_self_signed) {
        static const char *const parts[] = {"cert.pem", "key.pem", ""};
        for (size_t i = 0; i < 3; i++) {
            buf_addf(&own[i], "%s/tls/%s", c->data, parts[i]);
            buf_add_byte(&own[i], 0);
        }
        if (own[0].failed || own[1].failed || own[2].failed)
            err = ERR_NOMEM, why = "out of memory";
        else if (mkdir(own[2].p, 0700) != 0 && errno != EEXIST)
            err = ERR_IO, why = strerror(errno);
        names[0] = own[0].p;
        names[1] = own[1].p;
        if (!err && (access(names[0], R_OK) != 0 || access(names[1], R_OK) != 0))
            err = net_tls_self_signed(names[0], names[1], &why);
    }
    for (size_t i = 0; i < FILES && !err; i++) {
        if (names[i] && !(s->files[i] = strdup(names[i])))
            err = ERR_NOMEM, why = "out of memory";
    }
    if (err)
        term_problem("a certificate cannot be made in %s/tls: %s", c->data, why);
    for (size_t i = 0; i < 3; i++)
        buf_release(&own[i]);
    return err ? CODE_FAILED : CODE_OK;
}

static int load(struct certs *s, const struct config *c)
{
    const char *why = "";
    struct net_tls_opts o = {.cert_file = s->files[0],
                             .key_file = s->files[1],
                             .alpn = "h2,http/1.1",
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
    if (loop_timer_new(l, look, s, &s->timer) != 0)
        goto fail;
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
