/* doctor_network.c - who reaches the server, and what they see of it. */
#include "server/doctor.h"

#include "base/err.h"
#include "os/file.h"
#include "os/net.h"

#include <curl/curl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PEM_MAX = 1 << 20, SOON_DAYS = 30, VERY_SOON_DAYS = 7 };

static void clear_text(struct doctor *d)
{
    const struct config *c = d->config;
    const struct {
        const char *flag, *address, *instead;
    } rows[] = {{"http", c->http, "https"}, {"mqtt", c->mqtt, "mqtts"}};
    for (size_t i = 0; i < 2; i++) {
        if (!rows[i].address || net_is_loopback(rows[i].address))
            continue;
        doctor_say(d, DOCTOR_ERROR, "--%s %s is reached from other machines without TLS",
                   rows[i].flag, rows[i].address);
        doctor_do(d,
                  "--%s off, and --%s with a certificate; or a reverse proxy before a loopback "
                  "address",
                  rows[i].flag, rows[i].instead);
    }
}

static void open_access(struct doctor *d)
{
    if (strcmp(doctor_setting(d, "access"), "open") != 0)
        return;
    doctor_say(d, d->listens_beyond ? DOCTOR_ERROR : DOCTOR_WARNING,
               "--access open: everybody who reaches the server may do everything%s",
               d->listens_beyond ? ", and other machines reach it" : "");
    doctor_do(d, "leave --access open away; a first start prints a link for the administrator");
}

static void risk_named(struct doctor *d)
{
    if (!d->config->insecure_listen)
        return;
    doctor_say(d, DOCTOR_WARNING,
               "--insecure-listen: nothing that is unwise is refused at the start");
    doctor_do(d, "leave it away; what is then refused is told");
}

/* Whatever it lists: listeners with commas between, or nothing. */
static void anonymous(struct doctor *d)
{
    const char *listeners = doctor_setting(d, "anonymous-ingest");
    if (!*listeners || strcmp(listeners, "false") == 0 || strcmp(listeners, "off") == 0)
        return;
    doctor_say(d, d->listens_beyond ? DOCTOR_WARNING : DOCTOR_NOTE,
               "--anonymous-ingest %s: whoever reaches it can send readings", listeners);
    doctor_do(d, "give devices tokens of their own, then leave it away");
}

static void provisioning(struct doctor *d)
{
    const char *listeners = doctor_setting(d, "provision");
    if (!*listeners || !d->listens_beyond)
        return;
    doctor_say(d, DOCTOR_NOTE, "--provision %s: what devices speak of is made there", listeners);
    doctor_do(d, "see that its limits are those that you want: provision-twins, provision-sensors");
}

/* ---- certificates ---- */

/* The first certificate of a file; NULL, and that was said. */
static X509 *read_certificate(struct doctor *d, const char *path)
{
    struct buf text = {0};
    int err = file_read(path, PEM_MAX, &text);
    BIO *bio = err ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (!cert)
        doctor_say(d, err && err != ERR_NOT_FOUND ? DOCTOR_UNKNOWN : DOCTOR_ERROR,
                   "the certificate %s cannot be read: %s", path,
                   err ? file_why(err) : "it is no certificate in PEM");
    BIO_free(bio);
    buf_release(&text);
    return cert;
}

static void check_dates(struct doctor *d, X509 *cert, const char *path)
{
    int days = 0, seconds = 0;
    time_t now = (time_t)(d->now_us / 1000000);
    ASN1_TIME *at = ASN1_TIME_set(NULL, now);
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0) {
        doctor_say(d, DOCTOR_ERROR, "the certificate %s is not valid yet", path);
        doctor_do(d, "look at the clock, or at the certificate");
    }
    if (at && ASN1_TIME_diff(&days, &seconds, at, X509_get0_notAfter(cert))) {
        if (days < 0 || seconds < 0)
            doctor_say(d, DOCTOR_ERROR, "the certificate %s has expired, %d days ago", path, -days);
        else if (days < SOON_DAYS)
            doctor_say(d, days < VERY_SOON_DAYS ? DOCTOR_WARNING : DOCTOR_NOTE,
                       "the certificate %s expires in %d days", path, days);
        if (days < SOON_DAYS)
            doctor_do(d, "renew it; a running server takes the new file without a restart");
    }
    ASN1_TIME_free(at);
}

/* Bits of strength: 112 are RSA of 2048 and SHA-224. */
static void check_strength(struct doctor *d, X509 *cert, const char *path)
{
    int digest = 0, bits = 0;
    uint32_t flags = 0;
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (key && EVP_PKEY_get_security_bits(key) < 112) {
        doctor_say(d, DOCTOR_ERROR, "the key of %s is weak: %d bits", path, EVP_PKEY_get_bits(key));
        doctor_do(d, "make a new one: P-256, or RSA of 2048 bits and more");
    }
    if (X509_get_signature_info(cert, &digest, NULL, &bits, &flags) == 1 && bits < 80) {
        doctor_say(d, DOCTOR_ERROR, "%s is signed with %s, which is broken", path,
                   OBJ_nid2ln(digest));
        doctor_do(d, "have it issued anew");
    }
}

static void check_names(struct doctor *d, X509 *cert, const char *path)
{
    bool own = !d->config->tls_cert;
    if (own || X509_get_extension_flags(cert) & EXFLAG_SI) {
        doctor_say(d, DOCTOR_NOTE, "%s is signed by %s: who has not been given %s is warned", path,
                   own ? "this server's own authority" : "itself", own ? "tls/ca.pem" : "it");
        doctor_do(d, "give it to your devices and browsers, or take one of a CA that they know");
    }
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    if (!names) {
        doctor_say(d, DOCTOR_ERROR, "%s names no host (subjectAltName): browsers refuse it", path);
        doctor_do(d, "have it issued with the names and addresses of this server");
    }
    GENERAL_NAMES_free(names);
}

static void check_pair(struct doctor *d, X509 *cert, const char *path, const char *key_path)
{
    struct buf text = {0};
    if (file_read(key_path, PEM_MAX, &text)) {
        buf_release(&text);
        return; /* key-files says so */
    }
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    if (!key || X509_check_private_key(cert, key) != 1) {
        doctor_say(d, DOCTOR_ERROR, "%s is not the key of the certificate %s", key_path, path);
        doctor_do(d, "name the two that belong together; a server does not start on these");
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    secret_release(&text);
}

static void certificate(struct doctor *d)
{
    const struct config *c = d->config;
    char cert[PATH_MAX], key[PATH_MAX];
    if (!c->https && !c->mqtts)
        return;
    snprintf(cert, sizeof cert, "%s%s", c->tls_cert ? c->tls_cert : d->data,
             c->tls_cert ? "" : "/tls/cert.pem");
    snprintf(key, sizeof key, "%s%s", c->tls_cert ? c->tls_key : d->data,
             c->tls_cert ? "" : "/tls/key.pem");
    if (!c->tls_cert && access(cert, F_OK) != 0)
        return; /* it is made at the first start */
    X509 *x = read_certificate(d, cert);
    if (!x)
        return;
    check_dates(d, x, cert);
    check_strength(d, x, cert);
    check_names(d, x, cert);
    check_pair(d, x, cert, key);
    X509_free(x);
}

static void client_ca(struct doctor *d)
{
    const char *path = d->config->client_ca;
    X509 *x = path ? read_certificate(d, path) : NULL;
    if (!x)
        return;
    check_dates(d, x, path);
    check_strength(d, x, path);
    X509_free(x);
}

/* One that has run out lets in who was revoked since, or nobody. */
static void client_crl(struct doctor *d)
{
    const char *path = d->config->client_crl;
    struct buf text = {0};
    if (!path)
        return;
    int err = file_read(path, PEM_MAX, &text);
    BIO *bio = err ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
    X509_CRL *crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
    const ASN1_TIME *next = crl ? X509_CRL_get0_nextUpdate(crl) : NULL;
    time_t now = (time_t)(d->now_us / 1000000);
    if (!crl) {
        doctor_say(d, DOCTOR_ERROR, "the list of revoked certificates %s cannot be read: %s", path,
                   err ? file_why(err) : "it is none in PEM");
    } else if (next && X509_cmp_time(next, &now) < 0) {
        doctor_say(d, DOCTOR_ERROR, "the list of revoked certificates %s has run out", path);
        doctor_do(d, "write it anew: doppel ca crl");
    }
    X509_CRL_free(crl);
    BIO_free(bio);
    buf_release(&text);
}

/* ---- does it answer? ---- */

static size_t drop(char *p, size_t size, size_t n, void *arg)
{
    (void)p, (void)arg;
    return size * n;
}

static void answers(struct doctor *d)
{
    const char *http = d->config->http, *https = d->config->https, *at = http ? http : https;
    char url[300];
    long status = 0;
    if (!d->server)
        return;
    if (!at || slice_ends(slice_str(at), ":0")) {
        doctor_say(d, DOCTOR_UNKNOWN, "the server is not asked whether it is well: %s",
                   at ? "its port is a free one" : "it has no HTTP");
        return;
    }
    snprintf(url, sizeof url, "%s://%s/readyz", http ? "http" : "https", at);
    CURL *curl = curl_easy_init();
    if (!curl)
        return;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L); /* nothing is told to it */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) {
        doctor_say(d, DOCTOR_ERROR, "process %ld has the data, but %s %s", (long)d->server, url,
                   code == CURLE_OK ? "says that it is not ready" : curl_easy_strerror(code));
        doctor_do(d, "look into its log");
    }
    curl_easy_cleanup(curl);
}

/* clang-format off: a check a line */
const struct doctor_check doctor_network[] = {
    {"answers", "whether the running server is well", "A server that cannot write refuses readings",
     answers},
    {"clear-text", "listeners that others reach without TLS",
     "Passwords, tokens and readings can be read and changed on the way", clear_text},
    {"access", "whether everybody may do everything",
     "Whoever reaches the server can read, change and delete everything", open_access},
    {"insecure-listen", "whether the risk was named",
     "What is refused at the start is refused for a reason", risk_named},
    {"anonymous-ingest", "who can send readings without a name",
     "A twin shows what somebody made up, and nobody knows who", anonymous},
    {"provision", "who can have twins made",
     "Whoever may send can fill the catalog, up to the limits", provisioning},
    {"certificate", "the server's certificate: dates, key, names",
     "Without a good one nobody knows that they talk to this server", certificate},
    {"client-ca", "the authority of clients' certificates", "When it runs out no device gets in",
     client_ca},
    {"client-crl", "the list of clients that were revoked",
     "A list that has run out says nothing of those who were revoked since", client_crl},
    {0},
};
/* clang-format on */
