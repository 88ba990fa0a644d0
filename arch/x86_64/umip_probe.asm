; SPDX-License-Identifier: BSD-2-Clause
;
; The five instructions that UMIP guards, in every form: once as a function for ring 0, once as
; code to be copied to a page of ring 3, which comes back by its own vector.

VECTOR_USER_RETURN equ 0xe0             ; x86.h

section .text progbits alloc exec nowrite align=16
bits 64

%macro PROBE 2+
global x86_probe_kernel_%1, x86_probe_user_%1, x86_probe_user_%1_end
x86_probe_kernel_%1:
    sub rsp, 24
    %2
    add rsp, 24
    ret
x86_probe_user_%1:
    %2
    int VECTOR_USER_RETURN
x86_probe_user_%1_end:
%endmacro

    PROBE sgdt, sgdt [rsp]
    PROBE sidt, sidt [rsp]
    PROBE sldt_register, sldt eax
    PROBE sldt_memory, sldt [rsp]
    PROBE str_register, str eax
    PROBE str_memory, str [rsp]
    PROBE smsw_register, smsw eax
    PROBE smsw_memory, smsw [rsp]
