#include "server/local_token.h"

#include "base/err.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PRIVATE_MAX = 4096 };

/* ---- files of the user's own ---- */

/* It and what is missing above it. */
static bool make_directories(char *path)
{
    for (char *at = path + 1;; at++) {
        if (*at && *at != '/')
            continue;
        char kept = *at;
        *at = 0;
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
        *at = kept;
        if (!there || !kept)
            return there;
    }
}

static bool is_own(const struct stat *s)
{
    return s->st_uid == geteuid() && (s->st_mode & 022) == 0;
}

char *private_directory(const char *variable, const char *otherwise, const char *name, bool make)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    struct buf path = {0};
    struct stat s;
    if (base && base[0] == '/')
        buf_addf(&path, "%s/%s", base, name);
    else if (otherwise && home && home[0] == '/')
        buf_addf(&path, "%s/%s/%s", home, otherwise, name);
    char *dir = path.n ? buf_take(&path) : NULL;
    if (dir && (!make || make_directories(dir)) && lstat(dir, &s) == 0 && S_ISDIR(s.st_mode) &&
        is_own(&s) && ((s.st_mode & 077) == 0 || (make && chmod(dir, 0700) == 0)))
        return dir;
    free(dir);
    return NULL;
}

bool private_read(const char *path, struct buf *ret)
{
    char text[PRIVATE_MAX];
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool own = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && is_own(&s) && (s.st_mode & 044) == 0;
    ssize_t n = own ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (n <= 0)
        return false;
    buf_add_slice(ret, slice_trim(slice_of(text, (size_t)n)));
    explicit_bzero(text, sizeof text);
    return !ret->failed;
}

/* ---- tokens of servers ---- */

static char *directory(bool make)
{
    char *dir = private_directory("XDG_RUNTIME_DIR", NULL, "doppel", make);
    return dir ? dir : private_directory("XDG_STATE_HOME", ".local/state", "doppel", make);
}

static char *path_for(const char *dir, const char *address)
{
    struct buf path = {0};
    if (strchr(address, '/') || address[0] == '.')
        return NULL;
    buf_addf(&path, "%s/%s.token", dir, address);
    return buf_take(&path);
}

int local_tokens_write(struct local_tokens *t, const char *const *addresses, size_t n,
                       const char *token, struct buf *why)
{
    char *dir = directory(true);
    int err = 0;
    if (!dir) {
        buf_add_str(why, "there is no directory for it: neither XDG_RUNTIME_DIR nor XDG_STATE_HOME "
                         "nor HOME names one that is this user's alone");
        return ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < n && t->n < LOCAL_TOKENS_MAX && !err; i++) {
        char *path = addresses[i] ? path_for(dir, addresses[i]) : NULL;
        if (!path)
            continue;
        err = file_write(path, slice_str(token), 0600);
        if (err)
            buf_addf(why, "%s: %s", path, file_why(err));
        if (err)
            free(path);
        else
            t->paths[t->n++] = path;
    }
    free(dir);
    return err;
}

void local_tokens_remove(struct local_tokens *t)
{
    for (size_t i = 0; i < t->n; i++) {
        unlink(t->paths[i]);
        free(t->paths[i]);
    }
    t->n = 0;
}

static bool find(const char *dir, const char *host, const char *port, struct buf *ret)
{
    struct buf address = {0};
    buf_addf(&address, "%s:%s", host, port);
    char *text = buf_take(&address);
    char *path = text ? path_for(dir, text) : NULL;
    bool found = path && private_read(path, ret);
    free(text);
    free(path);
    return found;
}

/* Is it this machine by its name for itself, and not by the address of one of its networks? */
static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

bool local_token_find(const char *address, struct buf *ret)
{
    static const char *const any[] = {"127.0.0.1", "[::1]", "0.0.0.0", "[::]"};
    const char *colon = strrchr(address, ':');
    char *dir = colon ? directory(false) : NULL;
    char *host = dir ? strndup(address, (size_t)(colon - address)) : NULL;
    bool found = host && find(dir, host, colon + 1, ret);
    for (size_t i = strcmp(host ? host : "", "localhost") == 0 ? 0 : 2;
         host && i < 4 && !found && is_loopback(host); i++)
        found = find(dir, any[i], colon + 1, ret);
    free(host);
    free(dir);
    return found;
}
