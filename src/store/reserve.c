#include "store/reserve.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESERVE_BYTES = 1 << 20 };

static void path_of(const char *dir, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/reserve", dir);
}

void reserve_keep(const char *dir)
{
    char path[PATH_MAX];
    struct stat st;
    path_of(dir, path);
    if (stat(path, &st) == 0 && st.st_blocks * 512 >= RESERVE_BYTES)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool made = posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
    close(fd);
    if (!made)
        unlink(path);
}

bool reserve_release(const char *dir)
{
    char path[PATH_MAX];
    path_of(dir, path);
    return unlink(path) == 0;
}
