/* people.h - signing in, setting up, and the rest of what a person has for that.
 *
 * What is kept of it stands in the person's record (state.h); here is what lives as long as the
 * server runs: the threads that hash, the attempts that are counted, what browsers were asked.
 *
 * Changes are prepare functions for access_change(); those before which something is hashed are
 * calls of their own that come back once.  All on the loop's thread; nothing blocks. */
#ifndef ACCESS_PEOPLE_H
#define ACCESS_PEOPLE_H

#include "access/hashing.h"
#include "access/pending.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "crypto/key_ring.h"

enum {
    PERSON_NAME_MAX = 100, /* bytes */
    PERSON_EMAIL_MAX = 254,
    PERSON_BROWSERS = 10, /* that are known of a person */
    BROWSER_SECRET = 43,  /* characters of what such a browser keeps */
};

struct people {
    struct access *access;
    const struct key_ring *keys; /* NULL: one-time codes cannot be had */
    struct hashing *hashing;
    struct throttle *throttle;
    struct pendings *pendings;   /* of who is signed in */
    struct pendings *challenges; /* of anybody who wants to */
    struct loop_timer *sweep;
    size_t resealed; /* records of the change that seals anew */
    struct {
        bool there;
        unsigned char hash[TOKEN_HASH];
        int64_t made_us; /* monotonic */
        char person[64]; /* whom it lets in; "" makes the first administrator */
    } setup;
};

int people_new(struct access *a, const struct access_opts *opts, struct people **ret);
void people_stop(struct people *p); /* who waits for a hash is answered ERR_CANCELLED */
void people_free(struct people *p);
/* Take out sessions that have ended, and tokens that ended a month ago; by itself every hour. */
void people_sweep(struct access *a);
/* Seal anew what is sealed under an older key: reseal.c. */
void people_reseal(struct access *a);

/* ---- words ---- */

/* An e-mail address as it is kept: trimmed, in small letters.  p NULL: it is none. */
struct slice person_email(struct arena *a, struct slice typed);
/* Is it a name for people to read: 1 to PERSON_NAME_MAX bytes, no control characters? */
bool person_name_ok(struct slice name);
void person_make_id(char ret[static 24]); /* "p_0123456789abcdef" */

/* ---- in prepare() ---- */

/* The person who asks; refuses when it is none. */
int change_person(struct change *ch, struct person **ret);
/* The same, and they have signed in lately: ERR_REAUTHENTICATE. */
int change_fresh_person(struct change *ch, struct person **ret);
/* A copy of the record, to be changed and put. */
struct jval *person_doc(struct change *ch, const struct person *p);
void person_put(struct change *ch, const struct person *p, const struct jval *doc);
/* A line in the audit log that says what changed, and nothing of what it is. */
void person_audit(struct change *ch, const char *operation, const char *person);
/* ---- passwords that are chosen ---- */

struct new_password {
    int err; /* ERR_INVALID: `detail` tells a person why */
    const char *detail;
    const char *hash; /* a PHC string; until fn returns */
};
typedef void new_password_fn(void *arg, const struct new_password *r);
/* Check a password by the rules, against name and e-mail address, and hash it. */
void people_new_password(struct access *a, struct slice password, struct slice name,
                         struct slice email, new_password_fn *fn, void *arg);

#endif
