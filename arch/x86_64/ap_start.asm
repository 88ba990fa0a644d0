; SPDX-License-Identifier: BSD-2-Clause
;
; The first instructions of a secondary CPU. x86_ap_start .. x86_ap_start_end is copied to a page
; below 1 MiB, where the start-up interrupt begins in real mode. The boot page tables carry the
; CPU over into the image; it leaves them in x86_ap_main().

IMAGE_BASE      equ 0xffffffff80000000
SELECTOR_DATA   equ 0x10
SELECTOR_CODE32 equ 0x18

%define PHYS(symbol) (symbol - IMAGE_BASE)

global x86_ap_start, x86_ap_start_end
global x86_ap_ticket, x86_ap_root, x86_ap_stack, x86_ap_cpu
extern long_mode_enter, boot_gdt, x86_ap_main

section .data progbits alloc noexec write align=8
; Set by the boot CPU for the one CPU that it is starting (smp.c).
x86_ap_root:   dq 0                     ; physical, of the kernel's page tables
x86_ap_stack:  dq 0
x86_ap_cpu:    dq 0
x86_ap_ticket: dd 0                     ; 0x100 + APIC id; 0: nobody may come

section .bss nobits alloc noexec write align=8
; long_mode_enter needs two words of stack before the CPU has its own.
ap_scratch:     resb 16
ap_scratch_top:

section .rodata progbits alloc noexec nowrite align=8
bits 16
x86_ap_start:
    cli
    cld
    mov ax, cs
    mov ds, ax
    o32 lgdt [.gdt_pointer - x86_ap_start]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword SELECTOR_CODE32:PHYS(ap_start32)
align 4
.gdt_pointer:
    dw 4 * 8 - 1
    dd PHYS(boot_gdt)
x86_ap_start_end:


section .text progbits alloc exec nowrite align=16
bits 32
ap_start32:
    mov eax, SELECTOR_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax

    ; A CPU that answers after the boot CPU gave up on it finds another ticket, and stops.
    mov eax, 1
    cpuid
    shr ebx, 24                         ; APIC id, its low eight bits
    or ebx, 0x100
    mov eax, ebx
    xor ecx, ecx
    lock cmpxchg [PHYS(x86_ap_ticket)], ecx
    jne .stop

    mov esp, PHYS(ap_scratch_top)
    mov ebp, PHYS(ap_start64)
    jmp long_mode_enter
.stop:
    cli
    hlt
    jmp .stop

bits 64
ap_start64:
    mov rax, qword .high
    jmp rax
.high:
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov rax, [rel x86_ap_root]          ; the stack is mapped in the kernel's tables only
    mov cr3, rax
    mov rsp, [rel x86_ap_stack]
    mov rdi, [rel x86_ap_cpu]
    xor ebp, ebp                        ; backtraces end here
    push rbp
    push rbp
    call x86_ap_main                    ; (cpu)
    ud2
