/* client_curl.h - for those who speak HTTP beside client.c: a handle set as its own is. */
#ifndef SERVER_CLIENT_CURL_H
#define SERVER_CLIENT_CURL_H

#include "server/client.h"

#include <curl/curl.h>

/* What every request has in common: certificates, proxies, times.  The handle's connections stay.
 * why has CURL_ERROR_SIZE bytes and lives as long as the request. */
void client_common(const struct client *c, CURL *curl, char *why);

#endif
