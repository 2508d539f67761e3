/* jose_internal.h - what jose.c and jose_key.c share. */
#ifndef CRYPTO_JOSE_INTERNAL_H
#define CRYPTO_JOSE_INTERNAL_H

#include "crypto/jose.h"

#include <openssl/evp.h>

enum jose_key_kind { KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519 };

struct jose_alg_row {
    const char *name;
    enum jose_key_kind kind;
    const char *digest; /* NULL: inside the algorithm */
    size_t bytes;
};
extern const struct jose_alg_row jose_algs[JOSE_ALGS];

struct jose_key {
    enum jose_key_kind kind;
    int alg;   /* the one that it is for alone; -1: any that fits */
    char *kid; /* NULL: none */
    size_t kid_n;
    EVP_PKEY *key;
};

struct jwks {
    size_t n;
    struct jose_key keys[JOSE_KEYS_MAX];
};

#endif
