/* password.h - passwords: which are taken, and how they are kept.
 *
 * A password is text.  What counts of it is its form NFKC (Unicode), so that "é" is the same
 * whether a keyboard sends one character or two; all else of it counts, blanks and capitals
 * included, and nothing is cut.  Characters that Unicode has not assigned are refused when it is
 * chosen, since their form may yet change (the stabilized strings of NIST SP 800-63B).
 *
 * Pure and thread-safe.  password_hash() and password_verify() take as much memory and time as
 * their cost says, about a tenth of a second by default: they are for a thread of a pool, and the
 * pool's size is the limit of what sign-ins can take. */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/buf.h"

enum {
    PASSWORD_CHARACTERS_MIN = 8, /* the least that a policy may ask for */
    PASSWORD_CHARACTERS_GOOD = 12,
    PASSWORD_BYTES_MAX = 1024,
    PASSWORD_HASH_MAX = 128, /* with the NUL */
};

/* ---- which are taken: NIST SP 800-63B, section 5.1.1.2 ---- */

struct password_policy {
    unsigned characters; /* at least; PASSWORD_CHARACTERS_MIN when less */
    /* what everyone would guess: the person's name and e-mail address, what the service is called
     * ("doppel" is known).  Their parts count as well. */
    const struct slice *words;
    size_t words_n;
};

/* May this be somebody's password?  Long enough, and neither common nor made of what is easily
 * guessed; no rules about kinds of characters.  ERR_INVALID: *why has a sentence appended that
 * tells a person what is wrong; ERR_NOMEM. */
int password_check(struct slice password, const struct password_policy *policy, struct buf *why);

/* Is it one of those that are tried first?  As password_check() asks it: in small letters. */
bool password_is_common(struct slice folded);

/* ---- how they are kept: Argon2id (RFC 9106), as a PHC string ---- */

struct password_cost {
    uint32_t memory_kib; /* 8 at least */
    uint32_t passes;     /* 1 at least */
};

/* OWASP asks for 19 MiB and 2 passes at least. */
#define PASSWORD_COST_DEFAULT ((struct password_cost){.memory_kib = 64 * 1024, .passes = 3})

/* "$argon2id$v=19$m=65536,t=3,p=1$...".  ERR_INVALID: a cost that is none, or no text;
 * ERR_NOMEM. */
int password_hash(struct slice password, const struct password_cost *cost,
                  char out[static PASSWORD_HASH_MAX]);

enum password_verdict {
    PASSWORD_WRONG,
    PASSWORD_RIGHT,
    PASSWORD_RIGHT_REHASH, /* it is kept at another cost than this: hash it anew and keep that */
};

/* Is it the one that is kept?  hash NULL, where there is no such account or it has no password,
 * takes the same time and is always wrong.  ERR_NOMEM, ERR_CORRUPT: hash is not what
 * password_hash() made. */
int password_verify(struct slice password, const char *hash, const struct password_cost *cost,
                    enum password_verdict *ret);

#endif
