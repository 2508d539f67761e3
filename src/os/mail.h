/* mail.h - e-mail to an SMTP server (libcurl): the operator's, named in the settings.
 *
 * Called on the loop's thread; a thread of its own does the talking, one mail after the other, so
 * nothing here blocks.  STARTTLS, or TLS from the start (smtps://), is demanded unless the settings
 * say that the server is to be trusted without: a password never goes over the wire in the clear.
 */
#ifndef OS_MAIL_H
#define OS_MAIL_H

#include "base/buf.h"
#include "os/loop.h"

struct mailer; /* opaque */

struct mail_opts {
    const char *url;             /* "smtp://mail.example.org:587", "smtps://..." */
    const char *from;            /* "doppel@example.org" */
    const char *user, *password; /* NULL: without */
    const char *ca_file;         /* PEM, believed instead of the system's; or NULL */
    bool plain;                  /* without TLS */
    unsigned timeout_ms;         /* 0: 30 s */
};
/* ERR_INVALID with a sentence in *why. */
int mailer_new(struct loop *l, const struct mail_opts *opts, struct mailer **ret, struct buf *why);
void mailer_free(struct mailer *m); /* waits for the one that is under way; all are answered */

struct mail {
    const char *const *to; /* addresses, NULL-ended */
    struct slice subject;  /* any text: control characters become spaces */
    struct slice text;     /* UTF-8 */
    const char *id;        /* of the message: "d-12" */
};
/* temporary: to be tried again.  why: a sentence when it failed. */
typedef void mail_done_fn(void *arg, bool sent, bool temporary, const char *why);
/* Once, never out of the call; all is copied.  ERR_NOMEM: it does not come. */
int mail_send(struct mailer *m, const struct mail *mail, mail_done_fn *done, void *arg);

/* Could it be an address?  No spaces, control characters or angle brackets, one "@" inside. */
bool mail_is_address(struct slice text);

#endif
