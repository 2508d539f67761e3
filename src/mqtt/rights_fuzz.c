/* rights_fuzz.c - any filter and any topic, of a device, of nobody in particular, and of nobody.
 *
 * The input is a filter, a line end and a topic.  What is judged when it is delivered and what is
 * judged at SUBSCRIBE must agree so far that nobody is refused a filter that matches something they
 * may hear; and nobody hears or says anything beyond their own. */
#include "mqtt/internal.h"

#include "core/fuzzing.h"

#include <assert.h>

static const char profile[] = FUZZING_PROFILE(
    "pump", "{\"id\":\"a\",\"name\":\"A\",\"type\":\"temperature\",\"unit\":\"celsius\"}");

static struct broker *broker;
static struct principal *device, *anybody, *nobody;

static void end(void)
{
    broker_free(broker);
    principal_unref(device);
    principal_unref(anybody);
    principal_unref(nobody);
}

static void start(void)
{
    fuzzing_start(SLICE_LIT(profile));
    struct access *a = core_access(core);
    const struct broker_opts opts = {.sparkplug = true};
    if (broker_new(loop, core, &opts, &broker) ||
        access_by_subject(a, SLICE_LIT("device:pump"), NULL, &device))
        abort();
    anybody = access_ingest(a);
    nobody = access_anonymous(a);
    atexit(end); /* before the core's */
}

static bool is_own(struct slice topic)
{
    return slice_starts(topic, "twins/pump/") || slice_starts(topic, "twins/home~pump/") ||
           slice_starts(topic, "spBv1.0/STATE/") || slice_starts(topic, "spBv1.0/STATE");
}

static void judge(struct principal *who, struct slice filter, struct slice topic)
{
    struct about a;
    about_topic(broker, &broker->home, topic, &a);
    bool hears = may_hear(broker, who, &a), says = may_say(broker, who, &a);
    assert(!hears || is_own(topic));
    assert(who == device || !hears);
    assert(who != nobody || !says);
    assert(!says || slice_starts(topic, "twins/") || slice_starts(topic, "spBv1.0/"));
    if (filter.n && mqtt_filter_ok(filter) && mqtt_topic_matches(filter, topic) && hears)
        assert(may_subscribe(broker, &broker->home, who, filter));
    if (filter.n && mqtt_filter_ok(filter) && who != device)
        assert(!may_subscribe(broker, &broker->home, who, filter));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice topic = slice_of((const char *)data, size), filter, place;
    struct principal *who[3];
    if (!broker)
        start();
    slice_cut(&topic, '\n', &filter);
    if (!mqtt_string_ok(filter) || !topic.p || !mqtt_string_ok(topic) || !mqtt_topic_ok(topic))
        return 0;
    who[0] = device, who[1] = anybody, who[2] = nobody;
    for (size_t i = 0; i < 3; i++)
        judge(who[i], filter, topic);
    struct space *space = &broker->home;
    place = topic;
    if (space_of_topic(broker, &space, &place, &broker->place))
        assert(space == &broker->home && place.n <= topic.n);
    return 0;
}
