#include "crypto/code.h"

#include "base/err.h"

#include <assert.h>

enum { GROUP = 4 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void code_make(unsigned groups, char text[static CODE_CHARACTERS_MAX + 1],
               unsigned char hash[static SHA256_BYTES])
{
    assert(groups >= 1 && groups <= CODE_GROUPS_MAX);
    unsigned char chance[GROUP * CODE_GROUPS_MAX];
    char *to = text;
    random_bytes(chance, sizeof chance);
    for (unsigned i = 0; i < groups * GROUP; i++) {
        if (i && i % GROUP == 0)
            *to++ = '-';
        *to++ = alphabet[chance[i] & 31];
    }
    *to = 0;
    int err = code_read(slice_str(text), groups, hash);
    assert(!err);
}

/* The character of the alphabet that was meant, or 0. */
static char meant(char c)
{
    static const char typed[] = "018abcdefghijklmnopqrstuvwxyz", stands_for[] = "OIB";
    if (c && strchr(alphabet, c))
        return c;
    const char *at = c ? strchr(typed, c) : NULL;
    if (!at)
        return 0;
    return at - typed < 3 ? stands_for[at - typed] : (char)(c - 'a' + 'A');
}

int code_read(struct slice typed, unsigned groups, unsigned char hash[static SHA256_BYTES])
{
    char plain[GROUP * CODE_GROUPS_MAX];
    size_t n = 0, wanted = (size_t)GROUP * groups;
    assert(groups >= 1 && groups <= CODE_GROUPS_MAX);
    if (typed.n > 4 * wanted)
        return ERR_MALFORMED;
    for (size_t i = 0; i < typed.n; i++) {
        char c = typed.p[i];
        if (c == ' ' || c == '-')
            continue;
        if (n == wanted || !(plain[n++] = meant(c)))
            return ERR_MALFORMED;
    }
    if (n != wanted)
        return ERR_MALFORMED;
    digest_sha256(slice_of(plain, n), hash);
    return 0;
}

int code_find(const unsigned char hash[static SHA256_BYTES],
              const unsigned char (*hashes)[SHA256_BYTES], size_t n)
{
    int found = -1;
    for (size_t i = 0; i < n; i++) /* all of them, so that the time does not tell which */
        if (digest_equal(slice_of((const char *)hash, SHA256_BYTES),
                         slice_of((const char *)hashes[i], SHA256_BYTES)))
            found = (int)i;
    return found;
}
