/* unit_names.h - the names that people write for units, and what UDUNITS-2 calls them. */
#ifndef TWIN_UNIT_NAMES_H
#define TWIN_UNIT_NAMES_H

/* names: separated by '|'.  spec: for ut_parse(); empty for the number one, which says that there
 * is no unit; NULL where there is nothing to convert. */
struct unit_name {
    const char *spec;
    const char *names;
};

/* Symbols are compared as written; those that are one word also take prefixes and stand in
 * products ("kWh", "deg/s").  Words are compared in lower case with '_' and '-' as spaces.  Units
 * of our own are base units that convert to nothing but themselves.  All end with names NULL. */
extern const struct unit_name unit_symbols[];
extern const struct unit_name unit_words[];
extern const char *const unit_own[]; /* ends with NULL */

#endif
