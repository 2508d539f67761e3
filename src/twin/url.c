#include "twin/url.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_url_char(char c)
{
    unsigned char u = (unsigned char)c;
    return u > ' ' && u != 0x7f && !strchr("\"<>\\^`{|}", c);
}

/* Bytes of the scheme in front of a ':', 0: none. */
static size_t scheme_length(struct slice s)
{
    size_t i = 0;
    if (!s.n || !is_alpha(s.p[0]))
        return 0;
    while (i < s.n && (is_alpha(s.p[i]) || is_digit(s.p[i]) || s.p[i] == '+' || s.p[i] == '.' ||
                       s.p[i] == '-'))
        i++;
    return i < s.n && s.p[i] == ':' ? i : 0;
}

static bool is_port(struct slice s)
{
    uint64_t port;
    return s.n && s.p[0] != '0' && !slice_to_u64(s, &port) && port <= 65535;
}

/* One "host[:port]". */
static bool read_host(struct slice s, struct slice *ret_host)
{
    struct slice port = {NULL, 0};
    if (s.n && s.p[0] == '[') {
        ptrdiff_t end = slice_find(s, ']');
        if (end < 2)
            return false;
        *ret_host = slice_of(s.p + 1, (size_t)end - 1);
        for (size_t i = 0; i < ret_host->n; i++) {
            char c = ret_host->p[i];
            if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') && c != ':' &&
                c != '.')
                return false;
        }
        s = slice_skip(s, (size_t)end + 1);
        if (!s.n)
            return true;
        if (s.p[0] != ':')
            return false;
        return is_port(slice_skip(s, 1));
    }
    ptrdiff_t colon = slice_find(s, ':');
    *ret_host = colon < 0 ? s : slice_of(s.p, (size_t)colon);
    if (colon >= 0)
        port = slice_skip(s, (size_t)colon + 1);
    if (!ret_host->n || memchr(ret_host->p, '[', ret_host->n) ||
        memchr(ret_host->p, ']', ret_host->n) || memchr(ret_host->p, '@', ret_host->n))
        return false;
    return colon < 0 || is_port(port);
}

bool url_parse(struct slice text, struct url *ret)
{
    struct url u = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct slice s = text, part, host;
    size_t n = scheme_length(s);
    if (!n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_url_char(s.p[i]))
            return false;
    u.scheme = slice_of(s.p, n);
    s = slice_skip(s, n);
    if (!slice_starts(s, "://"))
        return false;
    s = slice_skip(s, 3);
    size_t end = 0, at = SIZE_MAX;
    for (; end < s.n && !strchr("/?#", s.p[end]); end++)
        if (s.p[end] == '@')
            at = end;
    u.rest = slice_skip(s, end);
    s.n = end;
    if (at != SIZE_MAX) {
        u.userinfo = slice_of(s.p, at);
        s = slice_skip(s, at + 1);
    }
    while (slice_cut(&s, ',', &part)) {
        if (!read_host(part, &host))
            return false;
        if (!u.host.p)
            u.host = host;
    }
    if (!u.host.n)
        return false;
    *ret = u;
    return true;
}

bool url_is_reference(struct slice text)
{
    struct url u;
    if (url_parse(text, &u))
        return true;
    if (!text.n || scheme_length(text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!is_url_char(text.p[i]))
            return false;
    return true;
}

static bool names_password(struct slice name)
{
    return slice_is_nocase(name, "password") || slice_is_nocase(name, "passwd") ||
           slice_is_nocase(name, "pwd");
}

bool url_has_password(struct slice text)
{
    struct url u;
    if (!url_parse(text, &u))
        return false;
    ptrdiff_t colon = u.userinfo.p ? slice_find(u.userinfo, ':') : -1;
    if (colon >= 0 && (size_t)colon + 1 < u.userinfo.n)
        return true;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '?' && text.p[i] != '&')
            continue;
        struct slice rest = slice_skip(text, i + 1);
        ptrdiff_t equals = slice_find(rest, '=');
        if (equals > 0 && names_password(slice_of(rest.p, (size_t)equals)) &&
            (size_t)equals + 1 < rest.n && !strchr("&#", rest.p[equals + 1]))
            return true;
    }
    return false;
}

bool url_is_loopback(const struct url *u)
{
    return slice_starts(u->host, "127.") || slice_is(u->host, "::1") ||
           slice_is_nocase(u->host, "localhost");
}
