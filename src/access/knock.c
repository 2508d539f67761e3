#include "access/knock.h"

#include "base/clock.h"
#include "base/map.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { ADDRESS_BYTES = 16 };

struct knocker {
    char address[ADDRESS_BYTES + 1];
    int64_t free_us; /* monotonic: when all its tries are in hand again */
    struct knocker *older, *newer;
};

struct knocks {
    struct map all;
    struct knocker *oldest, *newest;
};

/* IPv4 whole, of IPv6 the network; what is neither is one. */
static struct slice network_of(const char *address, char out[static ADDRESS_BYTES + 1])
{
    struct in6_addr six;
    struct in_addr four;
    memset(out, 0, ADDRESS_BYTES + 1);
    if (inet_pton(AF_INET, address, &four) == 1) {
        memcpy(out, &four, sizeof four);
        out[ADDRESS_BYTES] = 4;
    } else if (address[0] == '[') {
        char bare[INET6_ADDRSTRLEN] = "";
        size_t n = strcspn(address + 1, "]");
        if (n < sizeof bare && memcpy(bare, address + 1, n) && bare[0] != '[')
            return network_of(bare, out);
    } else if (inet_pton(AF_INET6, address, &six) == 1) {
        memcpy(out, &six, 8);
        out[ADDRESS_BYTES] = 6;
    }
    return slice_of(out, ADDRESS_BYTES + 1);
}

static void unlink_one(struct knocks *k, struct knocker *n)
{
    *(n->older ? &n->older->newer : &k->oldest) = n->newer;
    *(n->newer ? &n->newer->older : &k->newest) = n->older;
}

static void link_newest(struct knocks *k, struct knocker *n)
{
    n->newer = NULL;
    n->older = k->newest;
    *(n->older ? &n->older->newer : &k->oldest) = n;
    k->newest = n;
}

static void forget(struct knocks *k, struct knocker *n)
{
    map_remove(&k->all, slice_of(n->address, sizeof n->address));
    unlink_one(k, n);
    free(n);
}

struct knocks *knocks_new(void)
{
    return calloc(1, sizeof(struct knocks));
}

void knocks_free(struct knocks *k)
{
    while (k && k->oldest)
        forget(k, k->oldest);
    if (k)
        map_release(&k->all);
    free(k);
}

bool knock_may(struct knocks *k, const char *address, int64_t *ret_wait_us)
{
    char network[ADDRESS_BYTES + 1];
    const struct knocker *n = map_get(&k->all, network_of(address, network));
    int64_t left = n ? n->free_us - clock_mono_us() : 0;
    *ret_wait_us = left - (KNOCKS - 1) * KNOCK_EVERY_US;
    return *ret_wait_us <= 0;
}

static struct knocker *knocker_for(struct knocks *k, const char *address)
{
    char network[ADDRESS_BYTES + 1];
    struct slice key = network_of(address, network);
    struct knocker *n = map_get(&k->all, key);
    if (n) {
        unlink_one(k, n);
    } else {
        if (k->all.count >= KNOCKERS)
            forget(k, k->oldest);
        if (!(n = calloc(1, sizeof *n)))
            return NULL;
        memcpy(n->address, network, sizeof n->address);
        if (map_put(&k->all, slice_of(n->address, sizeof n->address), n, NULL)) {
            free(n);
            return NULL;
        }
    }
    link_newest(k, n);
    return n;
}

void knock_wrong(struct knocks *k, const char *address)
{
    struct knocker *n = knocker_for(k, address);
    int64_t now = clock_mono_us();
    if (!n)
        return;
    n->free_us = (n->free_us > now ? n->free_us : now) + KNOCK_EVERY_US;
}

void knock_network(const char *address, char *out, size_t size)
{
    char network[ADDRESS_BYTES + 1];
    network_of(address, network);
    if (size &&
        !inet_ntop(network[ADDRESS_BYTES] == 4 ? AF_INET : AF_INET6, network, out, (socklen_t)size))
        out[0] = 0;
}
