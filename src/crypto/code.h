/* code.h - secrets that people read, write down and type: recovery codes, claim codes.
 *
 *     KX3V-7M2Q-XW4Z-A5BP
 *
 * Groups of four characters of base32 (RFC 4648), 20 bits each.  Typed, they may be in small
 * letters, with blanks, hyphens or nothing between the groups, and with 0, 1 and 8, which the
 * alphabet does not have, for O, I and B.
 *
 * What is kept is the SHA-256 of the characters alone.  Four groups (80 bits) are beyond trying,
 * also for who has the hash; three (60 bits) are for what lives for hours and is throttled.
 *
 * Pure and thread-safe; nothing blocks. */
#ifndef CRYPTO_CODE_H
#define CRYPTO_CODE_H

#include "crypto/digest.h"

enum {
    CODE_GROUPS_MAX = 4,
    CODE_CHARACTERS_MAX = CODE_GROUPS_MAX * 5 - 1, /* without the NUL */
    RECOVERY_CODES = 10,                           /* that a person gets at once */
    RECOVERY_GROUPS = 4,
    CLAIM_GROUPS = 3,
};

/* Make one of so many groups; the text is shown once, the hash kept. */
void code_make(unsigned groups, char text[static CODE_CHARACTERS_MAX + 1],
               unsigned char hash[static SHA256_BYTES]);

/* The hash of what was typed.  ERR_MALFORMED: it is no code of so many groups. */
int code_read(struct slice typed, unsigned groups, unsigned char hash[static SHA256_BYTES]);

/* Which of n hashes is it, or -1?  The caller takes it out of those that are left, so that it
 * works once. */
int code_find(const unsigned char hash[static SHA256_BYTES],
              const unsigned char (*hashes)[SHA256_BYTES], size_t n);

#endif
