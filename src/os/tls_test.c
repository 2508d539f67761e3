/* tls_test.c - certificates of clients, and files that are replaced while connections are open:
 * OpenSSL's client in this thread, a loop in another. */
#include "base/err.h"
#include "os/net.h"
#include "os/tls_testing.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOUR = 3600 };

struct client {
    struct fixture *f;
    struct net_conn *conn;
    struct client *next;
};

struct fixture {
    char dir[64], cert[96], key[96], ca[96], crl[96];
    struct test_cert authority, good, other;
    struct loop *loop;
    struct net_tls *tls;
    struct net_listener *listener;
    pthread_t thread;
    struct client *clients;
    struct net_cert seen;
    atomic_int accepted, untrusted;
    atomic_bool posted; /* what was posted has run */
    int result;
    size_t swept;
    char why[512];
};

/* ---- the server ---- */

static void *run(void *arg)
{
    struct fixture *f = arg;
    loop_run(f->loop);
    return NULL;
}

static void echo(void *arg, struct slice bytes)
{
    struct client *c = arg;
    net_write(c->conn, bytes.p, bytes.n);
}

static void gone(void *arg, int err)
{
    struct client *c = arg;
    (void)err;
    net_close(c->conn);
}

static void untrusted(void *arg)
{
    struct client *c = arg;
    atomic_fetch_add(&c->f->untrusted, 1);
    net_write(c->conn, "bye", 3);
    net_close(c->conn);
}

static const struct net_events events = {
    .on_data = echo, .on_close = gone, .on_untrusted = untrusted};

static void accepted(void *arg, struct net_conn *conn)
{
    struct fixture *f = arg;
    struct client *c = calloc(1, sizeof *c);
    const struct net_cert *cert = net_peer_cert(conn);
    if (!c)
        abort();
    *c = (struct client){f, conn, f->clients};
    f->clients = c;
    f->seen = cert ? *cert : (struct net_cert){0};
    net_set_events(conn, &events, c);
    atomic_fetch_add(&f->accepted, 1);
}

static void start(struct fixture *f, bool ask, bool list, bool required)
{
    const char *why = "";
    const struct net_tls_opts o = {.cert_file = f->cert,
                                   .key_file = f->key,
                                   .alpn = "mqtt",
                                   .client_ca_file = ask ? f->ca : NULL,
                                   .client_crl_file = list ? f->crl : NULL,
                                   .client_cert_required = required};
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(net_tls_new(&o, &f->tls, &why), 0);
    assert_int_equal(net_listen(f->loop, "127.0.0.1:0", f->tls, accepted, f, &f->listener, &why),
                     0);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void reload(void *arg)
{
    struct fixture *f = arg;
    const char *why = "";
    f->result = net_tls_reload(f->tls, &why);
    snprintf(f->why, sizeof f->why, "%s", why);
    f->swept = f->result ? 0 : net_tls_sweep(f->loop, f->tls);
    atomic_store(&f->posted, true);
}

static int reload_now(struct fixture *f)
{
    atomic_store(&f->posted, false);
    assert_int_equal(loop_post(f->loop, reload, f), 0);
    while (!atomic_load(&f->posted))
        usleep(1000);
    return f->result;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    snprintf(f->dir, sizeof f->dir, "/tmp/doppel-tls-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->cert, sizeof f->cert, "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->dir);
    snprintf(f->ca, sizeof f->ca, "%s/ca.pem", f->dir);
    snprintf(f->crl, sizeof f->crl, "%s/crl.pem", f->dir);
    test_self_signed(f->cert, f->key);
    f->authority = test_cert_make(NULL, "devices", NULL, -HOUR, HOUR);
    f->good =
        test_cert_make(&f->authority, "pump-1", "URI:urn:doppel:twin:home:pump-1", -HOUR, HOUR);
    f->other =
        test_cert_make(&f->authority, "pump-2", "URI:urn:doppel:twin:home:pump-2", -HOUR, HOUR);
    test_cert_write(&f->authority, f->ca, NULL);
    test_crl_write(&f->authority, NULL, HOUR, f->crl);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->loop) {
        loop_stop(f->loop);
        pthread_join(f->thread, NULL);
        net_listener_free(f->listener);
        net_tls_unref(f->tls);
        loop_free(f->loop);
    }
    while (f->clients) {
        struct client *c = f->clients;
        f->clients = c->next;
        free(c);
    }
    test_cert_free(&f->authority);
    test_cert_free(&f->good);
    test_cert_free(&f->other);
    const char *const files[] = {f->cert, f->key, f->ca, f->crl};
    for (size_t i = 0; i < 4; i++)
        unlink(files[i]);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* ---- the client ---- */

static SSL *dial(const struct fixture *f, const struct test_cert *cert, int version,
                 const char *alpn)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const char *colon = strrchr(net_address(f->listener), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)atoi(colon + 1))};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_non_null(ctx);
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    if (cert) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, cert->x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, cert->key), 1);
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (alpn)
        SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return ssl;
}

static void hang_up(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static bool talks(SSL *ssl)
{
    char back[5];
    return SSL_write(ssl, "hello", 5) == 5 && SSL_read(ssl, back, 5) == 5 &&
           memcmp(back, "hello", 5) == 0;
}

/* 0: it connects and talks; else the number of the alert that came.  With TLS 1.3 that comes after
 * the client thinks it is through. */
static int try_once(const struct fixture *f, const struct test_cert *cert, int version,
                    const char *alpn)
{
    SSL *ssl = dial(f, cert, version, alpn);
    int alert = 0;
    if (SSL_connect(ssl) != 1 || !talks(ssl)) {
        int reason = ERR_GET_REASON(ERR_peek_last_error());
        alert = reason > SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : -1;
    }
    hang_up(ssl);
    ERR_clear_error();
    (void)atomic_load(&f->accepted); /* what the loop's thread has seen before is seen here, too */
    return alert;
}

/* The same over both versions. */
static void expect(const struct fixture *f, const struct test_cert *cert, int alert)
{
    assert_int_equal(try_once(f, cert, TLS1_2_VERSION, NULL), alert);
    assert_int_equal(try_once(f, cert, TLS1_3_VERSION, NULL), alert);
}

/* ---- tests ---- */

static void a_certificate_that_is_shown_is_told(void **state)
{
    struct fixture *f = *state;
    start(f, true, true, false);
    expect(f, &f->good, 0);
    assert_string_equal(f->seen.org, "home");
    assert_string_equal(f->seen.twin, "pump-1");
    assert_string_equal(f->seen.subject, "CN=pump-1");
    assert_int_equal(strlen(f->seen.fingerprint), 64);
    assert_int_equal(strlen(f->seen.serial), 4);
    assert_true(f->seen.expires_us > 0);
    expect(f, NULL, 0);
    assert_string_equal(f->seen.fingerprint, "");
}

static void nobody_is_asked_who_need_not_be(void **state)
{
    struct fixture *f = *state;
    start(f, false, false, false);
    expect(f, &f->good, 0);
    assert_string_equal(f->seen.twin, "");
}

static void what_is_wrong_is_refused_with_its_alert(void **state)
{
    struct fixture *f = *state;
    struct test_cert stranger = test_cert_make(NULL, "stranger", NULL, -HOUR, HOUR);
    struct test_cert theirs =
        test_cert_make(&stranger, "pump-1", "URI:urn:doppel:twin:home:pump-1", -HOUR, HOUR);
    struct test_cert late = test_cert_make(&f->authority, "late", NULL, -2 * HOUR, -HOUR);
    struct test_cert early = test_cert_make(&f->authority, "early", NULL, HOUR, 2 * HOUR);
    test_crl_write(&f->authority, &f->other, HOUR, f->crl);
    start(f, true, true, false);
    expect(f, &f->good, 0);
    expect(f, &f->other, SSL_AD_CERTIFICATE_REVOKED);
    expect(f, &late, SSL_AD_CERTIFICATE_EXPIRED);
    expect(f, &early, SSL_AD_BAD_CERTIFICATE);
    expect(f, &theirs, SSL_AD_UNKNOWN_CA);
    expect(f, &stranger, SSL_AD_UNKNOWN_CA);
    test_cert_free(&stranger);
    test_cert_free(&theirs);
    test_cert_free(&late);
    test_cert_free(&early);
}

static void a_server_certificate_is_none_of_a_client(void **state)
{
    struct fixture *f = *state;
    struct test_cert server = test_cert_make(&f->authority, "server", NULL, -HOUR, HOUR);
    test_extend(server.x, f->authority.x, NID_ext_key_usage, "serverAuth");
    assert_true(X509_sign(server.x, f->authority.key, EVP_sha256()) > 0);
    start(f, true, true, false);
    expect(f, &server, SSL_AD_UNSUPPORTED_CERTIFICATE);
    test_cert_free(&server);
}

static void one_may_be_required(void **state)
{
    struct fixture *f = *state;
    start(f, true, false, true);
    expect(f, &f->good, 0);
    assert_int_equal(try_once(f, NULL, TLS1_2_VERSION, NULL), SSL_AD_HANDSHAKE_FAILURE);
    assert_int_equal(try_once(f, NULL, TLS1_3_VERSION, NULL), TLS13_AD_CERTIFICATE_REQUIRED);
}

/* Without the authority's list nobody knows what is revoked: then nobody is let in. */
static void a_list_that_is_old_or_of_another_lets_nobody_in(void **state)
{
    struct fixture *f = *state;
    struct test_cert other = test_cert_make(NULL, "other", NULL, -HOUR, HOUR);
    test_crl_write(&f->authority, NULL, -HOUR, f->crl);
    start(f, true, true, false);
    expect(f, &f->good, SSL_AD_CERTIFICATE_EXPIRED);
    test_crl_write(&other, NULL, HOUR, f->crl);
    assert_int_equal(reload_now(f), 0);
    expect(f, &f->good, SSL_AD_UNKNOWN_CA);
    test_cert_free(&other);
}

static void a_twin_is_named_once_and_rightly_or_not(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = {
        "URI:urn:doppel:twin:home:a,URI:urn:doppel:twin:home:b",
        "URI:urn:doppel:twin:home",
        "URI:urn:doppel:twin::a",
        "URI:urn:doppel:twin:home:",
        "URI:urn:doppel:twin:ho~me:a",
        "URI:urn:doppel:twin:home:a/b",
        "URI:urn:doppel:twin:home:a%20b",
        "URI:urn:doppel:org:home",
        "URI:URN:doppel:twin:home:a",
        "DNS:pump-1",
    };
    start(f, true, false, false);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct test_cert c = test_cert_make(&f->authority, "x", none[i], -HOUR, HOUR);
        assert_int_equal(try_once(f, &c, TLS1_3_VERSION, NULL), 0);
        assert_string_equal(f->seen.org, "");
        assert_string_equal(f->seen.twin, "");
        test_cert_free(&c);
    }
    struct test_cert c =
        test_cert_make(&f->authority, "x",
                       "URI:https://pump.example/,URI:urn:doppel:twin:acme:a:b.c_d-e", -HOUR, HOUR);
    assert_int_equal(try_once(f, &c, TLS1_3_VERSION, NULL), 0);
    assert_string_equal(f->seen.org, "acme");
    assert_string_equal(f->seen.twin, "a:b.c_d-e");
    test_cert_free(&c);
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    struct fixture *f = *state;
    start(f, false, false, false);
    SSL *old = dial(f, NULL, TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(old), 1);
    assert_true(talks(old));
    struct test_cert fresh = test_cert_make(NULL, "fresh", NULL, -HOUR, HOUR);
    test_cert_write(&fresh, f->cert, f->key);
    assert_int_equal(reload_now(f), 0);
    SSL *new = dial(f, NULL, TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(new), 1);
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(new), fresh.x), 0);
    assert_int_not_equal(X509_cmp(SSL_get0_peer_certificate(old), fresh.x), 0);
    assert_true(talks(old));
    assert_true(talks(new));
    hang_up(old);
    hang_up(new);
    test_cert_free(&fresh);
}

static void what_cannot_be_used_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct test_cert fresh = test_cert_make(NULL, "fresh", NULL, -HOUR, HOUR);
    struct test_cert late = test_cert_make(NULL, "late", NULL, -2 * HOUR, -HOUR);
    start(f, true, true, false);
    test_cert_write(&fresh, f->cert, NULL); /* the key does not fit */
    assert_int_equal(reload_now(f), ERR_INVALID);
    assert_non_null(strstr(f->why, "key"));
    test_cert_write(&late, f->cert, f->key);
    assert_int_equal(reload_now(f), ERR_INVALID);
    assert_non_null(strstr(f->why, "expired"));
    FILE *half = fopen(f->cert, "w");
    assert_non_null(half);
    fputs("-----BEGIN CERTIFICATE-----\nMIIB", half);
    fclose(half);
    assert_int_equal(reload_now(f), ERR_INVALID);
    assert_non_null(strstr(f->why, "the certificate"));
    test_cert_write(&fresh, f->cert, f->key);
    unlink(f->crl);
    assert_int_equal(reload_now(f), ERR_INVALID);
    assert_non_null(strstr(f->why, "revoked"));
    expect(f, &f->good, 0);
    test_crl_write(&f->authority, NULL, HOUR, f->crl);
    assert_int_equal(reload_now(f), 0);
    expect(f, &f->good, 0);
    test_cert_free(&fresh);
    test_cert_free(&late);
}

/* Who is connected with a certificate that was revoked hears of it, in the protocol's words. */
static void the_revoked_end_and_the_others_do_not(void **state)
{
    struct fixture *f = *state;
    char back[4] = "";
    start(f, true, true, false);
    SSL *good = dial(f, &f->good, TLS1_3_VERSION, NULL);
    SSL *revoked = dial(f, &f->other, TLS1_2_VERSION, NULL);
    SSL *nobody = dial(f, NULL, TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(good), 1);
    assert_int_equal(SSL_connect(revoked), 1);
    assert_int_equal(SSL_connect(nobody), 1);
    assert_true(talks(good) && talks(revoked) && talks(nobody));
    test_crl_write(&f->authority, &f->other, HOUR, f->crl);
    assert_int_equal(reload_now(f), 0);
    assert_int_equal(f->swept, 1);
    assert_int_equal(atomic_load(&f->untrusted), 1);
    assert_int_equal(SSL_read(revoked, back, 3), 3);
    assert_string_equal(back, "bye");
    assert_int_equal(SSL_read(revoked, back, 1), 0);
    assert_int_equal(SSL_get_error(revoked, 0), SSL_ERROR_ZERO_RETURN);
    assert_true(talks(good) && talks(nobody));
    hang_up(good);
    hang_up(revoked);
    hang_up(nobody);
}

static void a_certificate_that_expires_ends_its_connection(void **state)
{
    struct fixture *f = *state;
    char back[4] = "";
    struct test_cert brief = test_cert_make(&f->authority, "brief", NULL, -HOUR, 2);
    start(f, true, true, false);
    SSL *ssl = dial(f, &brief, TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_true(talks(ssl));
    while (!atomic_load(&f->untrusted)) { /* what the server does each minute */
        assert_int_equal(reload_now(f), 0);
        usleep(50000);
    }
    assert_int_equal(SSL_read(ssl, back, 3), 3);
    assert_string_equal(back, "bye");
    hang_up(ssl);
    test_cert_free(&brief);
}

static void an_authority_that_goes_takes_its_clients_along(void **state)
{
    struct fixture *f = *state;
    struct test_cert other = test_cert_make(NULL, "other", NULL, -HOUR, HOUR);
    start(f, true, false, false);
    SSL *old = dial(f, &f->good, TLS1_3_VERSION, NULL);
    assert_int_equal(SSL_connect(old), 1);
    assert_true(talks(old));
    test_cert_write(&other, f->ca, NULL);
    assert_int_equal(reload_now(f), 0);
    assert_int_equal(f->swept, 1);
    expect(f, &f->good, SSL_AD_UNKNOWN_CA);
    hang_up(old);
    test_cert_free(&other);
}

/* A session with a certificate is never resumed, since nobody would look at the list then; one
 * without is, until the keys are drawn anew. */
static void tickets(void **state)
{
    struct fixture *f = *state;
    start(f, true, true, false);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL *first = dial(f, &f->good, version, NULL);
        assert_int_equal(SSL_connect(first), 1);
        assert_true(talks(first));
        SSL_SESSION *session = SSL_get1_session(first);
        assert_int_equal(SSL_SESSION_has_ticket(session), 0);
        SSL *second = dial(f, &f->good, version, NULL);
        SSL_set_session(second, session);
        assert_int_equal(SSL_connect(second), 1);
        assert_true(talks(second));
        assert_int_equal(SSL_session_reused(second), 0);
        SSL_SESSION_free(session);
        hang_up(first);
        hang_up(second);
    }
}

static void tickets_end_with_a_reload(void **state)
{
    struct fixture *f = *state;
    start(f, false, false, false);
    for (int i = 0; i < 2; i++) {
        SSL *first = dial(f, NULL, TLS1_3_VERSION, NULL);
        assert_int_equal(SSL_connect(first), 1);
        assert_true(talks(first));
        SSL_SESSION *session = SSL_get1_session(first);
        SSL_shutdown(first);
        if (i)
            assert_int_equal(reload_now(f), 0);
        SSL *second = dial(f, NULL, TLS1_3_VERSION, NULL);
        SSL_set_session(second, session);
        assert_int_equal(SSL_connect(second), 1);
        assert_true(talks(second));
        assert_int_equal(SSL_session_reused(second), !i);
        SSL_SESSION_free(session);
        hang_up(first);
        hang_up(second);
    }
}

static void alpn_agrees_or_says_that_it_does_not(void **state)
{
    struct fixture *f = *state;
    start(f, false, false, false);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_int_equal(try_once(f, NULL, version, NULL), 0);
        assert_int_equal(try_once(f, NULL, version, "\x02h2\x04mqtt"), 0);
        assert_int_equal(try_once(f, NULL, version, "\x02h2\x08http/1.1"),
                         SSL_AD_NO_APPLICATION_PROTOCOL);
    }
}

static void any_name_of_the_server_is_answered(void **state)
{
    struct fixture *f = *state;
    start(f, false, false, false);
    static char names[][16] = {"localhost", "another.example", "x", "127.0.0.1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        SSL *ssl = dial(f, NULL, TLS1_3_VERSION, NULL);
        SSL_set_tlsext_host_name(ssl, names[i]);
        assert_int_equal(SSL_connect(ssl), 1);
        assert_true(talks(ssl));
        hang_up(ssl);
    }
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_certificate_that_is_shown_is_told),
        WITH_FIXTURE(nobody_is_asked_who_need_not_be),
        WITH_FIXTURE(what_is_wrong_is_refused_with_its_alert),
        WITH_FIXTURE(a_server_certificate_is_none_of_a_client),
        WITH_FIXTURE(one_may_be_required),
        WITH_FIXTURE(a_list_that_is_old_or_of_another_lets_nobody_in),
        WITH_FIXTURE(a_twin_is_named_once_and_rightly_or_not),
        WITH_FIXTURE(a_new_certificate_is_for_new_connections),
        WITH_FIXTURE(what_cannot_be_used_changes_nothing),
        WITH_FIXTURE(the_revoked_end_and_the_others_do_not),
        WITH_FIXTURE(a_certificate_that_expires_ends_its_connection),
        WITH_FIXTURE(an_authority_that_goes_takes_its_clients_along),
        WITH_FIXTURE(tickets),
        WITH_FIXTURE(tickets_end_with_a_reload),
        WITH_FIXTURE(alpn_agrees_or_says_that_it_does_not),
        WITH_FIXTURE(any_name_of_the_server_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
