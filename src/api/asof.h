/* asof.h - a twin as it was, for handlers that take ?at=; nobody outside the room includes it.
 *
 * Its profile is the version that held then; its values are the newest readings not after that
 * time; its levels are judged by that profile.  What a policy keeps from somebody now is kept from
 * them then, too. */
#ifndef API_ASOF_H
#define API_ASOF_H

#include "api/internal.h"

struct asof {
    struct call *call;
    int64_t at_us;
    struct slice key;
    struct jval *root; /* the profile, with currentValue and timestamp as they were */
    struct profile_view view;
    struct twin twin;       /* what write_sensor() looks at */
    struct sensor *sensors; /* view.sensors_n of them, with spec and the value that stood */
    bool *seen;             /* may they see it? */
    size_t at;              /* the sensor that is looked up */
    struct history_job *job;
    void (*then)(struct asof *a);
};

/* Does the request ask for another time than now?  *ret_answered: it does, and wrongly. */
bool call_asks_then(struct call *call, int64_t *ret_at_us, bool *ret_answered);
/* The twin of the address at that time, then fn, which answers; problems are answered. */
void call_then(struct call *call, int64_t at_us, void (*fn)(struct asof *a));

#endif
