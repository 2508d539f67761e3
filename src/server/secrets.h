/* secrets.h - the keys of this server: where they come from, and whether one is missing.
 *
 * From three places, each behind the one before: DATA/secret.key, the file named with
 * --secret-key-file, the variable DOPPEL_SECRET_KEY.  The last key of the last one seals; all open.
 * The first is made by the server when there is no key anywhere.  One thread; blocks. */
#ifndef SERVER_SECRETS_H
#define SERVER_SECRETS_H

#include "crypto/key_ring.h"
#include "server/config.h"

#define SECRETS_FILE "secret.key"
#define SECRETS_VARIABLE "DOPPEL_SECRET_KEY"

enum secrets_place { SECRETS_DATA, SECRETS_NAMED, SECRETS_ENVIRONMENT, SECRETS_PLACES };

struct secrets {
    struct key_ring *ring;
    struct key_ring *from[SECRETS_PLACES]; /* NULL: there is none */
    char *file;                            /* DATA/secret.key */
    const char *named;                     /* the named file, or NULL */
};

/* CODE_OK, or a code after having said why.  The variable is wiped, so that no copy of the
 * environment has it any longer. */
int secrets_open(const struct config *c, struct secrets *ret);
void secrets_close(struct secrets *s);

/* The place whose newest key seals; SECRETS_PLACES: there is no key. */
enum secrets_place secrets_sealing(const struct secrets *s);
const char *secrets_name(const struct secrets *s, enum secrets_place place);

/* For the server: open, and make DATA/secret.key when there is no key; then say in the log which
 * secrets of the catalog are under a key that is not here.  A server starts without them. */
int secrets_start(const struct config *c, struct secrets *ret);

/* What is under one key. */
struct secrets_use {
    char id[KEY_ID_TEXT + 1];
    size_t n;
    char some[160]; /* the first of what they belong to: "person ada, person bob, ..." */
};

/* Append rows (freed by the caller with free()) to *ret; ERR_NOT_FOUND without a catalog. */
int secrets_survey(const char *data, struct secrets_use **ret, size_t *ret_n);

#endif
