#include "access/ask.h"

#include "access/sessions.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"
#include "crypto/encode.h"

#include <ctype.h>
#include <stdio.h>

struct ask *ask_of(const struct change *ch)
{
    return ch->arg;
}

int ask_org(struct change *ch, enum access_op op, struct org **ret)
{
    const struct ask *ask = ask_of(ch);
    struct org *org = access_org(ch->access, ask->org);
    int err = org ? change_check(ch, op, &(struct access_object){.org = org}) : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND) /* the same whether it is not there or not for them to see */
        return change_refuse(ch, err, "There is no such organisation.");
    if (err)
        return err;
    ch->audit.org = slice_str(org->e.id);
    *ret = org;
    return 0;
}

/* ---- bodies ---- */

static int refuse_member(struct change *ch, struct slice name, const char *const *members)
{
    char known[256] = "";
    for (size_t n = 0; *members && n < sizeof known; members++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", *members);
    if (name.n > 60)
        name.n = 60;
    return known[0] ? change_refuse(ch, ERR_INVALID, "\"%.*s\" is not known here; %s are.",
                                    SLICE_ARG(name), known)
                    : change_refuse(ch, ERR_INVALID, "\"%.*s\" is not known here; nothing is.",
                                    SLICE_ARG(name));
}

int ask_only(struct change *ch, const struct jval *body, const char *const *members)
{
    if (!body || body->type != J_OBJECT)
        return change_refuse(ch, ERR_MALFORMED, "A JSON object is expected.");
    for (const struct jval *v = body->first; v; v = v->next) {
        bool known = false;
        for (const char *const *m = members; *m && !known; m++)
            known = slice_is(v->key, *m);
        if (!known)
            return refuse_member(ch, v->key, members);
    }
    return 0;
}

/* Code points; control characters are none that a name has. */
static bool count_characters(struct slice s, size_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; n++) {
        size_t len = utf8_sequence((const unsigned char *)s.p + i, s.n - i);
        if (!len || (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ||
            (len == 2 && (unsigned char)s.p[i] == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0))
            return false;
        i += len;
    }
    *ret = n;
    return true;
}

int ask_text(struct change *ch, const struct jval *body, const char *key, size_t characters,
             bool needed, struct slice *ret)
{
    const struct jval *v = jval_get(body, key);
    size_t n;
    if (!v)
        return needed ? change_refuse(ch, ERR_INVALID, "\"%s\" is missing.", key) : 0;
    struct slice text = slice_trim(jval_string(v));
    if (v->type != J_STRING || !text.n || !count_characters(text, &n) || n > characters)
        return change_refuse(ch, ERR_INVALID,
                             "\"%s\" is a text of one line with 1 to %zu characters.", key,
                             characters);
    *ret = text;
    return 0;
}

int ask_role(struct change *ch, const struct jval *body, bool needed, enum access_role *ret)
{
    const struct jval *v = jval_get(body, "role");
    if (!v)
        return needed ? change_refuse(ch, ERR_INVALID, "\"role\" is missing.") : 0;
    enum access_role role = role_by_name(jval_string(v));
    if (!role)
        return change_refuse(ch, ERR_INVALID,
                             "\"role\" is viewer, operator, editor or administrator.");
    *ret = role;
    return 0;
}

static bool is_email(struct slice s)
{
    ptrdiff_t at = slice_find(s, '@');
    if (s.n > EMAIL_BYTES || at < 1 || (size_t)at + 1 >= s.n || !utf8_valid(s))
        return false;
    struct slice host = slice_skip(s, (size_t)at + 1);
    if (slice_find(host, '@') >= 0 || host.p[0] == '.' || slice_ends(host, "."))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("<>()[],;:\\\"", s.p[i]))
            return false;
    return true;
}

int ask_email(struct change *ch, const struct jval *body, struct slice *ret)
{
    const struct jval *v = jval_get(body, "email");
    struct slice text = slice_trim(jval_string(v));
    if (!v)
        return 0;
    if (!is_email(text))
        return change_refuse(ch, ERR_INVALID, "\"email\" is an address such as ada@example.org.");
    char *small = arena_strndup(ch->arena, text.p, text.n);
    if (!small)
        return change_refuse(ch, ERR_NOMEM, "%s", err_info(ERR_NOMEM)->text);
    for (char *c = small; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *ret = slice_of(small, text.n);
    return 0;
}

int ask_expires(struct change *ch, const struct jval *body, int64_t otherwise_us, int64_t most_us,
                int64_t *ret)
{
    const struct jval *v = jval_get(body, "expires");
    int64_t t_us = otherwise_us ? ch->now_us + otherwise_us : 0;
    if (v && v->type == J_NULL && !otherwise_us) { /* never, where it need not be */
        *ret = 0;
        return 0;
    }
    if (v && (v->type != J_STRING || clock_parse(v->text, &t_us)))
        return change_refuse(ch, ERR_INVALID,
                             "\"expires\" is a time such as 2030-01-31T00:00:00Z.");
    if (v && t_us <= ch->now_us)
        return change_refuse(ch, ERR_INVALID, "\"expires\" is over already.");
    if (v && t_us - ch->now_us > most_us)
        return change_refuse(ch, ERR_INVALID, "\"expires\" is at most %lld days away.",
                             (long long)(most_us / DAY_US));
    *ret = t_us;
    return 0;
}

int ask_list(struct change *ch, const struct jval *body, const char *key, size_t most,
             const struct jval **ret)
{
    const struct jval *v = jval_get(body, key);
    if (!v)
        return 0;
    bool fits = v->type == J_ARRAY && v->count <= most;
    for (const struct jval *one = fits ? v->first : NULL; one && fits; one = one->next)
        fits = one->type == J_STRING && one->text.n && one->text.n <= ASK_ID_MAX;
    if (!fits)
        return change_refuse(ch, ERR_INVALID, "\"%s\" is a list of at most %zu texts.", key, most);
    *ret = v;
    return 0;
}

/* ---- what the asker may give ---- */

enum access_role role_of_asker(const struct principal *who, const struct org *org)
{
    if (who->everything)
        return ROLE_ADMINISTRATOR;
    if (who->org == org)
        return who->role;
    const struct member *m = who->kind == WHO_PERSON && !who->token
                                 ? map_get(&who->person->memberships, slice_str(org->e.id))
                                 : NULL;
    return m ? m->role : ROLE_NONE;
}

uint64_t ops_of_asker(const struct principal *who, const struct org *org)
{
    if (who->everything)
        return OPS_ALL;
    uint64_t installation =
        who->installation ? OP_BIT(OP_METRICS_READ) | OP_BIT(OP_INSTALLATION_MANAGE) : 0;
    return (ops_of_role(role_of_asker(who, org)) | installation) & who->scopes;
}

int ask_may_give(struct change *ch, const struct org *org, enum access_role role)
{
    enum access_role own = role_of_asker(ch->who, org);
    if (role > own)
        return change_refuse(ch, ERR_FORBIDDEN, "The role %s is more than your own, %s.",
                             role_name(role), role_name(own));
    uint64_t beyond = ops_of_role(role) & ~ops_of_asker(ch->who, org);
    for (int op = 0; op < OP_COUNT; op++)
        if (beyond & OP_BIT(op))
            return change_refuse(ch, ERR_FORBIDDEN,
                                 "The role %s may %s, and this token may not: its scopes do not "
                                 "have it.",
                                 role_name(role), op_info((enum access_op)op)->name);
    return 0;
}

int ask_fresh(struct change *ch)
{
    if (!ch->who->session || session_is_fresh(ch->who, ch->now_us))
        return 0;
    return change_refuse(ch, ERR_REAUTHENTICATE,
                         "This needs a sign-in of the last 15 minutes: confirm who you are.");
}

/* ---- documents ---- */

void ask_new_id(const char *prefix, char out[static 32])
{
    unsigned char bytes[10];
    random_bytes(bytes, sizeof bytes);
    int n = snprintf(out, 32, "%s", prefix);
    for (size_t i = 0; i < sizeof bytes && n < 30; i++)
        n += snprintf(out + n, 32 - (size_t)n, "%02x", bytes[i]);
}

struct jval *doc_copy(struct change *ch, const struct jval *doc)
{
    struct jval *copy = jval_copy(ch->arena, doc);
    return copy ? copy : change_doc(ch);
}

void doc_list_change(struct change *ch, struct jval *doc, const char *key, struct slice text,
                     bool in)
{
    const struct jval *old = jval_get(doc, key);
    struct jval *list = jval_new(ch->arena, J_ARRAY), *v;
    for (const struct jval *o = old ? old->first : NULL; o && list; o = o->next)
        if (!slice_eq(o->text, text) && (v = jval_copy(ch->arena, o)))
            jval_append(list, v);
    if (in && list && (v = jval_new_string(ch->arena, text)))
        jval_append(list, v);
    if (list)
        jval_set(ch->arena, doc, slice_str(key), list);
}

void doc_hash(struct change *ch, struct jval *doc, const unsigned char hash[TOKEN_HASH])
{
    struct buf hex = {0};
    encode_add(&hex, ENCODE_HEX, slice_of((const char *)hash, TOKEN_HASH));
    doc_slice(ch, doc, "hash", buf_slice(&hex));
    buf_release(&hex);
}

/* Of an address, the log has what is behind the "@": it outlives the wish to be forgotten. */
static void mask_email(struct change *ch, struct jval *doc)
{
    struct slice email = jval_string(jval_get(doc, "email"));
    ptrdiff_t at = slice_find(email, '@');
    if (at >= 0)
        doc_string(ch, doc, "email",
                   arena_printf(ch->arena, "...%.*s", SLICE_ARG(slice_skip(email, (size_t)at))));
}

static const struct jval *for_audit(struct change *ch, const struct jval *doc)
{
    struct jval *copy = doc ? doc_copy(ch, doc) : NULL;
    if (!copy)
        return NULL;
    mask_email(ch, copy);
    if (jval_get(copy, "to"))
        mask_email(ch, jval_get(copy, "to"));
    return copy;
}

void ask_audit(struct change *ch, enum access_op op, const char *kind, const char *id,
               const struct jval *before, const struct jval *after)
{
    const char *object = arena_printf(ch->arena, "%s:%s", kind, id);
    change_audit(ch, op_info(op)->name, object ? object : kind, for_audit(ch, before),
                 for_audit(ch, after));
}

const char *doc_name_of(const struct access *a, const struct entity *e, const char *key)
{
    struct slice id = doc_text(e, key);
    const struct person *p = access_find(a, RECORD_PERSON, id);
    const struct service *s = access_find(a, RECORD_SERVICE, id);
    if (slice_is(id, a->local->id))
        return a->local->name;
    return p ? p->name : s ? s->name : "";
}

struct slice doc_text(const struct entity *e, const char *key)
{
    return jval_string(jval_get(e->doc, key));
}

int64_t doc_when(const struct entity *e, const char *key)
{
    return time_read(e->doc, key);
}
