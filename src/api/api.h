/* api.h - REST, the stream and the page, over the http room.
 *
 * The loop's thread.  Routes are one table (routes.c), from which dispatch, 405 answers and
 * /api/v1/openapi.json come. */
#ifndef API_API_H
#define API_API_H

#include "access/oidc.h"
#include "core/core.h"
#include "core/line_in.h"
#include "crypto/key_ring.h"
#include "http/http.h"
#include "mqtt/broker.h"

struct api; /* opaque */

/* A file of the page, as the build put it into the program. */
struct api_asset {
    const char *path; /* "/index.html", "/assets/index-4f2a.js" */
    const char *type;
    const unsigned char *data;
    size_t n;
    bool gzip;        /* data is gzip-compressed */
    const char *etag; /* with its quotes */
};

struct api_addresses {
    const char *http, *https, *mqtt, *mqtts; /* "127.0.0.1:8080", NULL: off */
};

struct api_opts {
    const char *version;
    const struct api_asset *assets; /* NULL: no page is built in */
    size_t assets_n;
    const char *web_dir;       /* files from here instead, for work on the page; NULL */
    const char *host_names;    /* with commas; by which browsers reach us, beside addresses */
    const char *public_url;    /* "https://twins.example.org", for others to send browsers to; NULL:
                                  by the name that a request has */
    struct alarms *alarms;     /* alarms/alarms.h; outlives the API */
    struct rules *rules;       /* rules/rules.h; gone once the server ends: no call comes then */
    struct control *control;   /* control/control.h; the same */
    struct oidc *oidc;         /* access/oidc.h */
    struct asks *asks;         /* ask/ask.h; NULL: no questions are taken */
    const struct fetch *fetch; /* to look at URLs before they are kept */
    const struct key_ring *keys;   /* to seal what has to be read again; NULL: there are none */
    size_t max_profile;            /* bytes; 0: 1 MiB */
    size_t max_watched;            /* sensors, by all streams together; 0: 1,000,000 */
    size_t graphql_depth;          /* levels of an operation; 0: 20 */
    uint64_t graphql_cost;         /* docs/graphql.md; 0: 50,000 */
    unsigned graphql_timeout_ms;   /* 0: 30 s */
    const char *graphql_documents; /* JSON: those that may be asked, and no others; NULL: any */
    uint64_t requests_per_s, anonymous_requests_per_s; /* 0: no limit */
    struct line_map *line_map;                         /* taken over; NULL: its defaults */
    struct provision_grant *grant_http,
        *grant_https;                     /* what is made for who comes by there; NULL */
    bool anonymous_http, anonymous_https; /* do they take readings from anybody? */
};

int api_new(struct loop *l, struct core *c, struct broker *b, const struct api_opts *opts,
            struct api **ret);
void api_free(struct api *a); /* after http_server_free() */
void api_set_addresses(struct api *a, const struct api_addresses *addresses); /* copied */

/* For http_opts.on_request, with the api as arg, and for http_opts.security_headers. */
void api_on_request(void *arg, struct http_req *r);
extern const char api_security_headers[];

#endif
