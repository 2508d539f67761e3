/* password_internal.h - what the files of password.h share. */
#ifndef CRYPTO_PASSWORD_INTERNAL_H
#define CRYPTO_PASSWORD_INTERNAL_H

#include "crypto/password.h"

/* The form that counts.  ERR_INVALID: not UTF-8, or not assigned; *ret_why (may be NULL) says so.
 * The caller wipes and frees with password_forget(). */
int password_normal(struct slice text, char **ret, size_t *ret_n, const char **ret_why);

/* The same without the difference of capitals and small letters, for comparing. */
int password_folded(struct slice text, char **ret, size_t *ret_n);

void password_forget(char *text, size_t n); /* NULL is nothing */

#endif
