/* listen.c - sockets that listen.
 *
 * The socket is watched by a poll handle and accepted here, not by libuv's stream server: when
 * descriptors run out that one answers by closing what waits in the backlog, while here the
 * waiting connections stay in the kernel's queue and accepting pauses for a moment, without
 * spinning on a socket that stays readable. */
#include "base/err.h"
#include "base/log.h"
#include "os/net_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 64, PAUSE_MS = 100 };

struct net_listener {
    uv_poll_t poll;
    uv_timer_t pause;
    int open_handles;
    int fd;
    bool warned; /* of descriptors that ran out */
    struct net *net;
    struct net_listener *next, *prev;
    struct net_tls *tls;
    net_accept_fn *fn;
    void *arg;
    char address[ADDRESS_TEXT];
};

static void readable(uv_poll_t *handle, int status, int events);

static void pause_over(uv_timer_t *handle)
{
    struct net_listener *l = handle->data;
    loop_wake(l->net->loop);
    uv_poll_start(&l->poll, UV_READABLE, readable);
}

static void out_of_descriptors(struct net_listener *l)
{
    if (!l->warned)
        log_warn("net", "%s: no more connections can be accepted now: %s", l->address,
                 strerror(errno));
    l->warned = true;
    uv_poll_stop(&l->poll);
    uv_timer_start(&l->pause, pause_over, PAUSE_MS, 0);
}

static void readable(uv_poll_t *handle, int status, int events)
{
    struct net_listener *l = handle->data;
    (void)status;
    (void)events;
    loop_wake(l->net->loop);
    for (int i = 0; i < ACCEPTS_A_TURN && l->fd >= 0; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->warned = false;
            net_adopt(l->net, fd, l->tls, l->fn, l->arg);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            out_of_descriptors(l);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return; /* EAGAIN: none left; else: the error of one connection (accept(2)) */
        }
    }
}

static int open_socket(const struct sockaddr_storage *a, socklen_t len, const char **ret_why)
{
    int on = 1, off = 0;
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *ret_why = strerror(errno);
        return ERR_IO;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ss_family == AF_INET6) /* [::] takes IPv4 too */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (const struct sockaddr *)a, len) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        *ret_why = error == EADDRINUSE      ? "another program listens there already"
                   : error == EACCES        ? "this port needs more rights (ports below 1024 do)"
                   : error == EADDRNOTAVAIL ? "this machine has no such address"
                                            : strerror(error);
        close(fd);
        return error == EADDRINUSE ? ERR_BUSY : ERR_IO;
    }
    return fd;
}

/* Any address, on a machine without IPv6. */
static int open_any(const struct sockaddr_storage *a, socklen_t len, const char **ret_why)
{
    int fd = open_socket(a, len, ret_why);
    struct sockaddr_in6 v6;
    memcpy(&v6, a, sizeof v6);
    if (fd != ERR_IO || a->ss_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) ||
        (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
        return fd;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6.sin6_port};
    struct sockaddr_storage any = {0};
    memcpy(&any, &v4, sizeof v4);
    return open_socket(&any, sizeof v4, ret_why);
}

int net_listen(struct loop *loop, const char *address, struct net_tls *tls, net_accept_fn *fn,
               void *arg, struct net_listener **ret, const char **ret_why)
{
    struct sockaddr_storage a = {0};
    socklen_t len = 0;
    int rc = address_parse(address, &a, &len, ret_why);
    if (rc != 0)
        return rc;
    struct net *n = net_of(loop);
    struct net_listener *l = n ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        *ret_why = "out of memory";
        return ERR_NOMEM;
    }
    l->fd = open_any(&a, len, ret_why);
    if (l->fd < 0) {
        rc = l->fd;
        free(l);
        return rc;
    }
    if (uv_poll_init(&loop->uv, &l->poll, l->fd) != 0) {
        close(l->fd);
        free(l);
        *ret_why = "the socket cannot be watched";
        return ERR_IO;
    }
    uv_timer_init(&loop->uv, &l->pause);
    l->open_handles = 2;
    l->poll.data = l->pause.data = l;
    len = sizeof a;
    getsockname(l->fd, (struct sockaddr *)&a, &len);
    address_format((struct sockaddr *)&a, l->address);
    l->net = n;
    l->tls = tls ? net_tls_ref(tls) : NULL;
    l->fn = fn;
    l->arg = arg;
    l->next = n->listeners;
    if (l->next)
        l->next->prev = l;
    n->listeners = l;
    uv_poll_start(&l->poll, UV_READABLE, readable);
    *ret = l;
    return 0;
}

const char *net_address(const struct net_listener *l)
{
    return l->address;
}

static void handle_closed(uv_handle_t *handle)
{
    struct net_listener *l = handle->data;
    if (--l->open_handles == 0)
        free(l);
}

void net_listener_stop(struct net_listener *l)
{
    if (l->prev)
        l->prev->next = l->next;
    else
        l->net->listeners = l->next;
    if (l->next)
        l->next->prev = l->prev;
    uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, handle_closed);
    uv_close((uv_handle_t *)&l->pause, handle_closed);
    close(l->fd);
    l->fd = -1;
    net_tls_unref(l->tls);
}

void net_listener_free(struct net_listener *l)
{
    if (l)
        net_listener_stop(l);
}
