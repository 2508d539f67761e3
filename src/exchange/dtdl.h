/* dtdl.h - names and schemas of DTDL, for dtdl.c; nobody outside the room includes it. */
#ifndef EXCHANGE_DTDL_H
#define EXCHANGE_DTDL_H

#include "exchange/internal.h"

bool dtmi_is(struct slice s);
bool dtdl_is_name(struct slice s);
struct slice dtmi_to_id(struct exchange *x, struct slice dtmi); /* of one that is a DTMI */
struct slice id_to_dtmi(struct exchange *x, struct slice id);

/* A schema that is named by the @id of one of the interface's `schemas`: that one. */
const struct jval *dtdl_resolve(const struct jval *interface, const struct jval *schema);
/* "number", "boolean", "text": what its values are; p NULL: none of these alone. */
struct slice dtdl_value_word(const struct jval *schema);

/* To JSON Schema and back; depth: 0. */
struct jval *dtdl_to_schema(struct exchange *x, const struct jval *interface,
                            const struct jval *schema, int depth);
struct jval *dtdl_fields_to_schema(struct exchange *x, const struct jval *interface,
                                   const struct jval *fields, int depth);
struct jval *schema_to_dtdl(struct exchange *x, const struct jval *schema, int depth);

#endif
