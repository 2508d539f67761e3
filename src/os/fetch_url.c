#include "os/fetch_url.h"

#include "base/err.h"

#include <curl/curl.h>
#include <netdb.h>
#include <stdio.h>

enum { URL_MAX_BYTES = 8192 };

int fetch_say(struct buf *why, int err, const char *sentence)
{
    if (why)
        buf_add_str(why, sentence);
    return err;
}

static int target_parts(CURLU *u, struct fetch_target *ret, struct buf *why)
{
    char *scheme = NULL, *user = NULL, *password = NULL;
    struct fetch_target t = {0};
    int err = ERR_INVALID;
    curl_url_get(u, CURLUPART_USER, &user, 0);
    curl_url_get(u, CURLUPART_PASSWORD, &password, 0);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    if (user || password) {
        fetch_say(why, 0, "a URL must not carry a user or a password");
    } else if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
               curl_url_get(u, CURLUPART_HOST, &t.host, 0) != CURLUE_OK ||
               curl_url_get(u, CURLUPART_URL, &t.url, 0) != CURLUE_OK) {
        fetch_say(why, 0, "the URL cannot be read");
    } else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
        fetch_say(why, 0, "the scheme of a URL has to be https");
    } else {
        t.tls = strcmp(scheme, "https") == 0;
        err = 0;
    }
    curl_free(scheme);
    curl_free(user);
    curl_free(password);
    if (err) {
        curl_free(t.host);
        curl_free(t.url);
        return err;
    }
    *ret = t;
    return 0;
}

int fetch_target_read(const char *url, struct fetch_target *ret, struct buf *why)
{
    size_t n = url ? strlen(url) : 0;
    if (n == 0 || n > URL_MAX_BYTES)
        return fetch_say(why, ERR_INVALID, n ? "the URL is too long" : "the URL is empty");
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)url[i];
        if (b <= ' ' || b >= 0x7f || b == '\\')
            return fetch_say(why, ERR_INVALID,
                             "a URL has no spaces, control characters, backslashes or characters "
                             "outside of ASCII; write them as %XX");
    }
    CURLU *u = curl_url();
    if (!u)
        return ERR_NOMEM;
    int err = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
                  ? target_parts(u, ret, why)
                  : fetch_say(why, ERR_INVALID, "the URL cannot be read; write https://HOST/PATH");
    curl_url_cleanup(u);
    return err;
}

bool fetch_literal(const char *host, struct sockaddr_storage *ret)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list;
    char bare[128];
    snprintf(bare, sizeof bare, "%s", host + (*host == '['));
    bare[strcspn(bare, "]")] = 0;
    if (getaddrinfo(bare, NULL, &hints, &list) != 0)
        return false;
    memset(ret, 0, sizeof *ret);
    memcpy(ret, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return true;
}

bool fetch_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *u = curl_url(), *v = curl_url();
    bool same = u && v && curl_url_set(u, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(v, CURLUPART_URL, b, 0) == CURLUE_OK;
    for (size_t i = 0; same && i < sizeof parts / sizeof parts[0]; i++) {
        char *x = NULL, *y = NULL;
        same = curl_url_get(u, parts[i], &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(v, parts[i], &y, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               strcasecmp(x, y) == 0;
        curl_free(x);
        curl_free(y);
    }
    curl_url_cleanup(u);
    curl_url_cleanup(v);
    return same;
}

bool fetch_is_token(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (!(b >= 'a' && b <= 'z') && !(b >= 'A' && b <= 'Z') && !(b >= '0' && b <= '9') &&
            !(b && strchr("!#$%&'*+-.^_`|~", b)))
            return false;
    }
    return s.n > 0;
}

/* "Name: value" without a way to make two of it (RFC 9110, 5.5). */
bool fetch_is_header(struct slice line)
{
    struct slice value = line, name;
    if (!slice_cut(&value, ':', &name) || !value.p || !fetch_is_token(name))
        return false;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char b = (unsigned char)value.p[i];
        if ((b < ' ' && b != '\t') || b == 0x7f)
            return false;
    }
    return true;
}
