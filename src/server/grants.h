/* grants.h - what each listener lets whoever comes by it, from the settings: what devices may make
 * by speaking of it, and whether nobody in particular may send readings. */
#ifndef SERVER_GRANTS_H
#define SERVER_GRANTS_H

#include "core/line_map.h"
#include "core/provision.h"
#include "server/config.h"

enum { GRANT_HTTP, GRANT_HTTPS, GRANT_MQTT, GRANT_MQTTS, GRANTS };

struct grants {
    struct provision_grant of[GRANTS];
    bool given[GRANTS];
    bool anonymous[GRANTS]; /* takes readings from anybody */
};

/* CODE_OK, or a code after having said why on standard error. */
int grants_read(const struct config *c, struct grants *ret);
struct provision_grant *grants_of(struct grants *g, int listener); /* NULL: none */

/* The rules of line protocol, from the file that is named or without; as above. */
int grants_line_map(const struct config *c, struct line_map **ret);

#endif
