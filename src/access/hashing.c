#include "access/hashing.h"

#include "base/err.h"

#include <stdatomic.h>
#include <stdlib.h>

struct hashing {
    struct pool *pool;
    struct password_cost cost;
    size_t waiting; /* and under way */
    atomic_bool ending;
};

struct hash_job {
    struct pool_job job;
    struct hashing *hashing;
    hashed_fn *fn;
    void *arg;
    bool verify, known;
    char kept[PASSWORD_HASH_MAX], made[PASSWORD_HASH_MAX];
    enum password_verdict verdict;
    int err;
    size_t n;
    char password[];
};

int hashing_new(struct loop *l, const struct password_cost *cost, struct hashing **ret)
{
    struct hashing *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->cost = cost->memory_kib ? *cost : PASSWORD_COST_DEFAULT;
    int err = pool_new(l, "password", HASHING_THREADS, &h->pool);
    if (err) {
        free(h);
        return err;
    }
    *ret = h;
    return 0;
}

void hashing_stop(struct hashing *h)
{
    struct pool *pool = h ? h->pool : NULL;
    if (!pool)
        return;
    atomic_store(&h->ending, true);
    pool_free(pool);
    h->pool = NULL;
}

void hashing_free(struct hashing *h)
{
    hashing_stop(h);
    free(h);
}

static int work(struct hash_job *j)
{
    const struct slice password = slice_of(j->password, j->n);
    const struct password_cost *cost = &j->hashing->cost;
    if (atomic_load(&j->hashing->ending))
        return ERR_CANCELLED;
    if (!j->verify)
        return password_hash(password, cost, j->made);
    int err = password_verify(password, j->known ? j->kept : NULL, cost, &j->verdict);
    if (!err && j->verdict == PASSWORD_RIGHT_REHASH)
        err = password_hash(password, cost, j->made);
    return err;
}

static void on_work(void *arg)
{
    struct hash_job *j = arg;
    j->err = work(j);
    explicit_bzero(j->password, j->n);
}

static void on_done(void *arg)
{
    struct hash_job *j = arg;
    const struct hashed r = {.err = j->err,
                             .verdict = j->err ? PASSWORD_WRONG : j->verdict,
                             .hash = j->err || !j->made[0] ? NULL : j->made};
    j->hashing->waiting--;
    j->fn(j->arg, &r);
    free(j);
}

static void answer(hashed_fn *fn, void *arg, int err)
{
    fn(arg, &(struct hashed){.err = err, .verdict = PASSWORD_WRONG});
}

static void submit(struct hashing *h, struct slice password, bool verify, const char *kept,
                   hashed_fn *fn, void *arg)
{
    if (password.n > PASSWORD_BYTES_MAX) { /* nobody has such a one */
        answer(fn, arg, verify ? 0 : ERR_INVALID);
        return;
    }
    if (h->waiting >= HASHING_WAITING_MAX || atomic_load(&h->ending)) {
        answer(fn, arg, atomic_load(&h->ending) ? ERR_CANCELLED : ERR_OVERLOAD);
        return;
    }
    struct hash_job *j = calloc(1, sizeof *j + password.n + 1);
    if (!j) {
        answer(fn, arg, ERR_NOMEM);
        return;
    }
    j->job = (struct pool_job){.work = on_work, .done = on_done, .arg = j};
    j->hashing = h;
    j->fn = fn;
    j->arg = arg;
    j->verify = verify;
    j->known = kept && strlen(kept) < sizeof j->kept;
    if (j->known)
        memcpy(j->kept, kept, strlen(kept) + 1);
    j->n = password.n;
    if (password.n)
        memcpy(j->password, password.p, password.n);
    h->waiting++;
    pool_submit(h->pool, &j->job);
}

void hashing_verify(struct hashing *h, struct slice password, const char *kept, hashed_fn *fn,
                    void *arg)
{
    submit(h, password, true, kept, fn, arg);
}

void hashing_make(struct hashing *h, struct slice password, hashed_fn *fn, void *arg)
{
    submit(h, password, false, NULL, fn, arg);
}
