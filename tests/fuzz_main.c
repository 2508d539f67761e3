/* fuzz_main.c - runs a fuzz target over files instead of under libFuzzer.
 *
 * usage: X_fuzz [FILE-OR-FOLDER ...]; a folder that does not exist is an empty one. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    static uint8_t bytes[1 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    uint8_t *copy = malloc(n ? n : 1); /* its own block, so that a read past the end is seen */
    if (!copy)
        return 0;
    for (size_t i = 0; i < n; i++)
        copy[i] = bytes[i];
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return 1;
}

static int run_path(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return run_file(path);
    int n = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        char child[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        n += run_file(child);
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        n += run_path(argv[i]);
    printf("%d inputs\n", n);
    return 0;
}
