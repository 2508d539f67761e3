/* password_common.c - the passwords that are tried first.
 *
 * cmake/common_passwords.cmake puts them into the program: small letters, one a line, in the order
 * of their bytes; there are some ten thousand, so they stay as they are and are halved. */
#include "crypto/password.h"

extern const char doppel_common_passwords[], doppel_common_passwords_end[];

bool password_is_common(struct slice folded)
{
    const char *low = doppel_common_passwords, *high = doppel_common_passwords_end;
    if (!folded.n)
        return false;
    while (low < high) { /* both at the beginning of a line */
        const char *line = low + (high - low) / 2;
        while (line > low && line[-1] != '\n')
            line--;
        const char *end = memchr(line, '\n', (size_t)(high - line));
        size_t n = (size_t)(end - line);
        int order = memcmp(folded.p, line, folded.n < n ? folded.n : n);
        if (order == 0 && folded.n == n)
            return true;
        if (order < 0 || (order == 0 && folded.n < n))
            high = line;
        else
            low = end + 1;
    }
    return false;
}
