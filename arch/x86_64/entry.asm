; SPDX-License-Identifier: BSD-2-Clause
;
; Entry from a boot loader: 32-bit protected mode, no paging. Both protocols end in x86_boot().
;   multiboot2 (GRUB):      eax = magic, ebx = boot information
;   PVH (QEMU's -kernel):   ebx = start information
; Secondary CPUs come through ap_start.asm and join at long_mode_enter.

IMAGE_BASE      equ 0xffffffff80000000
PVH_MAGIC       equ 0x336ec578          ; as in the start information
PAGE_TABLE      equ 0x3                 ; present, writable
PAGE_LARGE      equ 0x83                ; present, writable, 2 MiB
STACK_SIZE      equ 16 * 1024           ; THREAD_STACK_SIZE
SELECTOR_CODE   equ 0x08
SELECTOR_DATA   equ 0x10

%define PHYS(symbol) (symbol - IMAGE_BASE)

global multiboot2_entry, pvh_entry
global long_mode_enter, boot_gdt, boot_stack_guard
extern x86_boot

section .multiboot2 progbits alloc noexec nowrite align=8
multiboot2_header:
    dd 0xe85250d6
    dd 0                                ; i386 protected mode
    dd .end - multiboot2_header
    dd -(0xe85250d6 + (.end - multiboot2_header)) & 0xffffffff
    dw 0, 0                             ; end tag
    dd 8
.end:

; QEMU reads eight bytes behind the name, so the entry is stored as a quadword.
section .note.Xen note alloc noexec nowrite align=4
    dd 4, 8, 18                         ; sizes of name and value, XEN_ELFNOTE_PHYS32_ENTRY
    db "Xen", 0
    dq PHYS(pvh_entry)

section .bss.page_aligned nobits alloc noexec write align=4096
boot_pml4:        resb 4096
boot_pdpt:        resb 4096
boot_pds:         resb 4 * 4096
boot_stack_guard: resb 4096             ; unmapped once the final tables are active
boot_stack:       resb STACK_SIZE
boot_stack_top:

section .rodata progbits alloc noexec nowrite align=8
align 8
boot_gdt:
    dq 0
    dq 0x00af9b000000ffff               ; 0x08: 64-bit code
    dq 0x00cf93000000ffff               ; 0x10: data
    dq 0x00cf9b000000ffff               ; 0x18: 32-bit code, for secondary CPUs
boot_gdt_pointer:
    dw boot_gdt_pointer - boot_gdt - 1
    dd PHYS(boot_gdt)
no_long_mode:
    db 13, 10, "neap: this CPU lacks 64-bit mode or no-execute pages; use a newer -cpu model", 13, 10, 0

section .text progbits alloc exec nowrite align=16
bits 32

multiboot2_entry:
    mov esi, eax
    rdtsc                               ; the kernel's clock starts here
    jmp boot32

pvh_entry:
    rdtsc
    mov esi, PVH_MAGIC

; esi = protocol, ebx = its information, edx:eax = time stamp
boot32:
    cli
    cld
    mov esp, PHYS(boot_stack_top)
    push edx
    push eax
    push ebx
    push esi

    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb refuse
    mov eax, 0x80000001
    cpuid
    and edx, 1 << 29 | 1 << 20          ; long mode, NX
    cmp edx, 1 << 29 | 1 << 20
    jne refuse

    ; Physical 0..4 GiB in 2 MiB pages.
    mov edi, PHYS(boot_pds)
    mov eax, PAGE_LARGE
.fill:
    mov [edi], eax                      ; the upper half stays 0
    add edi, 8
    add eax, 0x200000
    jnc .fill

    ; One third-level table serves all three views: identity and direct map (entries 0..3) and
    ; the image at -2 GiB (entry 510).
    mov edi, PHYS(boot_pdpt)
    mov eax, PHYS(boot_pds) + PAGE_TABLE
    mov [edi + 510 * 8], eax
    mov ecx, 4
.share:
    mov [edi], eax
    add edi, 8
    add eax, 4096
    loop .share

    mov edi, PHYS(boot_pml4)
    mov eax, PHYS(boot_pdpt) + PAGE_TABLE
    mov [edi], eax                      ; identity
    mov [edi + 256 * 8], eax            ; DIRECT_MAP_BASE
    mov [edi + 511 * 8], eax            ; IMAGE_BASE

    lgdt [PHYS(boot_gdt_pointer)]
    pop edi                             ; protocol
    pop esi                             ; information
    mov ebp, PHYS(boot64)

; Switch to 64-bit mode and continue at the physical address in ebp; keeps esi, edi, esp.
long_mode_enter:
    mov eax, 1 << 5 | 1 << 9 | 1 << 10  ; CR4: PAE, OSFXSR, OSXMMEXCPT
    mov cr4, eax
    mov eax, PHYS(boot_pml4)
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER
    rdmsr
    or eax, 1 << 8 | 1 << 11            ; LME, NXE
    wrmsr
    ; CR0: PG, WP, NE, ET, MP, PE. EM and TS off: SSE works; CD and NW off: caches on.
    mov eax, 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1 << 0
    mov cr0, eax
    push dword SELECTOR_CODE
    push ebp
    retf

; Tell the person on the serial line, then stop.
refuse:
    mov esi, PHYS(no_long_mode)
.next:
    lodsb
    test al, al
    jz .halt
    mov ah, al
    mov ecx, 100000                     ; an absent port must not hang us
    mov dx, 0x3fd
.wait:
    in al, dx
    test al, 0x20
    loopz .wait
    mov dx, 0x3f8
    mov al, ah
    out dx, al
    jmp .next
.halt:
    hlt
    jmp .halt

bits 64
boot64:
    mov edi, edi                        ; the upper halves are undefined after the switch
    mov esi, esi
    mov esp, esp
    mov rax, qword .high
    jmp rax
.high:
    mov eax, SELECTOR_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    pop rdx                             ; time stamp: the two halves pushed in 32-bit mode
    mov rsp, boot_stack_top
    xor ebp, ebp                        ; backtraces end here
    push rbp
    push rbp
    call x86_boot                       ; (protocol, information, time stamp)
    ud2
