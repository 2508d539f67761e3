/* journal_testing.h - for the tests of the journal: batches whose content follows from their
 * sequence number, and a tally of what was reported and replayed.  Included by tests only. */
#ifndef STORE_JOURNAL_TESTING_H
#define STORE_JOURNAL_TESTING_H

#include "base/crc32c.h"
#include "store/journal_io.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTING __attribute__((unused)) static

enum { TALLY_MAX = 1 << 16, TALLY_SYNCED = 1, TALLY_FAILED = 2, TALLY_REPLAYED = 4 };

struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t reported, last_seq;
    uint64_t appended, replayed, first_replayed, last_replayed;
    size_t batch_min, batch_max;
    unsigned seed;
    bool hold, held;
    atomic_bool dead; /* the machine is gone: what is reported now nobody hears */
    int bad;          /* things that must not be */
    unsigned char status[TALLY_MAX];
    uint32_t size[TALLY_MAX]; /* readings in the batch of this number */
};

TESTING int testing_make_dir(char *dir, size_t n)
{
    snprintf(dir, n, "/tmp/journal_test.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

TESTING void testing_remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(dir);
}

TESTING int testing_count_files(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;
    struct dirent *e;
    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

/* The lowest number among the segments. */
TESTING uint64_t testing_first_segment(const char *dir)
{
    DIR *d = opendir(dir);
    uint64_t first = 0;
    struct dirent *e;
    while (d && (e = readdir(d))) {
        unsigned long long n;
        if (sscanf(e->d_name, "journal-%llx", &n) == 1 && (!first || n < first))
            first = n;
    }
    if (d)
        closedir(d);
    return first;
}

TESTING int testing_no_sync(void *arg, int fd)
{
    (void)arg;
    (void)fd;
    return 0;
}

/* journal_open() without the time that syncing takes, where it is not what is tested. */
TESTING int testing_open_quick(const char *dir, const struct journal_opts *opts,
                               struct journal **ret)
{
    struct journal_io io = journal_io_system;
    io.fdatasync = io.sync_dir = testing_no_sync;
    return journal_open_with(dir, opts, &io, ret);
}

TESTING void testing_put_crc(unsigned char *p, size_t n)
{
    uint32_t crc = crc32c(0, p, n);
    for (int i = 0; i < 4; i++)
        p[n + (size_t)i] = (unsigned char)(crc >> 8 * i);
}

TESTING struct tally *tally_new(void)
{
    struct tally *t = calloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    t->batch_min = 1;
    t->batch_max = 5;
    return t;
}

TESTING void tally_free(struct tally *t)
{
    assert_int_equal(t->bad, 0);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* What reading number i of batch seq is. */
TESTING struct reading testing_reading(uint64_t seq, size_t i, char text[static 16])
{
    struct reading r = {
        .series = (uint32_t)(seq % 7 + i),
        .quality = (uint8_t)(seq % 3),
        .t_us = 1700000000000000 + (int64_t)(seq * 1000 + i),
    };
    switch ((seq + i) % 4) {
    case 0:
        r.value = value_double((double)seq + (double)i / 8);
        break;
    case 1:
        r.value = (struct value){VALUE_INT, {.i = -(int64_t)seq}};
        break;
    case 2:
        r.value = (struct value){VALUE_BOOL, {.b = seq & 1}};
        break;
    default: {
        int n = snprintf(text, 16, "t%llu", (unsigned long long)seq);
        r.value = (struct value){VALUE_TEXT, {.text = {text, (size_t)n}}};
    }
    }
    return r;
}

TESTING int tally_on_replay(void *arg, uint64_t seq, const struct reading *readings, size_t n)
{
    struct tally *t = arg;
    if (seq >= TALLY_MAX || seq <= t->last_replayed || t->status[seq] & TALLY_REPLAYED) {
        t->bad++;
        return 0;
    }
    if (t->size[seq] && n != t->size[seq])
        t->bad++;
    for (size_t i = 0; i < n; i++) {
        char text[16];
        struct reading r = testing_reading(seq, i, text);
        if (r.series != readings[i].series || r.quality != readings[i].quality ||
            r.t_us != readings[i].t_us || !value_eq(r.value, readings[i].value))
            t->bad++;
    }
    if (!t->replayed)
        t->first_replayed = seq;
    t->last_replayed = seq;
    t->replayed++;
    t->status[seq] |= TALLY_REPLAYED;
    return 0;
}

TESTING void tally_on_synced(void *arg, uint64_t seq, int err)
{
    struct tally *t = arg;
    pthread_mutex_lock(&t->lock);
    if (seq <= t->reported || seq >= TALLY_MAX)
        t->bad++;
    else
        for (uint64_t i = t->reported + 1; i <= seq && !t->dead; i++)
            t->status[i] |= err ? TALLY_FAILED : TALLY_SYNCED;
    t->reported = seq;
    pthread_cond_broadcast(&t->changed);
    t->held = t->hold;
    while (t->hold)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

TESTING void tally_hold(struct tally *t)
{
    pthread_mutex_lock(&t->lock);
    t->hold = true;
    pthread_mutex_unlock(&t->lock);
}

TESTING void tally_wait_held(struct tally *t)
{
    pthread_mutex_lock(&t->lock);
    while (!t->held)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

TESTING void tally_let_go(struct tally *t)
{
    pthread_mutex_lock(&t->lock);
    t->hold = false;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

TESTING struct journal_opts tally_opts(struct tally *t, uint64_t from, size_t segment_bytes)
{
    t->replayed = t->first_replayed = 0;
    t->last_replayed = from;
    t->reported = t->last_seq > from ? t->last_seq : from;
    return (struct journal_opts){
        .segment_bytes = segment_bytes,
        .from = from,
        .on_replay = tally_on_replay,
        .on_synced = tally_on_synced,
        .arg = t,
    };
}

TESTING void tally_forget_replay(struct tally *t)
{
    for (size_t i = 0; i < TALLY_MAX; i++)
        t->status[i] &= (unsigned char)~TALLY_REPLAYED;
    t->last_seq = 0;
}

/* Before opening again: what was reported stays known, what was replayed not. */
TESTING void tally_forget_reports(struct tally *t)
{
    tally_forget_replay(t);
}

/* Append a batch for the number that comes next.  One thread only. */
TESTING int tally_append(struct journal *j, struct tally *t, uint64_t *ret_seq)
{
    static struct reading readings[20000];
    static char texts[20000][16];
    size_t n = t->batch_min + (size_t)rand_r(&t->seed) % (t->batch_max - t->batch_min + 1);
    uint64_t seq = t->appended + 1, got = 0;
    for (size_t i = 0; i < n; i++)
        readings[i] = testing_reading(seq, i, texts[i]);
    t->size[seq] = (uint32_t)n;
    int err = journal_append(j, readings, n, &got);
    if (err)
        return err;
    if (got != seq)
        t->bad++;
    t->appended = t->last_seq = *ret_seq = got;
    return 0;
}

/* 0 when seq was synced, else -1. */
TESTING int tally_wait(struct tally *t, uint64_t seq)
{
    pthread_mutex_lock(&t->lock);
    while (t->reported < seq)
        pthread_cond_wait(&t->changed, &t->lock);
    int err = t->status[seq] & TALLY_SYNCED ? 0 : -1;
    pthread_mutex_unlock(&t->lock);
    return err;
}

/* Behind from, everything synced was replayed once and nothing that failed was. */
TESTING void tally_check_after(struct tally *t, uint64_t from)
{
    assert_int_equal(t->bad, 0);
    for (size_t i = (size_t)from + 1; i < TALLY_MAX; i++) {
        if (t->status[i] & TALLY_SYNCED && !(t->status[i] & TALLY_REPLAYED))
            fail_msg("batch %zu was acknowledged and is lost", i);
        if (t->status[i] & TALLY_FAILED && t->status[i] & TALLY_REPLAYED)
            fail_msg("batch %zu was refused and came back", i);
    }
}

TESTING void tally_check(struct tally *t)
{
    tally_check_after(t, 0);
}

/* The first n batches were replayed and no others. */
TESTING void tally_check_prefix(struct tally *t, size_t n)
{
    assert_int_equal(t->bad, 0);
    for (size_t i = 1; i < TALLY_MAX; i++)
        assert_int_equal((t->status[i] & TALLY_REPLAYED) != 0, i <= n);
}

#endif
