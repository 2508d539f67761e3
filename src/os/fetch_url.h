/* fetch_url.h - URLs and headers of what is fetched, read and judged.  Pure. */
#ifndef OS_FETCH_URL_H
#define OS_FETCH_URL_H

#include "base/buf.h"

#include <sys/socket.h>

/* The URL as the one parser (curl's) reads it that will also follow it, so that there are no two
 * opinions about its host. */
struct fetch_target {
    char *url, *host; /* curl_free() */
    bool tls;
};

/* ERR_INVALID with a sentence in *why (may be NULL), ERR_NOMEM. */
int fetch_target_read(const char *url, struct fetch_target *ret, struct buf *why);

/* The address when the host is one, as curl's parser has written it: "127.0.0.1", "[::1]". */
bool fetch_literal(const char *host, struct sockaddr_storage *ret);

bool fetch_same_origin(const char *a, const char *b); /* scheme, host and port are the same */

bool fetch_is_token(struct slice s);
bool fetch_is_header(struct slice line); /* "Name: value", no way to make two of it */

/* Append the sentence, when there is a buffer for it; answers err. */
int fetch_say(struct buf *why, int err, const char *sentence);

#endif
