// Statements and expressions of a .prog text, compiled into instructions.
// SPDX-License-Identifier: Apache-2.0
#include "compile.h"

#include <string.h>

uint32_t compile_emit(struct parser *p, struct instruction instruction) {
    if (p->program->code_count == PROGRAM_CODE)
        parse_fail(p, "a shorter program");
    instruction.line = (uint16_t)p->line;
    p->program->code[p->program->code_count] = instruction;
    return p->program->code_count++;
}

static uint8_t new_register(struct parser *p) {
    if (p->registers == PROGRAM_REGISTERS)
        parse_fail(p, "fewer locals or a simpler expression");
    return (uint8_t)p->registers++;
}

static uint8_t compile_expression(struct parser *p);

static uint8_t constant(struct parser *p, int64_t value) {
    uint8_t dst = new_register(p);
    compile_emit(p, (struct instruction){.opcode = OPC_SET, .dst = dst, .imm = (int32_t)value});
    return dst;
}

// NAME or NAME[expr], naming a shared object or a lock: base, size and index register.
static struct instruction compile_object(struct parser *p, enum symbol_kind kind) {
    struct symbol *symbol = p->lexer.is_name ? parse_find(p, p->lexer.word) : NULL;
    if (symbol == NULL || symbol->kind != kind)
        parse_fail(p, kind == SYMBOL_LOCK ? "a lock" : "a shared variable");
    struct instruction i = {.base = (uint16_t)symbol->value, .size = symbol->size};
    lexer_next(&p->lexer);
    if (parse_accept(p, "[")) {
        i.index = compile_expression(p);
        parse_expect(p, "]");
    } else {
        i.index = constant(p, 0);
    }
    return i;
}

static uint8_t emit_object(struct parser *p, struct instruction i, uint8_t opcode) {
    i.opcode = opcode;
    i.dst = new_register(p);
    compile_emit(p, i);
    return i.dst;
}

// cas(x, expected, new), add(x, delta): the answer is whether it succeeded, or the old value.
static uint8_t compile_update(struct parser *p, uint8_t opcode) {
    parse_expect(p, "(");
    struct instruction i = compile_object(p, SYMBOL_SHARED);
    parse_expect(p, ",");
    i.src = compile_expression(p);
    if (opcode == OPC_CAS) {
        parse_expect(p, ",");
        i.other = compile_expression(p);
    }
    parse_expect(p, ")");
    return emit_object(p, i, opcode);
}

static uint8_t compile_call(struct parser *p, uint8_t opcode, enum symbol_kind kind) {
    parse_expect(p, "(");
    struct instruction i = compile_object(p, kind);
    parse_expect(p, ")");
    return emit_object(p, i, opcode);
}

// acquire(m, e): with a timeout.
static uint8_t compile_timed_acquire(struct parser *p) {
    parse_expect(p, "(");
    struct instruction i = compile_object(p, SYMBOL_LOCK);
    parse_expect(p, ",");
    i.wait = compile_expression(p);
    parse_expect(p, ")");
    return emit_object(p, i, OPC_ACQUIRE_FOR);
}

static uint16_t compile_thread(struct parser *p) {
    struct symbol *symbol = p->lexer.is_name ? parse_find(p, p->lexer.word) : NULL;
    if (symbol == NULL || symbol->kind != SYMBOL_THREAD)
        parse_fail(p, "a thread named above");
    if (symbol->size != 1)
        parse_fail(p, "one thread, not several or none");
    lexer_next(&p->lexer);
    return (uint16_t)symbol->value;
}

static uint8_t compile_timed_join(struct parser *p) {
    parse_expect(p, "(");
    struct instruction i = {.base = compile_thread(p)};
    parse_expect(p, ",");
    i.wait = compile_expression(p);
    parse_expect(p, ")");
    return emit_object(p, i, OPC_JOIN_FOR);
}

static uint8_t compile_now(struct parser *p) {
    parse_expect(p, "(");
    parse_expect(p, ")");
    uint8_t dst = new_register(p);
    compile_emit(p, (struct instruction){.opcode = OPC_NOW, .dst = dst});
    return dst;
}

// spin(x), or with a timeout.
static uint8_t compile_spin(struct parser *p) {
    parse_expect(p, "(");
    struct instruction i = compile_object(p, SYMBOL_SHARED);
    bool is_timed = parse_accept(p, ",");
    if (is_timed)
        i.wait = compile_expression(p);
    parse_expect(p, ")");
    return emit_object(p, i, is_timed ? OPC_SPIN_FOR : OPC_SPIN);
}

static uint8_t compile_name(struct parser *p) {
    struct symbol *symbol = parse_find(p, p->lexer.word);
    if (symbol == NULL)
        parse_fail(p, "a name known here");
    if (symbol->kind == SYMBOL_SHARED)
        return emit_object(p, compile_object(p, SYMBOL_SHARED), OPC_READ);
    if (symbol->kind != SYMBOL_CONST && symbol->kind != SYMBOL_LOCAL)
        parse_fail(p, "a value");
    lexer_next(&p->lexer);
    if (symbol->kind == SYMBOL_CONST)
        return constant(p, symbol->value);
    return (uint8_t)symbol->value;
}

static uint8_t compile_atom(struct parser *p) {
    if (++p->depth > DEPTH_MAX)
        parse_fail(p, "a less deeply nested expression");
    uint8_t dst;
    if (p->lexer.is_number) {
        dst = constant(p, p->lexer.number);
        lexer_next(&p->lexer);
    } else if (parse_accept(p, "(")) {
        dst = compile_expression(p);
        parse_expect(p, ")");
    } else if (parse_accept(p, "!")) {
        uint8_t src = compile_atom(p);
        dst = new_register(p);
        compile_emit(p, (struct instruction){.opcode = OPC_NOT, .dst = dst, .src = src});
    } else if (parse_accept(p, "cas")) {
        dst = compile_update(p, OPC_CAS);
    } else if (parse_accept(p, "add")) {
        dst = compile_update(p, OPC_ADD);
    } else if (parse_accept(p, "try")) {
        dst = compile_call(p, OPC_TRY, SYMBOL_LOCK);
    } else if (parse_accept(p, "weak")) {
        dst = compile_call(p, OPC_READ_WEAK, SYMBOL_SHARED);
    } else if (parse_accept(p, "spin")) {
        dst = compile_spin(p);
    } else if (parse_accept(p, "acquire")) {
        dst = compile_timed_acquire(p);
    } else if (parse_accept(p, "join")) {
        dst = compile_timed_join(p);
    } else if (parse_accept(p, "now")) {
        dst = compile_now(p);
    } else if (p->lexer.is_name) {
        dst = compile_name(p);
    } else {
        parse_fail(p, "a value");
    }
    p->depth--;
    return dst;
}

// Operators by level, loosest first; both sides are always evaluated.
static const struct {
    const char *word;
    uint8_t level;
    char operator;
} operators[] = {{"||", 0, '|'}, {"&&", 1, '&'}, {"==", 2, '='}, {"!=", 2, '!'},
                 {"<", 2, '<'},  {">", 2, '>'},  {"<=", 2, 'l'}, {">=", 2, 'g'},
                 {"+", 3, '+'},  {"-", 3, '-'},  {"*", 4, '*'},  {"%", 4, '%'}};
enum { OPERATORS = sizeof operators / sizeof *operators, LEVELS = 5 };

static uint8_t compile_level(struct parser *p, uint8_t level) {
    if (level == LEVELS)
        return compile_atom(p);
    uint8_t left = compile_level(p, level + 1);
    for (uint32_t k = 0; k < OPERATORS; k++) {
        if (operators[k].level != level || !parse_accept(p, operators[k].word))
            continue;
        uint8_t right = compile_level(p, level + 1);
        uint8_t dst = new_register(p);
        compile_emit(p, (struct instruction){.opcode = OPC_CALC,
                                             .dst = dst,
                                             .src = left,
                                             .other = right,
                                             .imm = operators[k].operator});
        left = dst;
        k = UINT32_MAX;  // look again from the first operator
    }
    return left;
}

static uint8_t compile_expression(struct parser *p) {
    return compile_level(p, 0);
}

static void compile_statement(struct parser *p);

static void patch(struct parser *p, uint32_t at) {
    p->program->code[at].imm = (int32_t)p->program->code_count;
}

static void compile_if(struct parser *p) {
    parse_expect(p, "(");
    uint8_t condition = compile_expression(p);
    parse_expect(p, ")");
    uint32_t skip =
        compile_emit(p, (struct instruction){.opcode = OPC_JUMP_IF_ZERO, .src = condition});
    compile_statement(p);
    if (!parse_accept(p, "else")) {
        patch(p, skip);
        return;
    }
    uint32_t end = compile_emit(p, (struct instruction){.opcode = OPC_JUMP});
    patch(p, skip);
    compile_statement(p);
    patch(p, end);
}

static void compile_while(struct parser *p) {
    uint32_t first_break = p->break_count;
    bool outer = p->in_loop;
    p->in_loop = true;
    uint32_t top = p->program->code_count;
    parse_expect(p, "(");
    uint8_t condition = compile_expression(p);
    parse_expect(p, ")");
    uint32_t leave =
        compile_emit(p, (struct instruction){.opcode = OPC_JUMP_IF_ZERO, .src = condition});
    compile_statement(p);
    compile_emit(p, (struct instruction){.opcode = OPC_JUMP, .imm = (int32_t)top});
    patch(p, leave);
    while (p->break_count > first_break)
        patch(p, p->breaks[--p->break_count]);
    p->in_loop = outer;
}

static void compile_break(struct parser *p) {
    if (!p->in_loop || p->break_count == BREAKS_MAX)
        parse_fail(p, "break inside a while, and not too many of them");
    p->breaks[p->break_count++] = compile_emit(p, (struct instruction){.opcode = OPC_JUMP});
    parse_expect(p, ";");
}

static void compile_thread_op(struct parser *p, uint8_t opcode) {
    uint16_t thread = compile_thread(p);
    if (opcode == OPC_SPAWN && !p->program->late[thread])
        parse_fail(p, "a late thread");
    compile_emit(p, (struct instruction){.opcode = opcode, .base = thread});
    parse_expect(p, ";");
}

static void compile_lock_op(struct parser *p, uint8_t opcode) {
    struct instruction i = compile_object(p, SYMBOL_LOCK);
    i.opcode = opcode;
    compile_emit(p, i);
    parse_expect(p, ";");
}

// x = e; for a shared x is a write, for any other name a local, made by its first assignment.
static void compile_assignment(struct parser *p) {
    struct symbol *symbol = parse_find(p, p->lexer.word);
    if (symbol == NULL) {
        symbol = parse_add(p, SYMBOL_LOCAL, p->lexer.word);
        symbol->value = new_register(p);
    }
    if (symbol->kind == SYMBOL_LOCAL) {
        lexer_next(&p->lexer);
        parse_expect(p, "=");
        uint8_t src = compile_expression(p);
        compile_emit(
            p, (struct instruction){.opcode = OPC_MOVE, .dst = (uint8_t)symbol->value, .src = src});
    } else {
        struct instruction i = compile_object(p, SYMBOL_SHARED);
        parse_expect(p, "=");
        i.src = compile_expression(p);
        i.opcode = OPC_WRITE;
        compile_emit(p, i);
    }
    parse_expect(p, ";");
}

// weakadd(x, delta);
static void compile_weak_add(struct parser *p) {
    parse_expect(p, "(");
    struct instruction i = compile_object(p, SYMBOL_SHARED);
    parse_expect(p, ",");
    i.src = compile_expression(p);
    i.opcode = OPC_WRITE_WEAK;
    compile_emit(p, i);
    parse_expect(p, ")");
    parse_expect(p, ";");
}

static void compile_sleep(struct parser *p) {
    struct instruction i = {.opcode = OPC_SLEEP, .wait = compile_expression(p)};
    compile_emit(p, i);
    parse_expect(p, ";");
}

// acquire m; join t; wait as long as it takes, acquire(m, e); join(t, e); do not.
static void compile_wait(struct parser *p, bool is_join) {
    if (lexer_is(&p->lexer, "(")) {
        if (is_join)
            compile_timed_join(p);
        else
            compile_timed_acquire(p);
        parse_expect(p, ";");
    } else if (is_join) {
        compile_thread_op(p, OPC_JOIN);
    } else {
        compile_lock_op(p, OPC_ACQUIRE);
    }
}

static void compile_statement(struct parser *p) {
    static const char *const calls[] = {"cas", "add", "try", "weak", "spin"};
    if (++p->depth > DEPTH_MAX)
        parse_fail(p, "less deeply nested statements");
    p->line = p->lexer.line;
    // Temporaries live for one statement; a local made in it keeps its register.
    uint32_t locals = p->symbol_count;
    uint32_t before = p->registers;
    bool is_call = false;
    for (uint32_t i = 0; i < sizeof calls / sizeof *calls; i++)
        is_call |= lexer_is(&p->lexer, calls[i]);
    if (lexer_is(&p->lexer, "{"))
        compile_block(p);
    else if (parse_accept(p, "if"))
        compile_if(p);
    else if (parse_accept(p, "while"))
        compile_while(p);
    else if (parse_accept(p, "break"))
        compile_break(p);
    else if (parse_accept(p, "acquire"))
        compile_wait(p, false);
    else if (parse_accept(p, "release"))
        compile_lock_op(p, OPC_RELEASE);
    else if (parse_accept(p, "spawn"))
        compile_thread_op(p, OPC_SPAWN);
    else if (parse_accept(p, "join"))
        compile_wait(p, true);
    else if (parse_accept(p, "sleep"))
        compile_sleep(p);
    else if (parse_accept(p, "weakadd"))
        compile_weak_add(p);
    else if (parse_accept(p, "assert")) {
        uint8_t src = compile_expression(p);
        compile_emit(p, (struct instruction){.opcode = OPC_ASSERT, .src = src});
        parse_expect(p, ";");
    } else if (is_call) {
        compile_expression(p);
        parse_expect(p, ";");
    } else if (p->lexer.is_name)
        compile_assignment(p);
    else
        parse_fail(p, "a statement");
    if (p->symbol_count == locals)
        p->registers = before;
    p->depth--;
}

void compile_block(struct parser *p) {
    parse_expect(p, "{");
    while (!parse_accept(p, "}"))
        compile_statement(p);
}
