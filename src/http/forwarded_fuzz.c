/* Fuzz target: any bytes as a list of proxies, a peer and X-Forwarded-For, a line each. */
#include "http/forwarded.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of((const char *)data, size), list, peer, bad;
    struct proxies *p = NULL;
    char client[FORWARDED_TEXT] = "";
    if (!slice_cut(&rest, '\n', &list) || !slice_cut(&rest, '\n', &peer))
        return 0;
    char *copy = strndup(peer.p ? peer.p : "", peer.n);
    int err = proxies_parse(list, &p, &bad);
    assert(err == 0 || err == ERR_INVALID);
    if (!err && copy && proxies_client(p, copy, rest, client))
        assert(proxies_have(p, copy) && strlen(client) >= 4);
    proxies_free(p);
    free(copy);
    return 0;
}
