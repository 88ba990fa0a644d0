/* SPDX-License-Identifier: BSD-2-Clause */
/* What an image file is, by its content. */
#include "image.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ISO_MAGIC        "CD001"
#define ISO_MAGIC_OFFSET 32769

static int check_elf(const char *path, const Elf64_Ehdr *header, struct error *error)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return error_set(error, "%s is an ELF file, but not for x86_64", path);
    if (header->e_type != ET_EXEC)
        return error_set(error,
                         "%s is an ELF file, but no kernel: give "
                         "build/x86_64/neap-APP.elf",
                         path);
    return 0;
}

int image_check(const char *path, enum image_kind *kind, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char magic[sizeof(ISO_MAGIC) - 1];
    Elf64_Ehdr header;
    int result;

    if (fd < 0)
        return error_set(error, "%s: %s: `make` builds build/x86_64/neap-shell.elf", path,
                         strerror(errno));
    if (pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
        memcmp(header.e_ident, ELFMAG, SELFMAG) == 0) {
        *kind = IMAGE_ELF;
        result = check_elf(path, &header, error);
    } else if (pread(fd, magic, sizeof(magic), ISO_MAGIC_OFFSET) == sizeof(magic) &&
               memcmp(magic, ISO_MAGIC, sizeof(magic)) == 0) {
        *kind = IMAGE_ISO;
        result = 0;
    } else {
        result = error_set(error,
                           "%s is neither an ELF image nor an ISO: give "
                           "build/x86_64/neap-APP.elf or .iso",
                           path);
    }
    close(fd);
    return result;
}
