/* address.c - "HOST:PORT" as text and as a socket address. */
#include "base/err.h"
#include "os/internal.h"

#include <netdb.h>
#include <stdio.h>

/* Cut "[::1]:80", "host:80", ":80" and "*:80"; false when it is none of them. */
static bool split(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
    struct slice host, port;
    if (text.n && text.p[0] == '[') {
        ptrdiff_t end = slice_find(text, ']');
        if (end < 0 || (size_t)end + 1 >= text.n || text.p[end + 1] != ':')
            return false;
        host = slice_of(text.p + 1, (size_t)end - 1);
        port = slice_skip(text, (size_t)end + 2);
        if (slice_find(host, ':') < 0)
            return false;
    } else {
        ptrdiff_t colon = slice_find(text, ':');
        if (colon < 0)
            return false;
        host = slice_of(text.p, (size_t)colon);
        port = slice_skip(text, (size_t)colon + 1);
    }
    uint64_t number;
    if (slice_to_u64(port, &number) != 0 || number > 65535)
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)number;
    return true;
}

static void set_v4(struct sockaddr_storage *a, socklen_t *len, struct in_addr ip, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = ip, .sin_port = htons(port)};
    memset(a, 0, sizeof *a);
    memcpy(a, &v4, sizeof v4);
    *len = sizeof v4;
}

static void set_v6(struct sockaddr_storage *a, socklen_t *len, struct in6_addr ip, uint16_t port,
                   uint32_t scope)
{
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_addr = ip, .sin6_port = htons(port), .sin6_scope_id = scope};
    memset(a, 0, sizeof *a);
    memcpy(a, &v6, sizeof v6);
    *len = sizeof v6;
}

static int look_up(const char *host, uint16_t port, struct sockaddr_storage *ret,
                   socklen_t *ret_len)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    if (strcasecmp(host, "localhost") == 0) { /* RFC 6761: no resolver is asked */
        set_v4(ret, ret_len, (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
        return 0;
    }
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return ERR_INVALID;
    const struct addrinfo *best = list;
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        if (a->ai_family == AF_INET) { /* what most clients try first */
            best = a;
            break;
        }
    }
    if (best->ai_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, best->ai_addr, sizeof v4);
        set_v4(ret, ret_len, v4.sin_addr, port);
    } else {
        struct sockaddr_in6 v6;
        memcpy(&v6, best->ai_addr, sizeof v6);
        set_v6(ret, ret_len, v6.sin6_addr, port, v6.sin6_scope_id);
    }
    freeaddrinfo(list);
    return 0;
}

int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len,
                  const char **ret_why)
{
    struct slice host;
    uint16_t port;
    char name[256];
    if (!text || !split(slice_str(text), &host, &port) || host.n >= sizeof name) {
        *ret_why = "an address is HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080";
        return ERR_INVALID;
    }
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(host));
    struct in_addr v4;
    struct in6_addr v6;
    if (host.n == 0 || slice_is(host, "*")) {
        set_v6(ret, ret_len, in6addr_any, port, 0);
        return 0;
    }
    if (inet_pton(AF_INET, name, &v4) == 1) {
        set_v4(ret, ret_len, v4, port);
        return 0;
    }
    if (inet_pton(AF_INET6, name, &v6) == 1) {
        set_v6(ret, ret_len, v6, port, 0);
        return 0;
    }
    if (look_up(name, port, ret, ret_len) != 0) {
        *ret_why = "the name of the host is not known";
        return ERR_INVALID;
    }
    return 0;
}

void address_format(const struct sockaddr *a, char text[static ADDRESS_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, a, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, ip, sizeof ip);
            snprintf(text, ADDRESS_TEXT, "%s:%u", ip, ntohs(v6.sin6_port));
        } else {
            inet_ntop(AF_INET6, &v6.sin6_addr, ip, sizeof ip);
            snprintf(text, ADDRESS_TEXT, "[%s]:%u", ip, ntohs(v6.sin6_port));
        }
        return;
    }
    struct sockaddr_in v4 = {0};
    if (a->sa_family == AF_INET)
        memcpy(&v4, a, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, ip, sizeof ip);
    snprintf(text, ADDRESS_TEXT, "%s:%u", ip, ntohs(v4.sin_port));
}

bool net_is_loopback(const char *address)
{
    struct slice host;
    uint16_t port;
    char name[INET6_ADDRSTRLEN];
    if (!address || !split(slice_str(address), &host, &port))
        return false;
    if (slice_is_nocase(host, "localhost"))
        return true;
    if (host.n >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(host));
    struct in_addr v4;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    struct in6_addr v6;
    if (inet_pton(AF_INET6, name, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}
