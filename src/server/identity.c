#include "server/identity.h"

#include "access/oidc_providers.h"
#include "base/err.h"
#include "server/term.h"

#include <stdlib.h>

/* SCHEME://HOST[:PORT], without what may stand behind it. */
static int read_public_url(const char *text, char **ret)
{
    struct slice rest = slice_str(text);
    while (slice_ends(rest, "/"))
        rest.n--;
    size_t scheme = slice_starts(rest, "https://") ? 8 : slice_starts(rest, "http://") ? 7 : 0;
    bool good = scheme && rest.n > scheme;
    for (size_t i = scheme; good && i < rest.n; i++)
        good =
            rest.p[i] > ' ' && (unsigned char)rest.p[i] < 0x7f && !strchr("/?#@\\\"<>", rest.p[i]);
    if (!good) {
        term_problem("--public-url takes a scheme and a host, such as https://twins.example.org");
        return CODE_USAGE;
    }
    *ret = strndup(rest.p, rest.n);
    return *ret ? CODE_OK : CODE_FAILED;
}

static int tell(const char *what, int err, struct buf *why)
{
    if (why->n)
        term_problem("%s: %.*s", what, SLICE_ARG(buf_slice(why)));
    else
        term_problem("%s: %s", what, err_info(err)->text);
    buf_release(why);
    return err == ERR_INVALID ? CODE_USAGE : CODE_FAILED;
}

int identity_open(struct loop *l, const struct config *c, struct core *core,
                  const struct key_ring *keys, struct identity *ret)
{
    const struct fetch_opts opts = {.allow_private = c->allow_private_fetch,
                                    .ca_file = c->fetch_ca,
                                    .user_agent = "Doppel/" DOPPEL_VERSION};
    struct buf why = {0};
    int code = c->public_url ? read_public_url(c->public_url, &ret->public_url) : CODE_OK;
    if (code != CODE_OK)
        return code;
    int err = fetch_new(l, &opts, &ret->fetch, &why);
    if (err)
        return tell("--allow-private-fetch and --fetch-ca", err, &why);
    if ((err = oidc_new(ret->fetch, &ret->oidc)))
        return tell("identity providers cannot be set up", err, &why);
    if (c->identity_providers && (err = oidc_load_file(ret->oidc, c->identity_providers, &why)))
        return tell(c->identity_providers, err, &why);
    oidc_load(ret->oidc, core_access(core), keys);
    return CODE_OK;
}

void identity_stop(struct identity *i)
{
    fetch_free(i->fetch);
    i->fetch = NULL;
}

void identity_close(struct identity *i)
{
    identity_stop(i);
    oidc_free(i->oidc);
    free(i->public_url);
}
