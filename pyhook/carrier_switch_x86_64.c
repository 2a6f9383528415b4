// Switch for x86-64 Linux: 8 saved words, two control words, and the FS base that names the thread.
// SPDX-License-Identifier: Apache-2.0
#include "carrier_switch.h"

#ifdef CARRIER_SWITCH_EXISTS

// System V ABI: rbx, rbp, r12 to r15, the SSE control bits and the x87 control word belong to the
// caller. The stack, the FS base: see carrier_switch.h. rdi, rsi, rdx are the arguments.
__asm__(".pushsection .text, \"ax\", @progbits\n"
        ".hidden carrier_switch\n"
        ".globl carrier_switch\n"
        ".type carrier_switch, @function\n"
        "carrier_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    subq $8, %rsp\n"
        "    stmxcsr (%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    wrfsbase %rdx\n"
        "    ldmxcsr (%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size carrier_switch, .-carrier_switch\n"
        ".popsection\n");

void *carrier_switch_prepare(void *top, void (*entry)(void)) {
    uint64_t *word = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15);
    *--word = 0;  // where entry would return to; makes the stack aligned as after a call
    *--word = (uint64_t)(uintptr_t)entry;
    for (int i = 0; i < 6; i++)
        *--word = 0;
    uint32_t sse;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(sse), "=m"(x87));
    *--word = (uint64_t)x87 << 32 | sse;
    return word;
}

uint64_t carrier_switch_fs_base(void) {
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

#endif
