/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, for compilers without a fuzzer. Prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder, const char *name)
{
    char path[4096];
    static uint8_t buffer[FILE_MAX];
    uint8_t *data;
    FILE *file;
    size_t size;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    size = fread(buffer, 1, sizeof(buffer), file);
    fclose(file);
    /* Exactly as large as the input, so that a sanitizer sees a read beyond it. */
    data = malloc(size);
    if (data == NULL && size > 0)
        return -1;
    if (size > 0)
        memcpy(data, buffer, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    struct dirent *entry;
    unsigned count = 0;
    DIR *folder;

    if (argc != 2 || (folder = opendir(argv[1])) == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        printf("%sok %u - %s\n", replay(argv[1], entry->d_name) == 0 ? "" : "not ", count,
               entry->d_name);
    }
    closedir(folder);
    printf("1..%u\n", count);
    return count > 0 ? 0 : 1;
}
