#include "server/own_cert.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/authority.h"
#include "crypto/key_ring.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

/* 825 days are the most that Apple's programs accept of an authority that a user added. */
enum { AUTHORITY_DAYS = 3650, CERT_DAYS = 820, RENEW_DAYS = 30, PEM_MAX = 1 << 20 };
enum { OWN_CERT_NAMES = 64, OWN_CERT_ASKED = 32 };
#define DAY_US INT64_C(86400000000)

/* What is of a private network: RFC 1918, 3927, 4193, 6598, 6762, 8375 and what people call theirs.
 */
static const char *const private_dns[] = {"localhost", "local", "lan", "home.arpa", "internal"};
static const char *const private_ip[] = {"127.0.0.0/255.0.0.0",
                                         "10.0.0.0/255.0.0.0",
                                         "172.16.0.0/255.240.0.0",
                                         "192.168.0.0/255.255.0.0",
                                         "169.254.0.0/255.255.0.0",
                                         "100.64.0.0/255.192.0.0",
                                         "::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                         "fc00::/fe00::"};

enum { PRIVATE_DNS = sizeof private_dns / sizeof private_dns[0] };
enum { PRIVATE_IP = sizeof private_ip / sizeof private_ip[0] };

/* ---- names ---- */

struct names {
    struct buf text; /* each with a NUL behind */
    size_t n;
};

static const char *next_name(const struct buf *text, const char *name)
{
    const char *next = name ? name + strlen(name) + 1 : text->p;
    return next && next < text->p + text->n ? next : NULL;
}

static bool has_name(const struct buf *text, const char *wanted)
{
    for (const char *name = next_name(text, NULL); name; name = next_name(text, name))
        if (strcasecmp(name, wanted) == 0)
            return true;
    return false;
}

static void add_name(struct names *l, const char *name)
{
    if (!*name || has_name(&l->text, name))
        return;
    buf_add(&l->text, name, strlen(name) + 1);
    l->n++;
}

static bool is_ip(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* A name of a host, one "*." in front allowed. */
static bool is_host(const char *name)
{
    const char *p = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t n = strlen(p);
    if (!n || n > 253 || *p == '.' || *p == '-')
        return false;
    return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == n;
}

/* The addresses by which others know this machine. */
static void add_addresses(struct names *l)
{
    uv_interface_address_t *all;
    int count;
    if (uv_interface_addresses(&all, &count) != 0)
        return;
    for (int i = 0; i < count; i++) {
        char text[INET6_ADDRSTRLEN];
        int family = all[i].address.address4.sin_family;
        const struct in6_addr *v6 = &all[i].address.address6.sin6_addr;
        const void *address =
            family == AF_INET ? (const void *)&all[i].address.address4.sin_addr : v6;
        if (!all[i].is_internal && !(family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(v6)) &&
            inet_ntop(family, address, text, sizeof text))
            add_name(l, text);
    }
    uv_free_interface_addresses(all, count);
}

static void add_machine(struct names *l)
{
    char host[256] = "", more[300];
    if (gethostname(host, sizeof host - 1) == 0 && is_host(host)) {
        add_name(l, host);
        snprintf(more, sizeof more, "%s.local", host);
        if (!strchr(host, '.') && strcmp(host, "localhost") != 0)
            add_name(l, more);
    }
    add_name(l, "localhost");
    add_name(l, "127.0.0.1");
    add_name(l, "::1");
    add_addresses(l);
}

/* ---- the authority ---- */

static char *path_of(const char *data, const char *name)
{
    struct buf b = {0};
    buf_addf(&b, "%s/tls/%s", data, name);
    return buf_take(&b);
}

static void add_constraint(struct buf *b, const char *name)
{
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    bool v6 = strchr(name, ':') != NULL;
    for (size_t i = 0; i < PRIVATE_DNS; i++)
        if (strcasecmp(name, private_dns[i]) == 0)
            return;
    if (!is_ip(name))
        buf_addf(b, ",permitted;DNS:%s", name);
    else
        buf_addf(b, ",permitted;IP:%s/%s", name,
                 v6 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255");
}

static int make_authority(const struct names *l, struct authority **ret)
{
    struct buf b = {0}, title = {0};
    char host[256] = "this machine";
    gethostname(host, sizeof host - 1);
    buf_addf(&title, "Doppel on %.40s", host);
    buf_add_str(&b, "critical");
    for (size_t i = 0; i < PRIVATE_DNS; i++)
        buf_addf(&b, ",permitted;DNS:%s", private_dns[i]);
    for (size_t i = 0; i < PRIVATE_IP; i++)
        buf_addf(&b, ",permitted;IP:%s", private_ip[i]);
    for (const char *name = next_name(&l->text, NULL); name; name = next_name(&l->text, name))
        add_constraint(&b, name);
    char *constraints = buf_take(&b), *common = buf_take(&title);
    const struct authority_opts o = {.common_name = common,
                                     .until_us = clock_now_us() + AUTHORITY_DAYS * DAY_US,
                                     .constraints = constraints};
    int err = constraints && common ? authority_new(&o, ret) : ERR_NOMEM;
    free(constraints);
    free(common);
    return err;
}

static int write_part(const char *path, struct buf *text, unsigned mode, struct buf *why)
{
    int err = file_write(path, buf_slice(text), mode);
    if (!err)
        err = file_give(path);
    if (err)
        buf_addf(why, "%s: %s", path, file_why(err));
    return err;
}

static int write_authority(const char *data, const struct authority *a, struct buf *why)
{
    struct buf cert = {0}, key = {0};
    char *cert_path = path_of(data, "ca.pem"), *key_path = path_of(data, "ca-key.pem");
    int err = cert_path && key_path ? authority_cert(a, &cert) : ERR_NOMEM;
    if (!err)
        err = authority_key(a, slice_of(NULL, 0), &key);
    if (!err)
        err = write_part(key_path, &key, 0600, why);
    if (!err)
        err = write_part(cert_path, &cert, 0644, why);
    buf_release(&cert);
    secret_release(&key);
    free(cert_path);
    free(key_path);
    return err;
}

/* ERR_NOT_FOUND: there is none.  One whose key is elsewhere is there, and not to be replaced. */
static int read_authority(const char *data, struct authority **ret, struct buf *why)
{
    struct buf cert = {0}, key = {0};
    const char *what = "";
    char *cert_path = path_of(data, "ca.pem"), *key_path = path_of(data, "ca-key.pem");
    int err = cert_path && key_path ? file_read(cert_path, PEM_MAX, &cert) : ERR_NOMEM;
    if (err == ERR_NOT_FOUND)
        goto done;
    if (!err && (err = file_read(key_path, PEM_MAX, &key)) == ERR_NOT_FOUND) {
        err = ERR_IO;
        what = "the authority's key is not there; bring it back for now, or make another authority "
               "with doppel tls init --force --new-ca";
    } else if (!err) {
        err = authority_read(buf_slice(&cert), buf_slice(&key), slice_of(NULL, 0), ret, &what);
    }
    if (err)
        buf_addf(why, "%s: %s", key_path ? key_path : data, *what ? what : file_why(err));
done:
    buf_release(&cert);
    secret_release(&key);
    free(cert_path);
    free(key_path);
    return err;
}

static int find_authority(const char *data, const struct names *l, bool fresh,
                          struct authority **ret, bool *ret_new, struct buf *why)
{
    int err = fresh ? ERR_NOT_FOUND : read_authority(data, ret, why);
    *ret_new = err == ERR_NOT_FOUND;
    if (err != ERR_NOT_FOUND)
        return err;
    if ((err = make_authority(l, ret)))
        buf_add_str(why, "the authority cannot be made");
    else
        err = write_authority(data, *ret, why);
    return err;
}

/* ---- the certificate ---- */

static int write_cert(const char *data, struct cert_issued *i, struct buf *why)
{
    char *cert = path_of(data, "cert.pem"), *key = path_of(data, "key.pem");
    int err = cert && key ? write_part(key, &i->key, 0600, why) : ERR_NOMEM;
    if (!err)
        err = write_part(cert, &i->cert, 0644, why);
    free(cert);
    free(key);
    return err;
}

/* This machine's names may be others than they were when the authority was made: those that it may
 * not issue for are left out.  Those that were asked for stay, and issue() complains. */
static void take_permitted(const struct authority *a, const struct names *all,
                           const struct own_cert_opts *o, struct names *ret)
{
    for (const char *name = next_name(&all->text, NULL); name; name = next_name(&all->text, name)) {
        const struct cert_name n = {is_ip(name) ? CERT_IP : CERT_DNS, name};
        bool asked = false;
        for (size_t i = 0; o && i < o->names_n; i++)
            asked = asked || strcasecmp(o->names[i], name) == 0;
        if (asked || authority_permits(a, &n))
            add_name(ret, name);
    }
}

static int issue(const char *data, const struct authority *a, const struct names *l,
                 int64_t *ret_until_us, struct buf *why)
{
    struct cert_name names[OWN_CERT_NAMES];
    struct cert_issued made = {0};
    const char *what = "";
    size_t n = 0;
    for (const char *name = next_name(&l->text, NULL); name && n < OWN_CERT_NAMES;
         name = next_name(&l->text, name))
        names[n++] = (struct cert_name){is_ip(name) ? CERT_IP : CERT_DNS, name};
    const struct cert_order o = {.use = CERT_SERVER,
                                 .common_name = "Doppel",
                                 .names = names,
                                 .names_n = n,
                                 .until_us = clock_now_us() + CERT_DAYS * DAY_US};
    int err = authority_issue(a, &o, &made, &what);
    if (err == ERR_FOREIGN)
        buf_addf(why,
                 "the authority in %s/tls may not issue for one of these names; --new-ca makes "
                 "another, which has to be trusted anew everywhere",
                 data);
    else if (err)
        buf_add_str(why, what);
    else
        err = write_cert(data, &made, why);
    *ret_until_us = made.until_us;
    cert_issued_release(&made);
    return err;
}

static int check_names(const struct own_cert_opts *o, struct names *l, struct buf *why)
{
    for (size_t i = 0; i < o->names_n; i++) {
        if (!is_ip(o->names[i]) && !is_host(o->names[i])) {
            buf_addf(why, "\"%s\" is no name of a host and no address", o->names[i]);
            return ERR_INVALID;
        }
        add_name(l, o->names[i]);
    }
    if (l->n > OWN_CERT_ASKED) {
        buf_addf(why, "%d names are the most that can be asked for", OWN_CERT_ASKED);
        return ERR_INVALID;
    }
    return 0;
}

static int make_dir(const char *data, struct buf *why)
{
    char *dir = path_of(data, "");
    int err = dir ? 0 : ERR_NOMEM;
    if (!err && ((mkdir(data, 0700) != 0 && errno != EEXIST) ||
                 (mkdir(dir, 0700) != 0 && errno != EEXIST) || file_give(dir) != 0)) {
        buf_addf(why, "%s: %s", dir, strerror(errno));
        err = ERR_IO;
    }
    free(dir);
    return err;
}

/* The names wished for in, those of the certificate out. */
static int make(const char *data, const struct names *l, const struct own_cert_opts *o,
                struct own_cert *ret, struct buf *why)
{
    struct authority *a = NULL;
    struct names taken = {0};
    int err = make_dir(data, why);
    if (!err)
        err = find_authority(data, l, o && o->new_authority, &a, &ret->ca_is_new, why);
    if (!err) {
        take_permitted(a, l, o, &taken);
        err = taken.text.failed ? ERR_NOMEM : issue(data, a, &taken, &ret->until_us, why);
    }
    if (!err)
        err = authority_fingerprint(a, ret->ca_fingerprint);
    authority_free(a);
    ret->names = taken.text;
    return err;
}

int own_cert_make(const char *data, const struct own_cert_opts *o, struct own_cert *ret,
                  struct buf *why)
{
    struct names l = {0};
    struct own_cert made = {.cert = path_of(data, "cert.pem"),
                            .key = path_of(data, "key.pem"),
                            .ca = path_of(data, "ca.pem")};
    int err = made.cert && made.key && made.ca ? check_names(o, &l, why) : ERR_NOMEM;
    add_machine(&l);
    if (!err && !o->force && access(made.cert, F_OK) == 0) {
        buf_addf(why, "there is a certificate already, %s; --force puts a new one in its place",
                 made.cert);
        err = ERR_EXISTS;
    }
    if (!err && l.text.failed)
        err = ERR_NOMEM;
    if (!err)
        err = make(data, &l, o, &made, why);
    buf_release(&l.text);
    if (!err)
        *ret = made;
    else
        own_cert_release(&made);
    if (err == ERR_NOMEM && !why->n)
        buf_add_str(why, "out of memory");
    return err;
}

void own_cert_release(struct own_cert *c)
{
    free(c->cert);
    free(c->key);
    free(c->ca);
    buf_release(&c->names);
}

/* ---- keeping it ---- */

static void add_alt_name(struct names *l, const GENERAL_NAME *name)
{
    char text[256];
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    const unsigned char *p =
        type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_get0_data(value) : NULL;
    int n = p ? ASN1_STRING_length(value) : 0;
    if (type == GEN_DNS && n > 0 && n < (int)sizeof text) {
        memcpy(text, p, (size_t)n);
        text[n] = 0;
        add_name(l, text);
    } else if (n == 4 || n == 16) {
        add_name(l, inet_ntop(n == 4 ? AF_INET : AF_INET6, p, text, sizeof text) ? text : "");
    }
}

static bool keys_fit(X509 *x, const char *key_path)
{
    struct buf pem = {0};
    BIO *in = file_read(key_path, PEM_MAX, &pem) == 0 ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
    bool ok = key && X509_check_private_key(x, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(in);
    secret_release(&pem);
    return ok;
}

/* The names in the certificate that is there.  False: it is of no use, or not for long. */
static bool read_cert(const char *path, const char *key_path, struct names *l)
{
    struct buf pem = {0};
    struct tm end;
    BIO *in = file_read(path, PEM_MAX, &pem) == 0 ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    GENERAL_NAMES *names = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_alt_name(l, sk_GENERAL_NAME_value(names, i));
    bool ok = x && ASN1_TIME_to_tm(X509_get0_notAfter(x), &end) == 1 &&
              (int64_t)timegm(&end) * 1000000 - clock_now_us() > RENEW_DAYS * DAY_US &&
              keys_fit(x, key_path);
    ERR_clear_error();
    GENERAL_NAMES_free(names);
    X509_free(x);
    BIO_free(in);
    buf_release(&pem);
    return ok;
}

/* Does this machine have a name that its certificate lacks?  One that was self-signed, by an older
 * version, stays as long as it is good: nobody who trusts it has to do so again before. */
static bool lacks_a_name(const char *data, const struct names *has)
{
    struct names machine = {0}, wanted = {0};
    struct authority *a = NULL;
    struct buf unsaid = {0};
    bool lacks = false;
    if (read_authority(data, &a, &unsaid) == 0) {
        add_machine(&machine);
        take_permitted(a, &machine, NULL, &wanted);
        for (const char *name = next_name(&wanted.text, NULL); name && !lacks;
             name = next_name(&wanted.text, name))
            lacks = !has_name(&has->text, name);
    }
    authority_free(a);
    buf_release(&machine.text);
    buf_release(&wanted.text);
    buf_release(&unsaid);
    return lacks;
}

int own_cert_keep(const char *data, bool *ret_changed, struct buf *why)
{
    struct names l = {0};
    struct own_cert made = {0};
    char *cert = path_of(data, "cert.pem"), *key = path_of(data, "key.pem");
    bool good = cert && key && read_cert(cert, key, &l) && !lacks_a_name(data, &l);
    int err = cert && key ? 0 : ERR_NOMEM;
    *ret_changed = false;
    if (!err && !good) {
        add_machine(&l);
        err = l.text.failed ? ERR_NOMEM : make(data, &l, NULL, &made, why);
        *ret_changed = !err;
    }
    if (err == ERR_NOMEM && !why->n)
        buf_add_str(why, "out of memory");
    own_cert_release(&made);
    buf_release(&l.text);
    free(cert);
    free(key);
    return err;
}

bool own_cert_is_there(const char *data)
{
    char *cert = path_of(data, "cert.pem"), *key = path_of(data, "key.pem");
    bool there = cert && key && access(cert, R_OK) == 0 && access(key, R_OK) == 0;
    free(cert);
    free(key);
    return there;
}
