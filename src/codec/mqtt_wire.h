/* mqtt_wire.h - shared by mqtt_read.c, mqtt_write.c and mqtt_props.c; nobody else's business. */
#ifndef CODEC_MQTT_WIRE_H
#define CODEC_MQTT_WIRE_H

#include "codec/mqtt.h"

/* What is left of a packet, and what was found wrong with it. */
struct mqtt_cursor {
    const char *p;
    size_t n;
    struct mqtt_fault *fault;
};

int mqtt_fail(struct mqtt_cursor *c, uint8_t reason, const char *text); /* ERR_MALFORMED */
int mqtt_take_byte(struct mqtt_cursor *c, uint8_t *ret);
int mqtt_take_u16(struct mqtt_cursor *c, uint16_t *ret);
int mqtt_take_u32(struct mqtt_cursor *c, uint32_t *ret);
int mqtt_take_varint(struct mqtt_cursor *c, uint32_t *ret);
int mqtt_take_binary(struct mqtt_cursor *c, struct slice *ret); /* 2 bytes of length before it */
int mqtt_take_string(struct mqtt_cursor *c, struct slice *ret); /* the same, checked as a string */

/* The length and the properties of a packet (or MQTT_WILL). */
int mqtt_take_props(struct mqtt_cursor *c, enum mqtt_type where, struct mqtt_props *ret);

static inline void mqtt_props_clear(struct mqtt_props *p)
{
    p->has = 0;
    p->raw = p->more = (struct slice){NULL, 0};
}

void mqtt_write_u16(struct buf *out, size_t v);
void mqtt_write_string(struct buf *out, struct slice s);
size_t mqtt_props_size(const struct mqtt_props *p); /* with their length before them */
void mqtt_write_props(struct buf *out, const struct mqtt_props *p);

#endif
