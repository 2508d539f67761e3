/* uri.c - request targets: their four forms, percent-decoding, hosts. */
#include "base/err.h"
#include "http/http_internal.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Every % is followed by two digits; %00 is refused too, since it would end the text for whoever
 * takes it for a C string. */
static bool percent_valid(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%')
            continue;
        if (text.n - i < 3 || hex_value(text.p[i + 1]) < 0 || hex_value(text.p[i + 2]) < 0 ||
            (text.p[i + 1] == '0' && text.p[i + 2] == '0'))
            return false;
        i += 2;
    }
    return true;
}

int uri_decode(struct arena *a, struct slice text, bool query, struct slice *ret)
{
    if (slice_find(text, '%') < 0 && (!query || slice_find(text, '+') < 0)) {
        *ret = text.p ? text : SLICE_LIT("");
        return 0;
    }
    if (!percent_valid(text))
        return ERR_INVALID;
    char *out = arena_alloc(a, text.n + 1);
    if (!out)
        return ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            c = (char)(hex_value(text.p[i + 1]) << 4 | hex_value(text.p[i + 2]));
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = 0;
    *ret = slice_of(out, n);
    return 0;
}

/* The part in front of the port: a name, an IPv4 address or "[IPv6]". */
bool uri_host_valid(struct slice host)
{
    struct slice name = host, port = {0};
    if (host.n && host.p[0] == '[') {
        ptrdiff_t end = slice_find(host, ']');
        if (end < 2)
            return false;
        for (ptrdiff_t i = 1; i < end; i++)
            if (hex_value(host.p[i]) < 0 && host.p[i] != ':' && host.p[i] != '.')
                return false;
        name = slice_of(NULL, 0);
        port = slice_skip(host, (size_t)end + 1);
        if (port.n && port.p[0] != ':')
            return false;
    } else {
        ptrdiff_t colon = slice_find(host, ':');
        if (colon >= 0) {
            name.n = (size_t)colon;
            port = slice_skip(host, (size_t)colon);
        }
    }
    for (size_t i = 0; i < name.n; i++)
        if (!char_is(name.p[i], CHAR_URI) || strchr("/?@[]\"{}^|`", name.p[i]))
            return false;
    if (!port.n)
        return true;
    uint64_t number;
    port = slice_skip(port, 1);
    return port.n == 0 || (slice_to_u64(port, &number) == 0 && number <= 65535);
}

static int split_path(struct http_req *r, struct slice target)
{
    ptrdiff_t mark = slice_find(target, '?');
    r->raw_path = mark < 0 ? target : slice_of(target.p, (size_t)mark);
    r->query = mark < 0 ? slice_of(NULL, 0) : slice_skip(target, (size_t)mark + 1);
    if (!percent_valid(target))
        return 400;
    int rc = uri_decode(r->arena, r->raw_path, false, &r->path);
    return rc == ERR_NOMEM ? 503 : rc ? 400 : 0;
}

/* "http://host[:port][/path][?query]"; the authority replaces Host (RFC 9112 section 3.2.2). */
static int parse_absolute(struct http_req *r)
{
    struct slice rest = r->target;
    size_t scheme = rest.n > 7 && strncasecmp(rest.p, "http://", 7) == 0    ? 7
                    : rest.n > 8 && strncasecmp(rest.p, "https://", 8) == 0 ? 8
                                                                            : 0;
    if (!scheme)
        return 400;
    rest = slice_skip(rest, scheme);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    r->authority = slice_of(rest.p, end);
    if (!end || !uri_host_valid(r->authority))
        return 400;
    rest = slice_skip(rest, end);
    if (!rest.n && slice_is(r->method, "OPTIONS")) {
        r->raw_path = r->path = SLICE_LIT("*");
        return 0;
    }
    if (!rest.n)
        rest = SLICE_LIT("/");
    int status = split_path(r, rest);
    if (status == 0 && !r->raw_path.n) /* "http://host?query" */
        r->raw_path = r->path = SLICE_LIT("/");
    return status;
}

int uri_parse_target(struct http_req *r)
{
    if (slice_is(r->method, "CONNECT"))
        return 501; /* this is no proxy */
    if (!r->target.n || !chars_all(r->target, CHAR_URI))
        return 400;
    if (r->target.p[0] == '/')
        return split_path(r, r->target);
    if (slice_is(r->target, "*")) {
        r->raw_path = r->path = r->target;
        return slice_is(r->method, "OPTIONS") ? 0 : 400;
    }
    return parse_absolute(r);
}
