/* What survives of the broker: sessions that do not end with their connection, with their
 * subscriptions, messages and wills, and retained messages.
 *
 * THE JOURNAL in the directory is one of store/journal.h that carries records (record.h): the same
 * writing, group commit and recovery as for readings.  Whatever changes something that survives
 * changes it in memory and puts a record at once, in the same order; so memory is what replaying
 * all records gives.  Nothing that depends on a record leaves before the journal's thread has
 * reported it (`kept_seq`):
 *
 *   PUBACK, PUBREC, PUBCOMP, PUBREL, SUBACK, UNSUBACK, CONNACK   wait as commits, in order
 *   PUBLISH                                                      waits in the queue of its session
 *
 * Records that nothing depends on (a client's PUBACK, a message that made room) are lazy: they ride
 * along and cost no sync.  Sessions that end with their connection have no records; a publish that
 * reaches no kept session and is not retained has none either.
 *
 * WHY QoS 2 IS EXACT.  Towards a subscriber the packet identifier follows from the delivery's
 * number, which is in the record that the first PUBLISH waits for; PUBREL waits for the record of
 * PUBREC.  From a publisher the identifier stands in the same record as the message, and PUBCOMP
 * waits for the record that forgets it.
 *
 * ROUNDS.  So that the journal does not grow for ever, all that is alive is recorded again now and
 * then, in slices between other work: every message that has no record since the round began, every
 * session whole, every retained message.  What changes meanwhile is recorded as always.  At the end
 * RECORD_ROUND says where it began: whatever has no whole record since then is no more.  When that
 * is on the disk the journal is trimmed up to there.  Replaying may start before the beginning:
 * what it then finds of something whose beginning is gone it passes over, and the round tells it
 * whole. A round begins when the journal holds ROUND_BYTES and twice what was alive.
 *
 * WHEN THE DISK FAILS.  What the journal reports as lost is taken back where it was not seen yet:
 * messages out of queues, retained messages to what they were, and whoever waits is refused.  Other
 * changes (a subscription, an acknowledgement) stay in memory, which is ahead of the disk now.
 * Therefore nothing is put until a whole round could be put first; then both agree again. */
#include "mqtt/persist.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    SEGMENT_BYTES = 4 << 20, /* of an idle broker this is all */
    PENDING_BYTES = 64 << 20,
    ROOM_BYTES = 16 << 20, /* put and not yet kept, from which peers are not read */
    ROUND_BYTES = 32 << 20,
    ROUND_SLICE = 256 << 10,
    ROUND_MS = 10,
};

/* What the journal's thread reports, until the loop takes it. */
struct word {
    uint64_t seq;
    int err;
};

struct persist {
    struct broker *broker;
    struct journal *journal;
    pthread_mutex_t lock;
    pthread_cond_t reported;
    struct word *words; /* under the lock, with the next four */
    size_t words_n, words_cap;
    uint64_t reported_seq;
    bool posted;

    struct commit *first, *last;
    struct buf scratch;
    bool failing;
    /* Bytes put so far; of them, those known to be on the disk (up to the mark before the last);
     * and when the last round began. */
    uint64_t put_bytes, kept_bytes, round_bytes;
    uint64_t mark_seq, mark_bytes;
    uint64_t live_bytes; /* what the last round came to */
    struct loading *loading;
    bool in_round;
    struct loop_timer *timer; /* runs while a round does */
};

/* ---- putting ---- */

bool persist_failing(const struct broker *b)
{
    return b->persist && b->persist->failing;
}

bool persist_has_room(const struct broker *b)
{
    return !b->persist || b->persist->put_bytes - b->persist->kept_bytes < ROOM_BYTES;
}

static int put(struct persist *p, const struct record *r, bool lazy)
{
    struct broker *b = p->broker;
    buf_clear(&p->scratch);
    record_put(&p->scratch, r);
    int err = p->scratch.failed
                  ? ERR_NOMEM
                  : journal_append_record(p->journal, buf_slice(&p->scratch), lazy, &b->put_seq);
    if (!err)
        p->put_bytes += p->scratch.n;
    if (p->scratch.cap > ROOM_BYTES)
        buf_release(&p->scratch);
    return err;
}

int persist_put(struct broker *b, const struct record *r, bool lazy)
{
    struct persist *p = b->persist;
    if (!p || !p->journal) /* also while it is being read */
        return 0;
    if (p->failing)
        return ERR_STORAGE;
    int err = put(p, r, lazy);
    if (err)
        p->failing = true;
    return err;
}

/* ---- waiting ---- */

void persist_wait(struct broker *b, uint64_t seq, struct commit *c)
{
    struct persist *p = b->persist;
    if (!p || seq <= b->kept_seq) {
        c->done(c, 0);
        return;
    }
    c->seq = seq;
    c->next = NULL;
    if (p->last)
        p->last->next = c;
    else
        p->first = c;
    p->last = c;
}

void persist_wait_session(struct session *s, uint64_t seq)
{
    struct broker *b = s->broker;
    if (!s->wait_seq) {
        s->wait_prev = NULL;
        s->wait_next = b->waits;
        if (s->wait_next)
            s->wait_next->wait_prev = s;
        b->waits = s;
    }
    if (seq > s->wait_seq)
        s->wait_seq = seq;
}

static void stop_waiting(struct session *s)
{
    if (!s->wait_seq)
        return;
    if (s->wait_prev)
        s->wait_prev->wait_next = s->wait_next;
    else
        s->broker->waits = s->wait_next;
    if (s->wait_next)
        s->wait_next->wait_prev = s->wait_prev;
    s->wait_next = s->wait_prev = NULL;
    s->wait_seq = 0;
}

void persist_forget_session(struct session *s)
{
    stop_waiting(s);
}

/* Those whose records have been reported, in order; with an error the newest first, so that each
 * takes back what it did to what was there before. */
static void end_commits(struct persist *p, uint64_t seq, int err)
{
    struct commit *mine = NULL, **end = &mine, *c;
    while ((c = p->first) && c->seq <= seq) {
        p->first = c->next;
        if (!p->first)
            p->last = NULL;
        c->next = NULL;
        if (err) {
            c->next = mine;
            mine = c;
        } else {
            *end = c;
            end = &c->next;
        }
    }
    while ((c = mine)) {
        mine = c->next;
        c->done(c, err);
    }
}

static void pump_sessions(struct broker *b)
{
    struct session *next;
    for (struct session *s = b->waits; s; s = next) {
        next = s->wait_next; /* sending ends no session */
        if (s->wait_seq <= b->kept_seq)
            stop_waiting(s);
        session_pump(s);
        if (s->conn && s->conn->replays)
            replay_pump(s->conn);
    }
}

static void take_word(struct persist *p, struct word word)
{
    struct broker *b = p->broker;
    uint64_t from = b->kept_seq;
    b->kept_seq = word.seq;
    if (word.err) {
        p->failing = true;
        for (struct session *s = b->waits; s; s = s->wait_next)
            session_drop_lost(s, from, word.seq);
    }
    end_commits(p, word.seq, word.err);
}

static void take_words(struct persist *p)
{
    pthread_mutex_lock(&p->lock);
    struct word *words = p->words;
    size_t n = p->words_n;
    p->words = NULL;
    p->words_n = p->words_cap = 0;
    p->posted = false;
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < n; i++)
        take_word(p, words[i]);
    free(words);
    if (p->broker->kept_seq >= p->mark_seq) {
        p->kept_bytes = p->mark_bytes;
        p->mark_seq = p->broker->put_seq;
        p->mark_bytes = p->put_bytes;
    }
    pump_sessions(p->broker);
}

static void posted(void *arg)
{
    take_words(arg);
}

/* The journal's thread. */
static void on_synced(void *arg, uint64_t seq, int err)
{
    struct persist *p = arg;
    pthread_mutex_lock(&p->lock);
    struct word *last = p->words_n ? &p->words[p->words_n - 1] : NULL;
    if (last && last->err == err) {
        last->seq = seq;
    } else {
        if (p->words_n == p->words_cap) {
            p->words_cap = p->words_cap ? p->words_cap * 2 : 4;
            p->words = realloc(p->words, p->words_cap * sizeof *p->words);
            assert(p->words); /* a few bytes; without them nobody would ever hear again */
        }
        p->words[p->words_n++] = (struct word){seq, err};
    }
    p->reported_seq = seq;
    bool post = !p->posted;
    p->posted = true;
    pthread_cond_signal(&p->reported);
    pthread_mutex_unlock(&p->lock);
    if (post) {
        int failed = loop_post(p->broker->loop, posted, p);
        assert(!failed);
    }
}

void persist_settle(struct broker *b)
{
    struct persist *p = b->persist;
    if (!p || !p->journal)
        return;
    while (b->kept_seq < b->put_seq) { /* what is told may put more */
        journal_hurry(p->journal);
        pthread_mutex_lock(&p->lock);
        while (p->reported_seq < b->put_seq)
            pthread_cond_wait(&p->reported, &p->lock);
        pthread_mutex_unlock(&p->lock);
        take_words(p);
    }
}

/* ---- rounds ---- */

struct round_end {
    struct commit commit;
    struct persist *persist;
    uint64_t start;
};

static void round_kept(struct commit *commit, int err)
{
    struct round_end *e = (struct round_end *)commit;
    if (!err && e->persist->journal)
        journal_trim(e->persist->journal, e->start - 1);
    free(e);
}

/* Everything has been put. */
static int finish_round(struct persist *p, uint64_t start)
{
    struct broker *b = p->broker;
    struct round_end *e = calloc(1, sizeof *e);
    int err = e ? put(p, &(struct record){.type = RECORD_APPLIED, .number = b->applied}, true)
                : ERR_NOMEM;
    if (!err)
        err = put(p, &(struct record){.type = RECORD_ROUND, .number = start}, false);
    p->in_round = false;
    loop_timer_stop(p->timer);
    if (err) {
        free(e);
        p->failing = true;
        return err;
    }
    p->live_bytes = p->put_bytes - p->round_bytes;
    *e = (struct round_end){.commit.done = round_kept, .persist = p, .start = start};
    persist_wait(b, b->put_seq, &e->commit);
    return 0;
}

static void start_round(struct persist *p)
{
    p->in_round = true;
    p->round_bytes = p->put_bytes;
    round_begin(p->broker);
}

static void on_round(void *arg)
{
    struct persist *p = arg;
    int end = persist_failing(p->broker) ? ERR_STORAGE : 1;
    if (end == 1 && !persist_has_room(p->broker))
        return;
    end = end == 1 ? round_step(p->broker, ROUND_SLICE) : end;
    if (end == 1) {
        finish_round(p, p->broker->round.start);
    } else if (end) {
        p->in_round = false; /* begun anew when the disk is well */
        loop_timer_stop(p->timer);
    }
}

/* Memory is ahead of the disk: tell it everything, before anything else. */
static void heal(struct persist *p)
{
    struct record probe = {.type = RECORD_WILL_OVER}; /* of nobody: it means nothing */
    if (put(p, &probe, false))
        return;
    p->failing = false; /* for the round to be put */
    start_round(p);
    int end;
    while (!(end = round_step(p->broker, ROOM_BYTES)) && !p->failing)
        persist_settle(p->broker);
    if (end == 1 && !p->failing)
        finish_round(p, p->broker->round.start);
    else
        p->failing = true;
    if (!p->failing)
        log_info("mqtt", "sessions and messages are kept again");
}

void persist_tick(struct broker *b)
{
    struct persist *p = b->persist;
    if (!p)
        return;
    if (p->failing) {
        p->in_round = false;
        loop_timer_stop(p->timer);
        if (b->kept_seq >= b->put_seq)
            heal(p);
        return;
    }
    if (b->updated > b->applied)
        keep_applied(b, true);
    journal_hurry(p->journal);
    uint64_t bytes = p->put_bytes - p->round_bytes;
    if (!p->in_round && bytes > ROUND_BYTES && bytes > 2 * p->live_bytes) {
        start_round(p);
        loop_timer_start(p->timer, ROUND_MS, ROUND_MS);
    }
}

/* ---- beginning and end ---- */

static size_t pending_bytes(const struct broker *b)
{
    size_t two = 2 * (b->opts.max_packet + (1 << 20)); /* the largest message must fit */
    return two > PENDING_BYTES ? two : PENDING_BYTES;
}

static int on_record(void *arg, uint64_t seq, struct slice record)
{
    struct persist *p = arg;
    p->put_bytes += record.n;
    p->broker->put_seq = seq;
    return loading_record(p->loading, seq, record);
}

static int read_journal(struct persist *p, const char *dir)
{
    struct broker *b = p->broker;
    struct journal_opts opts = {.segment_bytes = SEGMENT_BYTES,
                                .pending_bytes = pending_bytes(b),
                                .on_record = on_record,
                                .on_synced = on_synced,
                                .what = "sessions and messages of MQTT",
                                .arg = p};
    int64_t began = clock_mono_us();
    int err = loading_new(b, &p->loading);
    if (!err)
        err = journal_open(dir, &opts, &p->journal);
    b->kept_seq = p->reported_seq = b->put_seq;
    p->kept_bytes = p->put_bytes;
    loading_end(p->loading, !err);
    p->loading = NULL;
    if (!err) {
        twins_out_replay(b);
        keep_applied(b, true);
    }
    if (!err)
        log_info("mqtt", "%zu sessions and %zu retained messages from %s, read in %.0f ms",
                 b->sessions.count, b->retained_n, dir, (double)(clock_mono_us() - began) / 1000);
    return err;
}

int persist_open(struct broker *b, const char *dir)
{
    struct persist *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->broker = b;
    b->persist = p;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->reported, NULL);
    int err = loop_timer_new(b->loop, on_round, p, &p->timer);
    return err ? err : read_journal(p, dir);
}

void persist_close(struct broker *b)
{
    struct persist *p = b->persist;
    if (!p)
        return;
    journal_close(p->journal); /* writes what was put */
    p->journal = NULL;
    take_words(p);
    end_commits(p, UINT64_MAX, ERR_CANCELLED);
    b->persist = NULL;
    loop_timer_free(p->timer);
    free(p->words);
    buf_release(&p->scratch);
    pthread_cond_destroy(&p->reported);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
