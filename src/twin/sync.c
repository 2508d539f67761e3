#include "twin/sync.h"

#include "twin/kinds.h"
#include "twin/url.h"

static const struct mechanism mechanisms[] = {
    {"MQTT", "MQTT|MQTTS|MQTT 3.1.1|MQTT 5|MQTT 5.0|MQTT v5|MQTT v5.0|MQTT over TLS",
     "mqtt|mqtts|tcp|ssl|tls|ws|wss", "mqtts://broker.example.com:8883/twins/robot"},
    {"HTTP", "HTTP|HTTPS|REST|HTTP REST|REST API|HTTP polling|webhook|HTTP/1.1|HTTP/2",
     "http|https", "https://api.example.com/twins/robot"},
    {"WebSocket", "WebSocket|WebSockets|web socket|WS|WSS|secure WebSocket", "ws|wss|http|https",
     "wss://stream.example.com/twins/robot"},
    {"AMQP", "AMQP|AMQPS|AMQP 1.0|AMQP 0-9-1|AMQP 0.9.1|RabbitMQ", "amqp|amqps",
     "amqps://broker.example.com/robot"},
    {"Kafka", "Kafka|Apache Kafka", "kafka|kafkas|kafka+ssl|kafka+sasl",
     "kafka+ssl://broker.example.com:9093/robot"},
    {"OPC UA", "OPC UA|OPC-UA|OPC_UA|OPCUA|OPC UA PubSub", "opc.tcp|opc.https|opc.wss|https",
     "opc.tcp://plc.example.com:4840"},
    {"Modbus", "Modbus|Modbus TCP|Modbus/TCP|Modbus-TCP|Modbus RTU",
     "modbus|modbus+tcp|modbus-tcp|modbus+tls|modbuss|tcp", "modbus+tls://plc.example.com:802"},
    {"CDC", "CDC|change data capture|Debezium",
     "postgres|postgresql|mysql|mariadb|mongodb|mongodb+srv|sqlserver|oracle|kafka|kafka+ssl|http|"
     "https",
     "postgresql://db.example.com/plant"},
};

enum { MECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };

/* Plain schemes and what to use instead.  Schemes whose encryption is agreed on inside the
 * connection (opc.tcp, databases) are in neither list. */
static const char *const plain_schemes[][2] = {
    {"mqtt", "mqtts"},
    {"tcp", "ssl"},
    {"http", "https"},
    {"ws", "wss"},
    {"amqp", "amqps"},
    {"kafka", "kafka+ssl"},
    {"modbus", "modbus+tls"},
    {"modbus+tcp", "modbus+tls"},
    {"modbus-tcp", "modbus+tls"},
};

static const char encrypted_schemes[] =
    "mqtts|ssl|tls|https|wss|amqps|kafkas|kafka+ssl|modbus+tls|modbuss|opc.https|opc.wss";

const struct mechanism *mechanism_find(struct slice name)
{
    for (size_t i = 0; i < MECHANISMS; i++)
        if (one_of(name, mechanisms[i].names))
            return &mechanisms[i];
    return NULL;
}

const struct mechanism *mechanism_of_scheme(struct slice scheme)
{
    /* MQTT runs over WebSockets too, but who writes wss:// alone means a WebSocket */
    if (one_of(scheme, "ws|wss"))
        return mechanism_find(SLICE_LIT("WebSocket"));
    for (size_t i = 0; i < MECHANISMS; i++)
        if (one_of(scheme, mechanisms[i].schemes))
            return &mechanisms[i];
    return NULL;
}

void mechanism_names(struct buf *out)
{
    for (size_t i = 0; i < MECHANISMS; i++)
        buf_addf(out, "%s%s", i == 0 ? "" : i + 1 < MECHANISMS ? ", " : " or ", mechanisms[i].name);
}

enum scheme_security scheme_security(struct slice scheme)
{
    if (one_of(scheme, encrypted_schemes))
        return SCHEME_ENCRYPTED;
    return scheme_encrypted(scheme) ? SCHEME_PLAIN : SCHEME_UNJUDGED;
}

const char *scheme_encrypted(struct slice scheme)
{
    for (size_t i = 0; i < sizeof plain_schemes / sizeof plain_schemes[0]; i++)
        if (slice_is_nocase(scheme, plain_schemes[i][0]))
            return plain_schemes[i][1];
    return NULL;
}

void sync_conditions(struct buf *out)
{
    buf_add_str(out, ", 'allOf': [{'$comment': 'sync.endpoint.secure: no password in the URL', "
                     "'properties': {'endpoint': {'not': {'type': 'string', 'pattern': "
                     "'" URL_PASSWORD "'}}}}");
    for (size_t i = 0; i < MECHANISMS; i++) {
        buf_addf(out, ", {'$comment': 'sync.endpoint: a scheme that fits %s', ",
                 mechanisms[i].name);
        buf_add_str(out, "'if': {'required': ['mechanism'], 'properties': {'mechanism': {'type': "
                         "'string', 'pattern': '^");
        one_of_pattern(out, mechanisms[i].names);
        buf_add_str(out, "$'}}}, 'then': {'properties': {'endpoint': {'type': 'string', "
                         "'pattern': '^");
        one_of_pattern(out, mechanisms[i].schemes);
        buf_add_str(out, "://'}}}}");
    }
    buf_add_str(out, "]");
}
