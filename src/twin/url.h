/* url.h - URLs, as much of RFC 3986 as an endpoint and a link need.  Pure. */
#ifndef TWIN_URL_H
#define TWIN_URL_H

#include "base/slice.h"

/* scheme://[userinfo@]host[:port][/path][?query][#fragment]; several hosts may stand side by side
 * with commas, as Kafka, MongoDB and PostgreSQL have it. */
struct url {
    struct slice scheme;
    struct slice userinfo; /* p NULL: none */
    struct slice host;     /* the first one, without brackets */
    struct slice rest;     /* from the first '/', '?' or '#' on */
};

bool url_parse(struct slice text, struct url *ret);

/* A URL of the above, or a path relative to where the document stands. */
bool url_is_reference(struct slice text);

/* Does the URL carry a password: behind the user's name, or as a parameter of the query? */
bool url_has_password(struct slice text);

/* Is it this very machine: 127.0.0.0/8, ::1, localhost? */
bool url_is_loopback(const struct url *u);

/* The same as ECMA-262 regular expressions, to stand in a JSON Schema.  url_pattern and url.c's
 * parser are one grammar: change them together. */
#define URL_CHARS "[^\\\\u0000- \\\\u0022<>\\\\\\\\^`{|}\\\\u007f]"
#define URL_HOST_CHARS "[^\\\\u0000- \\\\u0022<>\\\\\\\\^`{|}\\\\u007f/?#@:,\\\\[\\\\]]"
#define URL_USER_CHARS "[^\\\\u0000- \\\\u0022<>\\\\\\\\^`{|}\\\\u007f/?#]"
#define URL_SCHEME "[A-Za-z][A-Za-z0-9+.-]*"
#define URL_PORT                                                                                   \
    "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
#define URL_HOST "(?:\\\\[[0-9A-Fa-f:.]+\\\\]|" URL_HOST_CHARS "+)(?::(?:" URL_PORT "))?"
#define URL_ABSOLUTE                                                                               \
    URL_SCHEME "://(?:" URL_USER_CHARS "*@)?" URL_HOST "(?:," URL_HOST ")*(?:[/?#]" URL_CHARS "*)" \
               "?"
#define URL_RELATIVE "(?!" URL_SCHEME ":)" URL_CHARS "+"
#define URL_PASSWORD                                                                               \
    "^[^:/?#]*://[^:/?#]*:[^/?#]+@|"                                                               \
    "[?&](?:[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]|[Pp][Aa][Ss][Ss][Ww][Dd]|[Pp][Ww][Dd])=[^&#]"

#endif
