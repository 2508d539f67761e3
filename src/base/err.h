/* err.h - the errors of Doppel, one table.
 *
 * Functions return 0 or a negative ERR_*.  The table says once what each error is called on
 * every front end, so that no other place keeps a map of its own: HTTP status (RFC 9110),
 * MQTT 5 reason code (section 2.4 of the standard), the code that stands in problem documents
 * and rejections, and a short text. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* clang-format off: name, number, HTTP, MQTT 5, code, text */
#define ERR_TABLE(X)                                                                               \
    X(ERR_NOMEM, -1, 503, 0x97, "out-of-memory", "The server is out of memory")                    \
    X(ERR_INVALID, -2, 400, 0x99, "invalid", "The request is not valid")                           \
    X(ERR_MALFORMED, -3, 400, 0x99, "malformed", "The message cannot be read")                     \
    X(ERR_NOT_FOUND, -4, 404, 0x90, "not-found", "There is no such thing")                         \
    X(ERR_UNKNOWN_TWIN, -5, 404, 0x90, "unknown-twin", "There is no such twin")                    \
    X(ERR_UNKNOWN_SENSOR, -6, 422, 0x90, "unknown-sensor", "The twin has no such sensor")          \
    X(ERR_WRONG_TYPE, -7, 422, 0x99, "wrong-type", "The value is of the wrong type")               \
    X(ERR_BAD_UNIT, -8, 422, 0x99, "bad-unit", "The unit does not fit")                            \
    X(ERR_BAD_TIME, -9, 422, 0x99, "bad-time", "The time cannot be right")                         \
    X(ERR_TOO_LARGE, -10, 413, 0x95, "too-large", "The message is too large")                      \
    X(ERR_STORAGE, -11, 507, 0x97, "storage", "The storage is full or fails")                      \
    X(ERR_OVERLOAD, -12, 503, 0x97, "overload", "The server is busy")                              \
    X(ERR_EXISTS, -13, 409, 0x83, "exists", "It exists already")                                   \
    X(ERR_PRECONDITION, -14, 412, 0x83, "precondition", "It was changed in the meantime")          \
    X(ERR_PROFILE, -15, 422, 0x99, "invalid-profile", "The profile is not valid")                  \
    X(ERR_METHOD, -16, 405, 0x83, "method-not-allowed", "The method is not allowed here")          \
    X(ERR_MEDIA_TYPE, -17, 415, 0x99, "unsupported-media-type",                                    \
      "The media type is not known here")                                                          \
    X(ERR_NOT_ACCEPTABLE, -18, 406, 0x83, "not-acceptable", "No acceptable form is available")     \
    X(ERR_CANCELLED, -19, 503, 0x83, "cancelled", "It was cancelled")                              \
    X(ERR_CORRUPT, -20, 500, 0x83, "corrupt", "Stored data does not check")                        \
    X(ERR_IO, -21, 500, 0x83, "io", "Reading or writing failed")                                   \
    X(ERR_BUSY, -22, 503, 0x89, "busy", "It is in use")                                            \
    X(ERR_UNSUPPORTED, -23, 501, 0x83, "unsupported", "This is not supported")                     \
    X(ERR_ADDRESS, -31, 422, 0x87, "address-refused", "The server does not go to that address")    \
    X(ERR_UNREACHABLE, -32, 502, 0x83, "unreachable", "Another server cannot be reached")          \
    X(ERR_TIMEOUT, -24, 408, 0x83, "timeout", "It took too long")                                  \
    X(ERR_AGAIN, -25, 503, 0x83, "again", "More bytes are needed")                                 \
    X(ERR_FOREIGN, -26, 403, 0x87, "foreign-origin", "It comes from another site")                 \
    X(ERR_UNAUTHENTICATED, -50, 401, 0x87, "unauthenticated", "Nobody is signed in")               \
    X(ERR_FORBIDDEN, -51, 403, 0x87, "forbidden", "That is not allowed")                           \
    X(ERR_CREDENTIALS, -52, 401, 0x86, "wrong-credentials", "Name or secret are not right")        \
    X(ERR_SECOND_FACTOR, -53, 401, 0x86, "second-factor-required", "A second factor is needed")    \
    X(ERR_TOKEN_EXPIRED, -54, 401, 0x87, "token-expired", "The token has expired")                 \
    X(ERR_TOKEN_REVOKED, -55, 401, 0x87, "token-revoked", "The token was revoked")                 \
    X(ERR_REAUTHENTICATE, -56, 403, 0x87, "reauthentication-required", "It needs a fresh sign-in") \
    X(ERR_RATE, -57, 429, 0x97, "too-many-requests", "Too much in too short a time")               \
    X(ERR_QUOTA, -58, 403, 0x97, "quota-exceeded", "The organisation has all that it may have")    \
    X(ERR_MISDIRECTED, -59, 421, 0x9D, "misdirected", "This server goes by other names")           \
    X(ERR_CONFLICT, -70, 409, 0x83, "conflict", "It does not go with what is there")               \
    X(ERR_LIMIT, -71, 409, 0x97, "limit-reached", "There are as many as there can be")
/* clang-format on */

enum err {
#define X(name, number, http, mqtt, code, text) name = number,
    ERR_TABLE(X)
#undef X
};

enum { ERR_NUMBERS = 128 }; /* all are above its negative */

struct err_info {
    int number;
    int http;           /* status */
    unsigned char mqtt; /* reason code */
    const char *name;   /* "ERR_NOMEM" */
    const char *code;   /* "out-of-memory" */
    const char *text;   /* a title for people, no full stop */
};

/* The row of an error; never NULL (an unknown number answers the row of ERR_IO). */
const struct err_info *err_info(int err);

/* The row at index (0 ..), NULL past the end: for documentation that is derived. */
const struct err_info *err_at(int index);

#endif
