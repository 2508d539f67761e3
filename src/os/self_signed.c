/* self_signed.c - a certificate for those who have none yet.
 *
 * It names localhost, the loopback addresses and every name and address this host has, so a
 * browser's warning can be answered once.  825 days is the longest that all browsers accept. */
#include "base/err.h"
#include "os/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAYS = 825 };

static bool plain_name(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *s))
            return false;
    return true;
}

/* "DNS:localhost,IP:127.0.0.1,..." in the notation of OpenSSL's configuration */
static void add_names(struct buf *b)
{
    char host[256] = "";
    buf_add_str(b, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (gethostname(host, sizeof host - 1) == 0 && plain_name(host) &&
        strcmp(host, "localhost") != 0) {
        buf_addf(b, ",DNS:%s", host);
        if (!strchr(host, '.'))
            buf_addf(b, ",DNS:%s.local", host);
    }
    uv_interface_address_t *all;
    int count;
    if (uv_interface_addresses(&all, &count) != 0)
        return;
    for (int i = 0; i < count; i++) {
        char ip[INET6_ADDRSTRLEN];
        if (all[i].is_internal)
            continue;
        if (all[i].address.address4.sin_family == AF_INET)
            uv_ip4_name(&all[i].address.address4, ip, sizeof ip);
        else
            uv_ip6_name(&all[i].address.address6, ip, sizeof ip);
        if (!strchr(ip, '%') && strncmp(ip, "fe80:", 5) != 0)
            buf_addf(b, ",IP:%s", ip);
    }
    uv_free_interface_addresses(all, count);
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, never zero */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key)
{
    struct buf names = {0};
    add_names(&names);
    char *alt = buf_take(&names);
    X509_NAME *name = X509_get_subject_name(cert);
    static const unsigned char common[] = "Doppel (self-signed)";
    bool ok =
        alt && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        /* a client whose clock is a little behind must accept it */
        X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), DAYS - 1, 0, NULL) &&
        X509_set_pubkey(cert, key) == 1 &&
        X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, common, -1, -1, 0) == 1 &&
        X509_set_issuer_name(cert, name) == 1 &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, NID_subject_key_identifier, "hash") &&
        add_extension(cert, NID_subject_alt_name, alt) && X509_sign(cert, key, EVP_sha256()) > 0;
    free(alt);
    return ok;
}

/* Write beside the file and rename, so that no half of it is ever found. */
static int write_file(const char *path, mode_t mode, EVP_PKEY *key, X509 *cert)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return ERR_INVALID;
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) {
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    bool ok = key ? PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1
                  : PEM_write_X509(f, cert) == 1;
    ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    if (!ok || rename(temporary, path) != 0) {
        unlink(temporary);
        return ERR_IO;
    }
    return 0;
}

int net_tls_self_signed(const char *cert_file, const char *key_file, const char **ret_why)
{
    int rc = ERR_NOMEM;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    if (!key || !cert || !fill(cert, key)) {
        *ret_why = "the certificate cannot be made";
        goto fail;
    }
    rc = write_file(key_file, 0600, key, NULL);
    if (rc == 0)
        rc = write_file(cert_file, 0644, NULL, cert);
    if (rc != 0)
        *ret_why = strerror(errno);
fail:
    ERR_clear_error();
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}
