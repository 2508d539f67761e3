#include "codec/mqtt.h"

#include "base/err.h"
#include "base/utf8.h"

bool mqtt_string_ok(struct slice s)
{
    return slice_find(s, 0) < 0 && utf8_valid(s);
}

bool mqtt_topic_ok(struct slice topic)
{
    return topic.n > 0 && topic.n <= MQTT_STRING_MAX && !mqtt_filter_has_wildcard(topic);
}

bool mqtt_filter_has_wildcard(struct slice filter)
{
    return slice_find(filter, '+') >= 0 || slice_find(filter, '#') >= 0;
}

size_t mqtt_topic_levels(struct slice topic)
{
    size_t n = 1;
    for (size_t i = 0; i < topic.n; i++)
        n += topic.p[i] == '/';
    return n;
}

bool mqtt_filter_ok(struct slice filter)
{
    if (filter.n == 0 || filter.n > MQTT_STRING_MAX)
        return false;
    for (size_t i = 0; i < filter.n; i++) {
        char c = filter.p[i];
        if (c != '+' && c != '#')
            continue;
        if (i > 0 && filter.p[i - 1] != '/')
            return false;
        if (i + 1 < filter.n && (c == '#' || filter.p[i + 1] != '/'))
            return false;
    }
    return true;
}

bool mqtt_topic_matches(struct slice filter, struct slice topic)
{
    if (topic.p[0] == '$' && (filter.p[0] == '+' || filter.p[0] == '#'))
        return false; /* [MQTT-4.7.2-1] */
    struct slice f = filter, t = topic, want, have;
    while (slice_cut(&f, '/', &want)) {
        if (slice_is(want, "#"))
            return true; /* also the level above: t may be used up */
        if (!slice_cut(&t, '/', &have))
            return false;
        if (!slice_is(want, "+") && !slice_eq(want, have))
            return false;
    }
    return t.p == NULL;
}

int mqtt_share_parse(struct slice filter, struct slice *ret_group, struct slice *ret_filter)
{
    if (!slice_starts(filter, "$share/") && !slice_is(filter, "$share"))
        return 0;
    struct slice rest = filter, head, group;
    slice_cut(&rest, '/', &head);
    if (!slice_cut(&rest, '/', &group) || group.n == 0 || mqtt_filter_has_wildcard(group))
        return ERR_MALFORMED; /* [MQTT-4.8.2-1], [MQTT-4.8.2-2] */
    if (rest.p == NULL || rest.n == 0)
        return ERR_MALFORMED;
    *ret_group = group;
    *ret_filter = rest;
    return 1;
}
