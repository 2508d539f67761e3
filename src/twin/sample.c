/* The profile to start from: small, complete, and every member of it does something. */
#include "twin/profile.h"

static const char before_id[] =
    "{\n"
    "  \"@context\": {\n"
    "    \"@vocab\": \"https://schema.org/\",\n"
    "    \"mvmd\": \"https://mvmd.org/v1/\"\n"
    "  },\n"
    "  \"@type\": \"DigitalDocument\",\n"
    "  \"name\": \"Cooling water pump\",\n"
    "  \"description\": \"Mirrors the pump of the cooling circuit: its bearing, its vibration, and "
    "whether it runs\",\n"
    "  \"identifier\": {\n"
    "    \"@type\": \"PropertyValue\",\n"
    "    \"propertyID\": \"MVMD-ID\",\n"
    "    \"value\": ";

static const char before_endpoint[] = "\n"
                                      "  },\n"
                                      "  \"subjectOf\": {\n"
                                      "    \"@type\": \"Thing\",\n"
                                      "    \"name\": \"Centrifugal pump\",\n"
                                      "    \"manufacturer\": \"Example Pumps\",\n"
                                      "    \"model\": \"CP-40\",\n"
                                      "    \"serialNumber\": \"CP40-0001\",\n"
                                      "    \"productionDate\": \"2024-01-10\",\n"
                                      "    \"installDate\": \"2024-02-01\",\n"
                                      "    \"location\": {\n"
                                      "      \"@type\": \"Place\",\n"
                                      "      \"name\": \"Cooling house\"\n"
                                      "    }\n"
                                      "  },\n"
                                      "  \"synchronization\": {\n"
                                      "    \"mechanism\": \"MQTT\",\n"
                                      "    \"endpoint\": ";

static const char after_endpoint[] =
    ",\n"
    "    \"updateFrequency\": \"realtime\",\n"
    "    \"connectionLoss\": \"Silent sensors are shown as stale; later readings keep their own "
    "timestamp\"\n"
    "  },\n"
    "  \"sensors\": [\n"
    "    {\n"
    "      \"id\": \"temp-1\",\n"
    "      \"name\": \"Bearing temperature\",\n"
    "      \"type\": \"temperature\",\n"
    "      \"unit\": \"celsius\",\n"
    "      \"updateFrequency\": \"10s\",\n"
    "      \"normalRange\": [15, 70],\n"
    "      \"criticalRange\": [85, 120],\n"
    "      \"calibration\": {\"date\": \"2024-01-20\"}\n"
    "    },\n"
    "    {\n"
    "      \"id\": \"vibration-1\",\n"
    "      \"name\": \"Bearing vibration\",\n"
    "      \"type\": \"vibration\",\n"
    "      \"unit\": \"mm/s\",\n"
    "      \"updateFrequency\": \"10s\",\n"
    "      \"normalRange\": [0, 4.5],\n"
    "      \"criticalRange\": [7.1, 20],\n"
    "      \"calibration\": {\"date\": \"2024-01-20\"}\n"
    "    },\n"
    "    {\n"
    "      \"id\": \"running\",\n"
    "      \"name\": \"Running\",\n"
    "      \"type\": \"boolean\",\n"
    "      \"unit\": \"none\"\n"
    "    }\n"
    "  ],\n"
    "  \"dataStorage\": {\n"
    "    \"historicalData\": {\n"
    "      \"retentionPeriod\": \"90d\",\n"
    "      \"samplingRate\": \"1m\",\n"
    "      \"compressionLevel\": \"high\"\n"
    "    },\n"
    "    \"privacy\": \"no personal data\",\n"
    "    \"backup\": \"with the data directory\",\n"
    "    \"analytics\": {\n"
    "      \"alertThresholds\": {\n"
    "        \"temp-1\": 75\n"
    "      }\n"
    "    }\n"
    "  },\n"
    "  \"maintenance\": {\n"
    "    \"history\": [\n"
    "      {\n"
    "        \"date\": \"2024-02-01\",\n"
    "        \"type\": \"installation\",\n"
    "        \"description\": \"Installed and aligned\"\n"
    "      }\n"
    "    ]\n"
    "  }\n"
    "}\n";

struct slice profile_sample(struct arena *a, struct slice id)
{
    struct buf endpoint = {0}, b = {0};
    buf_add_str(&endpoint, "mqtt://127.0.0.1:1883/twins/");
    buf_add_slice(&endpoint, id);
    buf_add_str(&b, before_id);
    json_quote(&b, id);
    buf_add_str(&b, before_endpoint);
    json_quote(&b, buf_slice(&endpoint));
    buf_add_str(&b, after_endpoint);
    struct slice text =
        b.failed || endpoint.failed ? slice_of(NULL, 0) : arena_dup(a, buf_slice(&b));
    buf_release(&endpoint);
    buf_release(&b);
    return text;
}
