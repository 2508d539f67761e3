/* chars.c - the character classes of RFC 9110 and RFC 3986, as one table.
 *
 * CHAR_TOKEN: tchar.  CHAR_VALUE: what may stand in a field's value (visible, space, tab and
 * bytes above ASCII).  CHAR_URI: what may stand in a request target; a few that RFC 3986 leaves
 * out are taken, because browsers send them as they are. */
#include "http/http_internal.h"

#define T CHAR_TOKEN
#define V CHAR_VALUE
#define U CHAR_URI

/* clang-format off */
const unsigned char http_chars[256] = {
    ['\t'] = V, [' '] = V,
    ['!'] = T|V|U, ['"'] = V|U, ['#'] = T|V, ['$'] = T|V|U, ['%'] = T|V|U, ['&'] = T|V|U,
    ['\''] = T|V|U, ['('] = V|U, [')'] = V|U, ['*'] = T|V|U, ['+'] = T|V|U, [','] = V|U,
    ['-'] = T|V|U, ['.'] = T|V|U, ['/'] = V|U,
    ['0' ... '9'] = T|V|U,
    [':'] = V|U, [';'] = V|U, ['<'] = V, ['='] = V|U, ['>'] = V, ['?'] = V|U, ['@'] = V|U,
    ['A' ... 'Z'] = T|V|U,
    ['['] = V|U, ['\\'] = V, [']'] = V|U, ['^'] = T|V|U, ['_'] = T|V|U, ['`'] = T|V|U,
    ['a' ... 'z'] = T|V|U,
    ['{'] = V|U, ['|'] = T|V|U, ['}'] = V|U, ['~'] = T|V|U,
    [0x80 ... 0xff] = V,
};
/* clang-format on */

bool chars_all(struct slice s, int kind)
{
    for (size_t i = 0; i < s.n; i++)
        if (!char_is(s.p[i], kind))
            return false;
    return true;
}
