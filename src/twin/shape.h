/* shape.h - how a profile is built, one table: the walk that checks it and the JSON Schema both
 * come from here. */
#ifndef TWIN_SHAPE_H
#define TWIN_SHAPE_H

#include "twin/kinds.h"

enum shape {
    SHAPE_VALUE,       /* of a kind */
    SHAPE_OBJECT,      /* with members */
    SHAPE_OPEN,        /* the same, but another type than object is no error */
    SHAPE_LIST,        /* of objects with members */
    SHAPE_LIST_OR_ONE, /* the same, or one such object alone */
    SHAPE_NUMBERS,     /* an object, all of whose members are numbers */
};

enum {
    FIELD_PAST = 1,  /* a time that cannot be in the future */
    FIELD_FILLED = 2 /* a list that is not empty */
};

struct field {
    const char *name;
    const char *rule;    /* broken when the value does not fit */
    const char *missing; /* broken when the member is not there; NULL: it need not be */
    enum shape shape;
    const struct kind *kind;     /* of SHAPE_VALUE */
    const struct field *members; /* of the objects */
    const char *what;            /* for "Add ...: " and the schema's description */
    const char *example;         /* JSON with ' for "; NULL: the kind's */
    const char *type_rule;       /* broken by another JSON type than string; NULL: rule */
    int flags;
    void (*conditions)(struct buf *out); /* more members of the schema object, ' for ", each with a
                                            comma in front; relate.c has the same in C */
};

/* The members of the profile; ends with name NULL. */
extern const struct field profile_fields[];

#endif
