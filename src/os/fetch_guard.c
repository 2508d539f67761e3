#include "os/fetch_guard.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* An address of either family: 16 bytes, those of version 4 as ::ffff:a.b.c.d. */
struct ip {
    uint8_t b[16];
};

struct block {
    struct ip ip;
    unsigned bits; /* of 128 */
};

struct entry {
    struct block block;
    char *host; /* NULL: the block is meant */
};

struct fetch_guard {
    size_t n;
    struct entry entries[FETCH_GUARD_MAX];
};

/* What is not of the public Internet: the registries of special addresses at IANA (RFC 6890 and
 * those after it), multicast, and the one address in public space that a cloud answers its
 * machines' secrets from. */
static const struct {
    const char *block, *what;
} special[] = {
    {"0.0.0.0/8", "an address of this machine"},
    {"10.0.0.0/8", "a private address"},
    {"100.64.0.0/10", "an address of a carrier's network"},
    {"127.0.0.0/8", "a loopback address"},
    {"168.63.129.16/32", "a cloud's metadata address"},
    {"169.254.0.0/16", "a link-local address"},
    {"172.16.0.0/12", "a private address"},
    {"192.0.0.0/24", "a reserved address"},
    {"192.0.2.0/24", "a documentation address"},
    {"192.88.99.0/24", "a reserved address"},
    {"192.168.0.0/16", "a private address"},
    {"198.18.0.0/15", "a benchmarking address"},
    {"198.51.100.0/24", "a documentation address"},
    {"203.0.113.0/24", "a documentation address"},
    {"224.0.0.0/4", "a multicast address"},
    {"240.0.0.0/4", "a reserved address"},
    {"::/128", "an address of this machine"},
    {"::1/128", "a loopback address"},
    {"2001::/23", "a reserved address"}, /* Teredo (2001::/32) among them */
    {"2001:db8::/32", "a documentation address"},
    {"2002::/16", "a 6to4 address"},
    {"3fff::/20", "a documentation address"},
    {"fc00::/7", "a private address"},
    {"fe80::/10", "a link-local address"},
    {"ff00::/8", "a multicast address"},
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b}; /* 64:ff9b::/96, RFC 6052 */

static bool in_block(const struct ip *ip, const struct block *b)
{
    unsigned whole = b->bits / 8, rest = b->bits % 8;
    if (memcmp(ip->b, b->ip.b, whole) != 0)
        return false;
    return rest == 0 || ((ip->b[whole] ^ b->ip.b[whole]) >> (8 - rest)) == 0;
}

static bool ip_read(const char *text, struct ip *ret, bool *ret_v4)
{
    struct ip ip = {0};
    memcpy(ip.b, mapped, sizeof mapped);
    *ret_v4 = inet_pton(AF_INET, text, ip.b + 12) == 1;
    if (!*ret_v4 && inet_pton(AF_INET6, text, ip.b) != 1)
        return false;
    *ret = ip;
    return true;
}

static bool block_read(struct slice text, struct block *ret)
{
    struct slice rest = text, address;
    char copy[INET6_ADDRSTRLEN];
    bool v4;
    uint64_t bits;
    if (!slice_cut(&rest, '/', &address) || address.n >= sizeof copy)
        return false;
    snprintf(copy, sizeof copy, "%.*s", SLICE_ARG(address));
    struct block b;
    if (!ip_read(copy, &b.ip, &v4))
        return false;
    unsigned most = v4 ? 32 : 128;
    if (!rest.p)
        bits = most;
    else if (slice_to_u64(rest, &bits) || bits > most)
        return false;
    b.bits = (unsigned)bits + (v4 ? 96 : 0);
    *ret = b;
    return true;
}

static bool ip_of(const struct sockaddr *a, struct ip *ret)
{
    struct ip ip = {0};
    if (a->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, a, sizeof v4);
        memcpy(ip.b, mapped, sizeof mapped);
        memcpy(ip.b + 12, &v4.sin_addr, 4);
    } else if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, a, sizeof v6);
        memcpy(ip.b, &v6.sin6_addr, 16);
    } else {
        return false;
    }
    /* behind NAT64 stands a machine of version 4: it is what counts */
    if (memcmp(ip.b, nat64, sizeof nat64) == 0)
        memcpy(ip.b, mapped, sizeof mapped);
    *ret = ip;
    return true;
}

const char *fetch_guard_private(const struct sockaddr *a)
{
    static const struct block global = {{{0x20}}, 3}; /* 2000::/3, all of it that is given out */
    struct ip ip;
    struct block b;
    if (!ip_of(a, &ip))
        return "no address of the Internet";
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (block_read(slice_str(special[i].block), &b) && in_block(&ip, &b))
            return special[i].what;
    }
    if (memcmp(ip.b, mapped, sizeof mapped) != 0 && !in_block(&ip, &global))
        return "a reserved address";
    return NULL;
}

/* A name ends in a dot or not and is the same one. */
static struct slice without_dot(struct slice host)
{
    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    return host;
}

bool fetch_guard_listed(const struct fetch_guard *g, struct slice host, const struct sockaddr *a)
{
    struct ip ip;
    bool known = a && ip_of(a, &ip);
    host = without_dot(host);
    for (size_t i = 0; g && i < g->n; i++) {
        const struct entry *e = &g->entries[i];
        if (e->host ? slice_is_nocase(host, e->host) : known && in_block(&ip, &e->block))
            return true;
    }
    return false;
}

static bool is_name(struct slice s)
{
    bool letter = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!alpha && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
        letter = letter || alpha;
    }
    return letter && s.n <= 253; /* without a letter it was to be an address */
}

static int add_entry(struct fetch_guard *g, struct slice text, struct buf *why)
{
    struct entry e = {0};
    if (g->n == FETCH_GUARD_MAX) {
        buf_addf(why, "more than %d addresses and hosts", FETCH_GUARD_MAX);
        return ERR_INVALID;
    }
    if (!block_read(text, &e.block)) {
        text = without_dot(text);
        if (!is_name(text)) {
            buf_addf(why,
                     "\"%.*s\" is neither an address (10.1.2.3), nor a block of addresses "
                     "(10.0.0.0/8), nor the name of a host",
                     text.n > 100 ? 100 : (int)text.n, text.p);
            return ERR_INVALID;
        }
        if (!(e.host = strndup(text.p, text.n)))
            return ERR_NOMEM;
    }
    g->entries[g->n++] = e;
    return 0;
}

int fetch_guard_new(const char *allow, struct fetch_guard **ret, struct buf *why)
{
    struct fetch_guard *g = calloc(1, sizeof *g);
    struct slice rest = slice_str(allow), one;
    if (!g)
        return ERR_NOMEM;
    while (slice_cut(&rest, ',', &one)) {
        one = slice_trim(one);
        int err = one.n ? add_entry(g, one, why) : 0;
        if (err) {
            fetch_guard_free(g);
            return err;
        }
    }
    *ret = g;
    return 0;
}

void fetch_guard_free(struct fetch_guard *g)
{
    for (size_t i = 0; g && i < g->n; i++)
        free(g->entries[i].host);
    free(g);
}
