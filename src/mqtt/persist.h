/* persist.h - what must survive of the broker: its journal, and whoever waits for it.
 *
 * All state of the broker changes in memory at once, and a record of the change is put into the
 * journal then; what leaves the broker because of it waits until the record is on stable storage.
 * For that records have numbers that rise: `broker.kept_seq` is the last that the journal has
 * reported, a delivery is not sent before its `seq`, and an answer waits as a commit.
 *
 * Loop's thread.  Blocks: persist_open(), persist_settle() and persist_close().  The design is told
 * at the top of persist.c. */
#ifndef MQTT_PERSIST_H
#define MQTT_PERSIST_H

#include "mqtt/internal.h"
#include "mqtt/record.h"
#include "store/journal.h"

struct commit {
    struct commit *next;
    uint64_t seq;
    void (*done)(struct commit *c, int err); /* once; it frees c.  err: what was put is lost */
};

/* ---- persist.c ---- */

/* Read what is in dir (made when missing) into the broker, which is empty. */
int persist_open(struct broker *b, const char *dir);
void persist_settle(struct broker *b); /* until all that was put is kept, or is not */
void persist_close(struct broker *b);
void persist_tick(struct broker *b);
bool persist_failing(const struct broker *b);
bool persist_has_room(const struct broker *b); /* does it make sense to read more from the peers? */

/* Put a record; b->put_seq is its number then.  lazy: nothing waits for it.  Does nothing without a
 * journal. */
int persist_put(struct broker *b, const struct record *r, bool lazy);
void persist_wait(struct broker *b, uint64_t seq, struct commit *c); /* perhaps done at once */
void persist_wait_session(struct session *s, uint64_t seq); /* it has something in its queue */
void persist_forget_session(struct session *s);

/* ---- keep.c: what is put ---- */

bool keeps(const struct session *s); /* is it a session that survives? */
void keep_begin(struct session *s);  /* from now on it does */
void keep_list(struct session *s);   /* it has its number */
int keep_session(struct session *s); /* all of it */
int keep_online(struct session *s);
void keep_offline(struct session *s);
void keep_end(struct session *s);
int keep_applied(struct broker *b, bool lazy); /* readings up to now need nothing more */
int keep_subs(struct session *s, enum record_type type, const struct buf *list);
void keep_sub_item(struct buf *list, const struct sub *s);
void keep_gone(struct session *s, uint64_t delivery);
/* Is so much of it unknown to the disk that nothing more is to be sent?  Then it waits for that. */
bool keep_lags(struct session *s);
int keep_number(struct session *s, enum record_type type, uint64_t number); /* the small ones */
/* The message, unless it is there already, and who gets it. */
int keep_message(struct broker *b, const struct publishing *p, struct slice targets);

/* Rounds; see persist.c. */
void round_begin(struct broker *b);
/* Put about so many bytes of what is left.  1: that was all; 0, or an error. */
int round_step(struct broker *b, size_t bytes);
void round_skip_node(struct broker *b, const struct tree_node *n); /* it leaves its list */
void round_skip_session(struct broker *b, const struct session *s);

/* ---- load.c: and comes back ---- */

struct loading; /* opaque */
int loading_new(struct broker *b, struct loading **ret);
int loading_record(void *arg, uint64_t seq, struct slice record); /* arg: the loading */
/* Frees it; b has its sessions, all offline.  opened: the journal takes records. */
void loading_end(struct loading *l, bool opened);

#endif
