/* packed.h - what profile_read() made of a profile, as few bytes, and back: so that a start with a
 * million twins reads no JSON.
 *
 * Pure; any thread.  The bytes are derived from the profile and can be at any time again: when
 * their version is another one, or they are damaged, whoever reads them goes back to the profile.
 */
#ifndef TWIN_PACKED_H
#define TWIN_PACKED_H

#include "twin/profile.h"

/* Appended to out: the view without its id and sensors.  out->failed: out of memory. */
void view_pack(struct buf *out, const struct profile_view *view);
/* The slices point into the bytes.  ERR_CORRUPT, ERR_UNSUPPORTED: another version. */
int view_unpack(struct slice bytes, struct profile_view *ret);

/* The sensors alone.  Sensors that are the same give the same bytes, so bytes can be compared. */
void sensors_pack(struct buf *out, const struct sensor_spec *sensors, size_t n);
/* *ret is for free(); its slices point into the bytes, and each has a zero behind it. */
int sensors_unpack(struct slice bytes, struct sensor_spec **ret, size_t *ret_n);

#endif
