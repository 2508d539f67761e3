/* internal.h - what the readers and writers of this room share.
 *
 * x_*() make trees; when memory runs out they remember it in x->failed and answer NULL, which all
 * of them take, so that a reader need not look after each call. */
#ifndef EXCHANGE_INTERNAL_H
#define EXCHANGE_INTERNAL_H

#include "exchange/exchange.h"

/* One way of saying it: an element that stands for a type or a twin. */
struct exchange_words {
    /* A document of ours made of an element, put into x->types or x->twins; NULL: a note says why.
     */
    struct jval *(*read)(struct exchange *x, const struct jval *element, bool *ret_is_type);
    struct jval *(*write_type)(struct exchange *x,
                               const struct jval *type); /* NULL: not said there */
    struct jval *(*write_twin)(struct exchange *x, const struct jval *twin); /* the same */
    const char *list; /* where elements stand when they do not stand in a list alone; or NULL */
    bool property;    /* whatever stands in an element is {"type":"Property","value":..} */
};
extern const struct exchange_words dtdl_words, wot_words, ngsi_words;

#define SOURCE "doppel:source"
#define DOCUMENT "doppel:document"

struct jval *x_object(struct exchange *x);
struct jval *x_list(struct exchange *x);
struct jval *x_text(struct exchange *x, struct slice s);
struct jval *x_textf(struct exchange *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct jval *x_bool(struct exchange *x, bool v);
struct jval *x_number(struct exchange *x, double v);
struct jval *x_copy(struct exchange *x, const struct jval *v);
struct jval *x_parse(struct exchange *x, const char *json); /* a constant of ours, ' for " */

/* Set a member; v NULL: leave it. */
void x_put(struct exchange *x, struct jval *object, const char *key, struct jval *v);
void x_put_slice(struct exchange *x, struct jval *object, struct slice key, struct jval *v);
void x_put_text(struct exchange *x, struct jval *object, const char *key,
                struct slice s); /* p NULL: leave it */
void x_put_copy(struct exchange *x, struct jval *object, const char *key, const struct jval *v);
void x_append(struct exchange *x, struct jval *list, struct jval *v);
/* A list under a key, unless it is empty. */
void x_put_list(struct exchange *x, struct jval *object, const char *key, struct jval *list);

void x_note(struct exchange *x, bool error, const struct jval *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The first of a text or a list of texts; p NULL: there is none. */
struct slice first_text(const struct jval *v);
/* A text, or of one in many languages that in English or the first. */
struct slice text_of(const struct jval *v);
bool lists_text(const struct jval *v, const char *text); /* is it the text, or one of the list? */
struct slice string_at(const struct jval *object, const char *key);
const struct jval *list_at(const struct jval *object, const char *key);   /* or NULL */
const struct jval *object_at(const struct jval *object, const char *key); /* or NULL */

/* What can stand as an id of a twin or sensor: all that cannot becomes _. */
struct slice id_of(struct exchange *x, struct slice name);

/* A profile that has its core, of what is known of a thing. */
struct jval *new_profile(struct exchange *x, struct slice id, struct slice name,
                         struct slice description, struct slice kind);
struct jval *new_sensor(struct exchange *x, struct slice id, struct slice name, struct slice type,
                        struct slice unit);
struct slice profile_id(const struct jval *profile);

/* units.c: names of units elsewhere.  p NULL: there is none. */
struct slice unit_of_dtdl(struct slice unit);
struct slice unit_to_dtdl(struct slice unit);
struct slice unit_of_cefact(struct slice code); /* UN/CEFACT Recommendation 20 */
struct slice unit_to_cefact(struct slice unit);
/* The semantic type of DTDL that has this unit, such as "Temperature". */
struct slice quantity_of_unit(struct slice dtdl_unit);

#endif
