/* Fuzz target: any JSON as the locks of an envelope, and any text as identities.  No passphrase is
 * given: what Argon2id takes is not what is looked for. */
#include "crypto/envelope.h"

#include "base/err.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_it(struct slice text, struct slice identities)
{
    struct arena *a = arena_new();
    struct jval *locks = NULL;
    struct buf why = {0};
    unsigned char key[ENVELOPE_KEY];
    const struct envelope_means means = {.identities = identities};
    assert(a);
    if (jdoc_parse(a, text, &locks, NULL) == 0) {
        int err = envelope_open(locks, &means, key, &why);
        assert(err == 0 || err == ERR_FOREIGN || err == ERR_MALFORMED || err == ERR_UNSUPPORTED);
        assert((err == ERR_FOREIGN) == (why.n > 0));
    }
    buf_release(&why);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice locks, rest = slice_of((const char *)data, size);
    struct buf why = {0};
    if (!size)
        return 0;
    slice_cut(&rest, 0, &locks); /* the identities stand behind a NUL */
    open_it(locks, rest);
    int err = envelope_check_identities(rest, &why);
    assert(!err == !why.n);
    buf_release(&why);
    return 0;
}
