/* devices.h - what devices show, how they come by it, and how they do.
 *
 * A device is a twin's.  It shows a token or a client certificate; a twin may have several, so that
 * one can be replaced while the other still holds.  A device comes by its token in three ways:
 *
 *   somebody who may (devices:manage) makes it, and puts it into the device;
 *   somebody who may makes a claim code for the twin, short enough to be typed, and the device, or
 *   who sets it up, gives it for a token: once, and within hours;
 *   a provisioning key, the same in all devices of a make, gives a token to each twin of a pattern
 *   that has none yet, up to a limit.
 *
 * Nothing of this outlives the twin.  The functions that end in _prepare are for access_change()
 * (change.h), with a struct device_change as its argument; those that take a secret are for nobody
 * in particular, and the caller slows down who tries (knock.h).
 *
 * How devices do is in memory only.  Owner: the loop's thread; nothing blocks. */
#ifndef ACCESS_DEVICES_H
#define ACCESS_DEVICES_H

#include "access/access.h"
#include "crypto/code.h"
#include "crypto/token.h"

struct change; /* access/change.h */

enum {
    DEVICE_CREDENTIALS_MAX = 20,  /* of a twin */
    PROVISIONING_KEYS_MAX = 1000, /* of an organisation */
    PROVISIONING_LIMIT_MAX = 10000000,
    DEVICE_NAME_MAX = 200
};
#define CLAIM_DEFAULT_US INT64_C(3600000000)
#define CLAIM_MAX_US INT64_C(86400000000)
#define OVERLAP_DEFAULT_US INT64_C(3600000000)
#define OVERLAP_MAX_US (30 * INT64_C(86400000000))

struct device_change {
    struct org *org;            /* of the key */
    struct slice twin;          /* key */
    struct slice id;            /* of the credential or key that is meant */
    struct slice name, pattern; /* empty: none */
    struct slice secret;        /* claim code or provisioning key, as it was shown */
    int64_t expires_us;         /* 0: never; of a claim code: in an hour */
    int64_t overlap_us;
    uint64_t limit; /* 0: none */
    bool certificate;
    unsigned char fingerprint[SHA256_BYTES];
    /* answered: */
    struct token token;                  /* its id is that of what was made */
    char text[TOKEN_CHARACTERS_MAX + 1]; /* the token, to be shown once */
    char code[CODE_CHARACTERS_MAX + 1];
    char twin_key[200];
    struct org *twin_org;
};

int credential_prepare(struct change *ch);              /* twin, name, expires, certificate */
int credential_remove_prepare(struct change *ch);       /* twin, id */
int credential_rotate_prepare(struct change *ch);       /* twin, id, overlap, expires */
int claim_code_prepare(struct change *ch);              /* twin, expires */
int claim_prepare(struct change *ch);                   /* secret */
int provisioning_key_prepare(struct change *ch);        /* org, name, pattern, limit, expires */
int provisioning_key_remove_prepare(struct change *ch); /* org, id */
int provision_prepare(struct change *ch);               /* secret, twin */
/* All that a twin had goes, with the twin. */
int device_forget_prepare(struct change *ch); /* twin */

/* May this key give a token to the twin of this id?  *ret_org: whose twin it is.  ERR_CREDENTIALS,
 * ERR_TOKEN_EXPIRED, ERR_QUOTA, ERR_FORBIDDEN: the pattern; *ret_why is a sentence. */
int provisioning_judge(struct access *a, struct slice key, struct slice twin, struct org **ret_org,
                       const char **ret_why);

/* Those of a twin, by credential->next; NULL: it has none. */
const struct credential *device_credentials(const struct access *a, struct slice twin);
size_t device_credentials_valid(const struct access *a, struct slice twin);
/* The twin of a token, whether that still holds or not; empty: it is no device's. */
struct slice device_of_token(const struct access *a, struct slice token);

/* ---- how they do ---- */

struct device_note {
    int64_t seen_us;    /* 0: not since the start */
    int64_t refused_us; /* 0: it was not */
    int refused;        /* ERR_* */
    unsigned connected;
    char address[64]; /* of the refused */
    char key[];
};
/* A device (WHO_DEVICE) is there.  by 1: it came, -1: it went, or 0. */
void device_met(struct access *a, const struct principal *who, int by);
void device_turned_away(struct access *a, struct slice twin, int err, const char *address);
const struct device_note *device_note(const struct access *a, struct slice twin); /* or NULL */

#endif
