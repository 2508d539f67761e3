/* graphql_introspect.h - __schema, __type and __typename, for graphql_execute.c. */
#ifndef CODEC_GRAPHQL_INTROSPECT_H
#define CODEC_GRAPHQL_INTROSPECT_H

#include "codec/graphql_run.h"

/* Is it a field of introspection? */
bool gql_is_meta(const struct gql_field *field);
/* Answer it; of: the type of the object whose field it is. */
void gql_introspect(const struct gql_schema *s, struct gql_cell *cell, const struct gql_type *of,
                    const void *source, const struct jval *args);

#endif
