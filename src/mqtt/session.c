/* Sessions and wills: when they begin, wait and end. */
#include "mqtt/persist.h"

#include <stdlib.h>

static void offline_link(struct session *s)
{
    struct broker *b = s->broker;
    s->prev = NULL;
    s->next = b->offline;
    if (s->next)
        s->next->prev = s;
    b->offline = s;
    b->offline_n++;
}

static void offline_unlink(struct session *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        s->broker->offline = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->next = s->prev = NULL;
    s->broker->offline_n--;
}

struct session *session_new(struct broker *b, struct space *space, struct slice id)
{
    struct session *s = session_alloc(b, space, id);
    if (!s)
        return NULL;
    if (map_put(&b->sessions, s->key, s, NULL)) {
        free(s);
        return NULL;
    }
    offline_link(s);
    return s;
}

void will_free(struct will *w)
{
    if (w)
        message_unref(w->message);
    free(w);
}

/* The will as it goes to its subscribers, a reference; NULL: whoever may not publish there any more
 * leaves nothing. */
static struct message *will_message(struct session *s, struct message *m)
{
    struct broker *b = s->broker;
    struct space *space = s->space;
    struct slice topic = m->topic;
    struct message *placed = NULL;
    struct about about;
    if (!space_of_topic(b, &space, &topic, &b->place))
        return NULL;
    about_topic(b, space, topic, &about);
    if (!may_say(b, s->who, &about))
        return NULL;
    if (topic.p == m->topic.p)
        placed = message_ref(m);
    else if ((placed = message_new(topic, m->props, m->payload))) {
        placed->qos = m->qos;
        placed->retain = m->retain;
    }
    if (placed)
        placed->space = space->slug.n ? space : NULL;
    if (placed && m->expires_us) /* it counts from the publication, not from CONNECT */
        placed->expires_us = m->expires_us + clock_mono_us();
    return placed;
}

static void will_publish(struct session *s)
{
    struct will *w = s->will;
    s->will = NULL;
    s->will_us = 0;
    if (!w)
        return;
    struct message *m = s->broker->closing ? NULL : will_message(s, w->message);
    if (m)
        broker_publish(s->broker, s, m, true);
    else if (!s->broker->closing && keeps(s))
        keep_number(s, RECORD_WILL_OVER, 0);
    message_unref(m);
    will_free(w);
}

void session_end(struct session *s)
{
    struct broker *b = s->broker;
    will_publish(s); /* [MQTT-3.1.3-9]: the end of the session is its last occasion */
    keep_end(s);
    persist_forget_session(s);
    map_remove(&b->sessions, s->key);
    if (!s->conn)
        offline_unlink(s);
    else
        s->conn->session = NULL;
    subs_remove_all(s);
    session_forget(s);
    session_forget_pending(s);
    idset_release(&s->received);
    idset_release(&s->received_kept);
    map_release(&s->subs);
    principal_unref(s->who);
    free(s->subject);
    free(s);
}

void session_online(struct session *s, struct conn *c)
{
    offline_unlink(s);
    will_free(s->will); /* back in time: a delayed will is not sent [MQTT-3.1.3-9] */
    s->will = NULL;
    s->will_us = s->ends_us = 0;
    s->conn = c;
    c->session = s;
}

static int64_t after(int64_t now_us, uint32_t seconds)
{
    return now_us + (int64_t)seconds * 1000000;
}

void session_offline(struct session *s, bool with_will)
{
    int64_t now = clock_mono_us();
    s->conn = NULL;
    offline_link(s);
    session_drop_qos0(s);
    if (!with_will) {
        will_free(s->will);
        s->will = NULL;
    }
    if (s->expiry_s == 0) {
        session_end(s);
        return;
    }
    s->ends_us = s->expiry_s == UINT32_MAX ? 0 : after(now, s->expiry_s);
    s->will_us = s->will ? after(now, s->will->delay_s) : 0;
    keep_offline(s);
    if (s->will && !s->will->delay_s && !s->broker->closing) /* then it is due after the restart */
        will_publish(s);
}

void sessions_tick(struct broker *b, int64_t now_us)
{
    struct session *next;
    for (struct session *s = b->offline; s; s = next) {
        next = s->next; /* a will that is published here takes no session away */
        if (s->ends_us && now_us >= s->ends_us) {
            b->stats.sessions_expired++;
            session_end(s);
        } else if (s->will_us && now_us >= s->will_us) {
            will_publish(s);
        }
    }
}
