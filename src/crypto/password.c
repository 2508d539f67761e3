#include "crypto/password.h"

#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/password_internal.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <utf8proc.h>

static_assert(PASSWORD_HASH_MAX == crypto_pwhash_argon2id_STRBYTES, "as libsodium has it");

static int normalise(struct slice text, utf8proc_option_t options, char **ret, size_t *ret_n,
                     const char **ret_why)
{
    utf8proc_uint8_t *to = NULL;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)(text.n ? text.p : ""), (utf8proc_ssize_t)text.n,
                     &to, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | options);
    if (n >= 0) {
        *ret = (char *)to;
        *ret_n = (size_t)n;
        return 0;
    }
    if (n == UTF8PROC_ERROR_NOMEM)
        return ERR_NOMEM;
    if (ret_why)
        *ret_why = n == UTF8PROC_ERROR_NOTASSIGNED
                       ? "The password has a character that Unicode has not assigned yet; leave "
                         "it out."
                       : "The password is not text in UTF-8.";
    return ERR_INVALID;
}

int password_normal(struct slice text, char **ret, size_t *ret_n, const char **ret_why)
{
    return normalise(text, UTF8PROC_REJECTNA, ret, ret_n, ret_why);
}

int password_folded(struct slice text, char **ret, size_t *ret_n)
{
    return normalise(text, UTF8PROC_CASEFOLD, ret, ret_n, NULL);
}

void password_forget(char *text, size_t n)
{
    if (text)
        sodium_memzero(text, n);
    free(text);
}

static size_t memory_of(const struct password_cost *cost)
{
    return (size_t)cost->memory_kib * 1024;
}

static bool is_a_cost(const struct password_cost *cost)
{
    return memory_of(cost) >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           memory_of(cost) <= crypto_pwhash_argon2id_MEMLIMIT_MAX &&
           cost->passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN;
}

int password_hash(struct slice password, const struct password_cost *cost,
                  char out[static PASSWORD_HASH_MAX])
{
    char *text = NULL, made[PASSWORD_HASH_MAX];
    size_t n = 0;
    if (!is_a_cost(cost) || password.n > PASSWORD_BYTES_MAX)
        return ERR_INVALID;
    if (sodium_init() < 0)
        return ERR_IO;
    int err = password_normal(password, &text, &n, NULL);
    if (!err && crypto_pwhash_argon2id_str(made, text, n, cost->passes, memory_of(cost)) != 0)
        err = ERR_NOMEM;
    if (!err)
        memcpy(out, made, sizeof made);
    password_forget(text, n);
    return err;
}

/* As long as a real comparison takes. */
static int compare_with_nothing(struct slice text, const struct password_cost *cost)
{
    unsigned char key[SHA256_BYTES], salt[crypto_pwhash_argon2id_SALTBYTES] = {0};
    return crypto_pwhash_argon2id(key, sizeof key, text.n ? text.p : "", text.n, salt, cost->passes,
                                  memory_of(cost), crypto_pwhash_argon2id_ALG_ARGON2ID13)
               ? ERR_NOMEM
               : 0;
}

static int compare(struct slice text, const char *hash, const struct password_cost *cost,
                   enum password_verdict *ret)
{
    int stale = crypto_pwhash_argon2id_str_needs_rehash(hash, cost->passes, memory_of(cost));
    if (stale < 0)
        return ERR_CORRUPT;
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(hash, text.p, text.n) == 0) {
        *ret = stale ? PASSWORD_RIGHT_REHASH : PASSWORD_RIGHT;
        return 0;
    }
    if (errno != EINVAL) /* which says that it is another password */
        return ERR_NOMEM;
    *ret = PASSWORD_WRONG;
    return 0;
}

int password_verify(struct slice password, const char *hash, const struct password_cost *cost,
                    enum password_verdict *ret)
{
    char *text = NULL;
    size_t n = 0;
    if (!is_a_cost(cost))
        return ERR_INVALID;
    if (sodium_init() < 0)
        return ERR_IO;
    int err =
        password.n > PASSWORD_BYTES_MAX ? ERR_INVALID : password_normal(password, &text, &n, NULL);
    if (err == ERR_NOMEM)
        return err;
    if (err || !hash) { /* what cannot be a password is nobody's */
        err = compare_with_nothing(slice_of(text, n), cost);
        if (!err)
            *ret = PASSWORD_WRONG;
    } else {
        err = compare(slice_of(text, n), hash, cost, ret);
    }
    password_forget(text, n);
    return err;
}
