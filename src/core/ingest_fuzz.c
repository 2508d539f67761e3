/* ingest_fuzz.c - whatever a device sends as readings, by each of the bodies. */
#include "core/fuzzing.h"

static const char profile[] = FUZZING_PROFILE(
    "t",
    "{\"id\":\"a\",\"name\":\"A\",\"type\":\"temperature\",\"unit\":\"celsius\"},"
    "{\"id\":\"b\",\"name\":\"B\",\"type\":\"boolean\",\"unit\":\"none\",\"currentValue\":true},"
    "{\"id\":\"c\",\"name\":\"C\",\"type\":\"text\",\"unit\":\"none\",\"currentValue\":\"x\"}");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!core)
        fuzzing_start(SLICE_LIT(profile));
    if (!size)
        return 0;
    enum body_format format = data[0] < 128 ? BODY_JSON : BODY_CBOR;
    struct ingest_source src = {"fuzz", "peer", SLICE_LIT("topic"), format, core_system(core).who};
    struct ingest *in = ingest_begin(core, &src);
    struct slice payload = slice_of((const char *)data + 1, size - 1), twin = SLICE_LIT("t");
    switch (data[0] % 6) {
    case 0:
        ingest_telemetry(in, twin, payload);
        break;
    case 1:
        ingest_readings(in, twin, payload);
        break;
    case 2:
        ingest_sequence(in, twin, payload);
        break;
    default:
        ingest_sensor(in, twin, slice_of(&"abc"[data[0] % 6 - 3], 1), payload);
    }
    ingest_drop(in);
    return 0;
}
