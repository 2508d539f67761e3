/* Names of twins across organisations.  A twin's key is its id in the first organisation and
 * "slug~id" in every other: "~" stands in no id and in no slug. */
#include "access/state.h"

#include "base/err.h"

struct org *access_org(const struct access *a, struct slice slug)
{
    return access_find(a, RECORD_ORG, slug);
}

struct org *access_first_org(const struct access *a)
{
    return a->first;
}

size_t access_org_count(const struct access *a)
{
    return a->kinds[RECORD_ORG].count;
}

const char *org_slug(const struct org *o)
{
    return o->e.id;
}

size_t access_key_prefix(struct slice key)
{
    ptrdiff_t at = slice_find(key, '~');
    return at < 0 ? 0 : (size_t)at + 1;
}

struct org *access_org_of_key(const struct access *a, struct slice key)
{
    size_t prefix = access_key_prefix(key);
    return prefix ? access_org(a, slice_of(key.p, prefix - 1)) : a->first;
}

int access_key(const struct access *a, const struct principal *who, struct slice id,
               struct buf *scratch, struct slice *ret_key, struct org **ret_org)
{
    size_t prefix = access_key_prefix(id);
    struct org *org = prefix     ? access_org(a, slice_of(id.p, prefix - 1))
                      : who->org ? who->org
                                 : a->first;
    if (!org)
        return ERR_NOT_FOUND;
    struct slice bare = slice_skip(id, prefix);
    *ret_org = org;
    *ret_key = org->first ? bare : id;
    if (org->first || prefix)
        return 0;
    buf_clear(scratch);
    buf_add_str(scratch, org->e.id);
    buf_add_byte(scratch, '~');
    buf_add_slice(scratch, bare);
    *ret_key = buf_slice(scratch);
    return scratch->failed ? ERR_NOMEM : 0;
}

void access_put_id(const struct access *a, const struct principal *who, struct slice key,
                   struct buf *out)
{
    const struct org *org = access_org_of_key(a, key);
    size_t prefix = access_key_prefix(key);
    if (org != who->org && org && !prefix) {
        buf_add_str(out, org->e.id);
        buf_add_byte(out, '~');
    }
    buf_add_slice(out, org == who->org ? slice_skip(key, prefix) : key);
}
