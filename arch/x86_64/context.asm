; SPDX-License-Identifier: BSD-2-Clause
;
; Changing the stack: from thread to thread, back out of an expected trap, and to ring 3.

global arch_context_switch, x86_context_start
global x86_expect_call, x86_expect_landing, x86_user_call
global arch_safe_read, arch_safe_read_access, arch_safe_read_failed

CONTEXT_RSP     equ 0                   ; struct arch_context
CONTEXT_FPU     equ 16
USER_CODE       equ 0x20 | 3
USER_DATA       equ 0x18 | 3

%macro SAVE_CALLEE 0
    push rbp
    mov rbp, rsp
    push rbx
    push r12
    push r13
    push r14
    push r15
%endmacro

%macro RESTORE_CALLEE 0
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
%endmacro

section .text progbits alloc exec nowrite align=16
bits 64

; void arch_context_switch(struct arch_context *prev, struct arch_context *next)
arch_context_switch:
    SAVE_CALLEE
    fxsave64 [rdi + CONTEXT_FPU]
    mov [rdi + CONTEXT_RSP], rsp
    mov rsp, [rsi + CONTEXT_RSP]
    fxrstor64 [rsi + CONTEXT_FPU]
    RESTORE_CALLEE
    ret

; A new thread's first switch returns here, with what arch_context_init() left in registers.
x86_context_start:
    mov rdi, r13                        ; arg
    call r12                            ; entry
    ud2

; int x86_expect_call(void (*fn)(void *), void *arg, uint64_t *stack)
; Returns -1, or the vector of the trap that ended fn: the dispatcher then continues at
; x86_expect_landing with *stack as the stack pointer.
x86_expect_call:
    SAVE_CALLEE
    sub rsp, 8
    mov [rdx], rsp
    mov rax, rdi
    mov rdi, rsi
    call rax
    mov eax, -1
x86_expect_landing:
    add rsp, 8
    RESTORE_CALLEE
    ret

; int x86_user_call(uintptr_t pc, uintptr_t sp, uint64_t *stack)
; Run code in ring 3, interrupts off, until it traps; comes back as x86_expect_call does.
x86_user_call:
    SAVE_CALLEE
    sub rsp, 8
    mov [rdx], rsp
    push USER_DATA
    push rsi
    push 2                              ; RFLAGS: nothing but the bit that is always set
    push USER_CODE
    push rdi
    swapgs
    iretq

; bool arch_safe_read(uintptr_t address, uint64_t *value): false where a read would trap.
arch_safe_read:
arch_safe_read_access:
    mov rax, [rdi]
    mov [rsi], rax
    mov eax, 1
    ret
arch_safe_read_failed:
    xor eax, eax
    ret
