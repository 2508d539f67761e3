#include "http/forwarded.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROXIES_MAX = 64, HOPS_MAX = 32 };

/* IPv4 in its place in IPv6 (::ffff:0:0/96), so that there is one kind. */
struct address {
    unsigned char bytes[16];
};

struct network {
    struct address address;
    unsigned bits;
};

struct proxies {
    size_t n;
    struct network at[PROXIES_MAX];
};

/* ret_v4: its prefixes are counted from there. */
static bool read_address(struct slice text, struct address *ret, bool *ret_v4)
{
    char copy[INET6_ADDRSTRLEN];
    struct address a = {{[10] = 0xff, [11] = 0xff}};
    if (!text.n || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    if (strlen(copy) != text.n)
        return false;
    *ret_v4 = inet_pton(AF_INET, copy, a.bytes + 12) == 1;
    if (!*ret_v4 && inet_pton(AF_INET6, copy, a.bytes) != 1)
        return false;
    *ret = a;
    return true;
}

static bool is_v4(const struct address *a)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static bool in_network(const struct network *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->address.bytes, a->bytes, whole) != 0)
        return false;
    return !rest || !((n->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest));
}

static bool is_ours(const struct proxies *p, const struct address *a)
{
    for (size_t i = 0; i < p->n; i++)
        if (in_network(&p->at[i], a))
            return true;
    return false;
}

static bool read_network(struct slice text, struct network *ret)
{
    struct slice rest = text, address;
    uint64_t bits;
    bool v4;
    if (!slice_cut(&rest, '/', &address) || !read_address(address, &ret->address, &v4))
        return false;
    unsigned most = v4 ? 32 : 128;
    if (!rest.p)
        bits = most;
    else if (slice_to_u64(rest, &bits) != 0 || bits > most)
        return false;
    ret->bits = (unsigned)bits + (v4 ? 96 : 0);
    return true;
}

int proxies_parse(struct slice text, struct proxies **ret, struct slice *ret_bad)
{
    struct slice rest = text, one;
    struct proxies *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    while (slice_cut(&rest, ',', &one)) {
        one = slice_trim(one);
        if (p->n == PROXIES_MAX || !read_network(one, &p->at[p->n])) {
            *ret_bad = one;
            free(p);
            return ERR_INVALID;
        }
        p->n++;
    }
    *ret = p;
    return 0;
}

void proxies_free(struct proxies *p)
{
    free(p);
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711", with quotes or not: proxies
 * write all of these. */
static bool read_hop(struct slice text, struct address *ret)
{
    bool v4;
    text = slice_trim(text);
    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = slice_of(text.p + 1, text.n - 2);
    if (text.n && text.p[0] == '[') {
        ptrdiff_t end = slice_find(text, ']');
        return end > 0 && read_address(slice_of(text.p + 1, (size_t)end - 1), ret, &v4);
    }
    struct slice rest = text, head;
    if (read_address(text, ret, &v4))
        return true;
    return slice_cut(&rest, ':', &head) && read_address(head, ret, &v4) && v4;
}

static void write_address(const struct address *a, char ret[static FORWARDED_TEXT])
{
    char text[INET6_ADDRSTRLEN] = "";
    if (is_v4(a)) {
        inet_ntop(AF_INET, a->bytes + 12, text, sizeof text);
        snprintf(ret, FORWARDED_TEXT, "%s:0", text);
    } else {
        inet_ntop(AF_INET6, a->bytes, text, sizeof text);
        snprintf(ret, FORWARDED_TEXT, "[%s]:0", text);
    }
}

bool proxies_have(const struct proxies *p, const char *peer)
{
    struct address a;
    return read_hop(slice_str(peer), &a) && is_ours(p, &a);
}

bool proxies_client(const struct proxies *p, const char *peer, struct slice forwarded_for,
                    char ret[static FORWARDED_TEXT])
{
    struct address client, hop;
    bool found = false;
    if (!proxies_have(p, peer))
        return false;
    for (int i = 0; i < HOPS_MAX && forwarded_for.n; i++) {
        const char *comma = memrchr(forwarded_for.p, ',', forwarded_for.n);
        size_t at = comma ? (size_t)(comma - forwarded_for.p) + 1 : 0;
        if (!read_hop(slice_skip(forwarded_for, at), &hop))
            break; /* what stands before cannot be believed either */
        client = hop;
        found = true;
        if (!is_ours(p, &hop))
            break;
        forwarded_for.n = at ? at - 1 : 0;
    }
    if (found)
        write_address(&client, ret);
    return found;
}
