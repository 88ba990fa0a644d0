/* SPDX-License-Identifier: BSD-2-Clause */
/* The QEMU command line, the accelerator and the kinds of images. */
#include "accel.h"
#include "cmdline.h"
#include "support.h"
#include <elf.h>
#include <stdio.h>

#define DIRECT_64M                                                                        \
    "qemu-system-x86_64 -name demo -accel tcg -cpu max -machine q35,memory-backend=boot " \
    "-smp 1 -m 65536K -object memory-backend-ram,id=boot,size=65536K,reserve=off "        \
    "-nodefaults -display none -qmp unix:/run/neap/demo/qmp,server=on,wait=off "          \
    "-serial mon:stdio -device isa-debug-exit,iobase=0xf4,iosize=4 "                      \
    "-device virtio-balloon-pci,id=balloon0,free-page-reporting=on,deflate-on-oom=on "    \
    "-kernel /images/a.elf -append quiet test=*"

static struct guest demo(void)
{
    return (struct guest){
        .name = "demo",
        .folder = "/run/neap/demo",
        .image = "/images/a.elf",
        .accel = "tcg",
        .memory = 64 * MIB,
        .max = 64 * MIB,
    };
}

static const struct run_options plain = {
    .qemu = "qemu-system-x86_64",
    .append = "quiet test=*",
    .kind = IMAGE_ELF,
    .cpus = 1,
};

static const char *join(const struct guest *guest, const struct run_options *options)
{
    static char line[4096];
    struct words words;

    line[0] = '\0';
    cmdline_build(guest, options, &words);
    CHECK(words.word[words.count] == NULL);
    for (unsigned i = 0; i < words.count; i++) {
        strcat(line, i ? " " : "");
        strcat(line, words.word[i]);
    }
    words_free(&words);
    return line;
}

TEST(cmdline_of_a_fixed_guest)
{
    struct guest guest = demo();

    CHECK_TEXT(join(&guest, &plain), DIRECT_64M);
}

TEST(cmdline_lets_a_guest_grow)
{
    struct guest guest = demo();
    const char *line;

    guest.max = 8 * GIB;
    line = join(&guest, &plain);
    CHECK_CONTAINS(line, " -m 65536K,maxmem=8388608K ");
    CHECK_CONTAINS(line, " -object memory-backend-ram,id=elastic,size=8323072K,reserve=off ");
    CHECK_CONTAINS(line, " -device virtio-mem-pci,id=vmem0,memdev=elastic,requested-size=0,"
                         "block-size=2048K,unplugged-inaccessible=on ");
}

TEST(cmdline_of_a_detached_iso_with_net)
{
    struct run_options options = plain;
    struct guest guest = demo();
    const char *line;

    guest.detached = true;
    strcpy(guest.accel, "kvm");
    strcpy(guest.image, "/images/a.iso");
    options.kind = IMAGE_ISO;
    options.append = NULL;
    options.network.kind = NETWORK_USER;
    options.cpus = 4;
    line = join(&guest, &options);
    CHECK_CONTAINS(line, " -accel kvm ");
    CHECK_CONTAINS(line, " -smp 4 ");
    CHECK_CONTAINS(line, " -chardev pipe,id=console,path=/run/neap/demo/console "
                         "-serial chardev:console ");
    CHECK_CONTAINS(line, " -netdev user,id=net0 -device virtio-net-pci,");
    CHECK_CONTAINS(line, " -cdrom /images/a.iso");
    CHECK(strstr(line, "-append") == NULL && strstr(line, "-kernel") == NULL);
    CHECK(strstr(line, "mon:stdio") == NULL);
}

TEST(cmdline_doubles_commas_in_lists_only)
{
    struct guest guest = demo();

    strcpy(guest.folder, "/run/a,b");
    strcpy(guest.image, "/c,d.elf");
    CHECK_CONTAINS(join(&guest, &plain), " unix:/run/a,,b/qmp,server=on");
    CHECK_CONTAINS(join(&guest, &plain), " -kernel /c,d.elf ");
}

TEST(accel_needs_a_whole_word)
{
    CHECK(accel_in_cpuinfo("flags\t\t: fpu vmx smx\n"));
    CHECK(accel_in_cpuinfo("flags\t\t: fpu svm"));
    CHECK(accel_in_cpuinfo("features\t: esan3 zarch sie\n"));
    CHECK(!accel_in_cpuinfo("flags\t\t: fpu svm_lock nosvm vmxx\n"));
    CHECK(accel_in_cpuinfo("flags\t\t: svm_lock svm\n"));
    CHECK(!accel_in_cpuinfo("siesta\n"));
    CHECK(!accel_in_cpuinfo(""));
}

static int check_elf(uint16_t machine, uint8_t class, uint16_t type, struct error *error)
{
    Elf64_Ehdr header = {.e_ident = ELFMAG, .e_machine = machine, .e_type = type};
    enum image_kind kind = IMAGE_ISO;
    int result;

    header.e_ident[EI_CLASS] = class;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    result = image_check(write_file("image", &header, sizeof(header)), &kind, error);
    CHECK(result || kind == IMAGE_ELF);
    return result;
}

TEST(image_is_told_by_its_content)
{
    static char iso[40000];
    enum image_kind kind = IMAGE_ELF;
    struct error error;

    runtime_folder();
    CHECK_EQ(check_elf(EM_X86_64, ELFCLASS64, ET_EXEC, &error), 0);
    CHECK_EQ(check_elf(EM_S390, ELFCLASS64, ET_EXEC, &error), -1);
    CHECK_CONTAINS(error.text, "not for x86_64");
    CHECK_EQ(check_elf(EM_X86_64, ELFCLASS32, ET_EXEC, &error), -1);
    CHECK_EQ(check_elf(EM_X86_64, ELFCLASS64, ET_DYN, &error), -1);
    memcpy(iso + 32769, "CD001", 5);
    CHECK_EQ(image_check(write_file("image", iso, sizeof(iso)), &kind, &error), 0);
    CHECK_EQ(kind, IMAGE_ISO);
    CHECK_EQ(image_check(write_file("image", "text", 4), &kind, &error), -1);
    CHECK_CONTAINS(error.text, "neither");
    CHECK_EQ(image_check("/nowhere/a.elf", &kind, &error), -1);
    CHECK_CONTAINS(error.text, "`make` builds");
}
