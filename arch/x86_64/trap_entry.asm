; SPDX-License-Identifier: BSD-2-Clause
;
; Where the CPU arrives at traps and interrupts: one stub per vector, one common path that builds
; struct trap_frame (x86.h), and a path of its own for what can come between any two instructions.

global x86_trap_stubs
extern x86_trap_dispatch

STUB_SIZE       equ 16
MSR_GS_BASE     equ 0xc0000101

section .text progbits alloc exec nowrite align=16
bits 64

; The CPU pushes an error code for 8, 10-14, 17, 21, 29 and 30; the others get a zero.
%macro STUB 1
    align STUB_SIZE
    %if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30
    %else
    push 0
    %endif
    push %1
    %if %1 = 2 || %1 = 8 || %1 = 18
    jmp near trap_paranoid
    %else
    jmp near trap_common
    %endif
%endmacro

align STUB_SIZE
x86_trap_stubs:
%assign vector 0
%rep 256
    STUB vector
    %assign vector vector + 1
%endrep

%macro SAVE_REGISTERS 0
    cld
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    ; A link for backtraces: the interrupted function with its frame pointer.
    push qword [rdi + 17 * 8]
    push rbp
    mov rbp, rsp
%endmacro

align 16
trap_common:
    test byte [rsp + 3 * 8], 3          ; from ring 3 the GS base is not the kernel's
    jz .kernel
    swapgs
.kernel:
    SAVE_REGISTERS
    call x86_trap_dispatch              ; (frame)
trap_return:
    add rsp, 2 * 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    test byte [rsp + 3 * 8], 3
    jz .to_kernel
    swapgs
.to_kernel:
    add rsp, 2 * 8                      ; vector and error code
    iretq

; NMI, double fault and machine check can come just before or after a swapgs, so the GS base itself
; must say whose it is (the kernel's is in the upper half). They end the machine, or they go on at a
; place in the kernel that expects a trap: either way with the kernel's GS base.
align 16
trap_paranoid:
    SAVE_REGISTERS
    mov ecx, MSR_GS_BASE
    rdmsr
    test edx, edx
    js .kernel
    swapgs
.kernel:
    call x86_trap_dispatch
    jmp trap_return
