/* token.h - secrets that stand for somebody: API tokens, links, sessions.
 *
 *     dop_pat_ 43 characters of base62, 256 bits of chance, and 6 that are the CRC-32 of all before
 *
 * A scanner for secrets finds them by `dop_[a-z]+_[0-9A-Za-z]{49}` and, by the checksum (that of
 * zlib, in base62, most significant first), without mistake; so does token_read() refuse what
 * nobody made before anything is looked up.  A double click takes all of one.
 *
 * What is kept of a token is the SHA-256 of all its characters: nothing slower is needed, as nobody
 * can try 2^256.  Its id is the beginning of that, so that who has found a token can tell which it
 * is; it is no secret.
 *
 * Pure and thread-safe; nothing blocks. */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "crypto/digest.h"

enum token_kind {
    TOKEN_PERSON,       /* dop_pat_   of a person, for programs of theirs */
    TOKEN_SERVICE,      /* dop_svc_   of a service account */
    TOKEN_DEVICE,       /* dop_dev_   of a device */
    TOKEN_PROVISIONING, /* dop_prov_  of a fleet: makes tokens of devices */
    TOKEN_LINK,         /* dop_link_  of a share link */
    TOKEN_INVITATION,   /* dop_inv_ */
    TOKEN_SETUP,        /* dop_setup_ makes the first administrator */
    TOKEN_SESSION,      /* dop_ses_   in a cookie */
    TOKEN_LOCAL,        /* dop_local_ of a running server, for the command line beside it */
    TOKEN_KINDS
};

enum {
    TOKEN_CHARACTERS_MAX = 59, /* without the NUL */
    TOKEN_ID_CHARACTERS = 16,
};

struct token {
    enum token_kind kind;
    unsigned char hash[SHA256_BYTES]; /* to be kept, and looked up by */
    char id[TOKEN_ID_CHARACTERS + 1]; /* to be shown: hexadecimal digits */
};

/* Make one.  The text is shown once and never kept. */
void token_make(enum token_kind kind, char text[static TOKEN_CHARACTERS_MAX + 1],
                struct token *ret);

/* What is it?  ERR_MALFORMED: nobody made this. */
int token_read(struct slice text, struct token *ret);

/* "dop_pat_" */
const char *token_prefix(enum token_kind kind);

#endif
