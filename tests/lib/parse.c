// Reads an abstract program from text (docs in tests/model/README.md).
// SPDX-License-Identifier: Apache-2.0
#include "parse.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"

// Errors leave the recursive descent in one jump: nothing is owned on the way.
void parse_fail(struct parser *p, const char *expected) {
    if (p->lexer.bad)
        expected = "a name, number or sign of the language";
    snprintf(p->error, PARSE_ERROR_MAX, "line %u: found \"%s\", expected %s", p->lexer.line,
             p->lexer.word[0] != '\0' ? p->lexer.word : "the end", expected);
    longjmp(p->failed, 1);
}

static _Noreturn void fail_define(struct parser *p, const char *name) {
    snprintf(p->error, PARSE_ERROR_MAX, "there is no constant \"%.64s\" to define", name);
    longjmp(p->failed, 1);
}

void parse_expect(struct parser *p, const char *word) {
    if (!lexer_is(&p->lexer, word))
        parse_fail(p, word);
    lexer_next(&p->lexer);
    if (p->lexer.bad)
        parse_fail(p, "");
}

bool parse_accept(struct parser *p, const char *word) {
    if (!lexer_is(&p->lexer, word))
        return false;
    parse_expect(p, word);
    return true;
}

struct symbol *parse_find(struct parser *p, const char *name) {
    for (uint32_t i = p->symbol_count; i-- > 0;)
        if (strcmp(p->symbols[i].name, name) == 0)
            return &p->symbols[i];
    return NULL;
}

struct symbol *parse_add(struct parser *p, enum symbol_kind kind, const char *name) {
    if (p->symbol_count == SYMBOLS_MAX)
        parse_fail(p, "fewer names");
    struct symbol *symbol = &p->symbols[p->symbol_count++];
    *symbol = (struct symbol){.kind = kind, .size = 1};
    snprintf(symbol->name, sizeof symbol->name, "%s", name);
    return symbol;
}

static void take_new_name(struct parser *p, char name[WORD_MAX]) {
    if (!p->lexer.is_name || parse_find(p, p->lexer.word) != NULL)
        parse_fail(p, "a new name");
    snprintf(name, WORD_MAX, "%s", p->lexer.word);
    lexer_next(&p->lexer);
}

// A constant: numbers and constants joined by + - *, from left to right.
static int64_t constant_term(struct parser *p) {
    int64_t sign = parse_accept(p, "-") ? -1 : 1;
    int64_t value = p->lexer.number;
    if (!p->lexer.is_number) {
        struct symbol *symbol = parse_find(p, p->lexer.word);
        if (symbol == NULL || symbol->kind != SYMBOL_CONST)
            parse_fail(p, "a number or a constant");
        value = symbol->value;
    }
    lexer_next(&p->lexer);
    return sign * value;
}

static int64_t parse_constant(struct parser *p) {
    int64_t value = constant_term(p);
    for (;;) {
        if (parse_accept(p, "+"))
            value += constant_term(p);
        else if (parse_accept(p, "-"))
            value -= constant_term(p);
        else if (parse_accept(p, "*"))
            value *= constant_term(p);
        else
            return value;
        if (value > INT32_MAX || value < INT32_MIN)
            parse_fail(p, "a smaller constant");
    }
}

static void parse_const(struct parser *p) {
    char name[WORD_MAX];
    take_new_name(p, name);
    parse_expect(p, "=");
    int64_t value = parse_constant(p);
    for (uint32_t i = 0; i < p->define_count; i++)
        if (strcmp(p->defines[i].name, name) == 0)
            value = p->defines[i].value;
    parse_add(p, SYMBOL_CONST, name)->value = value;
    parse_expect(p, ";");
}

// There are at most as many labels as names.
static void add_label(struct program_label *labels, uint32_t *count, const char *name,
                      uint32_t first, uint32_t size) {
    struct program_label *label = &labels[(*count)++];
    *label = (struct program_label){.first = (uint16_t)first, .count = (uint16_t)size};
    snprintf(label->name, sizeof label->name, "%s", name);
}

static void parse_objects(struct parser *p, enum symbol_kind kind) {
    do {
        char name[WORD_MAX];
        take_new_name(p, name);
        int64_t size = 1;
        int64_t init = 0;
        bool is_array = parse_accept(p, "[");
        if (is_array) {
            size = parse_constant(p);
            parse_expect(p, "]");
        }
        if (kind == SYMBOL_SHARED && parse_accept(p, "="))
            init = parse_constant(p);
        if (size < 1 || size > PROGRAM_OBJECTS - p->program->object_count)
            parse_fail(p, "an array of at least 1 element, and at most 512 objects in all");
        struct symbol *symbol = parse_add(p, kind, name);
        symbol->value = p->program->object_count;
        symbol->size = (uint16_t)size;
        struct program *program = p->program;
        add_label(program->objects, &program->object_labels, name, program->object_count,
                  (uint32_t)size);
        program->objects[program->object_labels - 1].numbered = is_array;
        for (int64_t i = 0; i < size; i++)
            p->program->init[p->program->object_count++] = init;
    } while (parse_accept(p, ","));
    parse_expect(p, ";");
}

static void add_instances(struct parser *p, uint32_t entry, int64_t from, int64_t to, bool late) {
    for (int64_t value = from; value <= to; value++) {
        if (p->program->thread_count == PROGRAM_THREADS)
            parse_fail(p, "at most 64 threads");
        uint32_t t = p->program->thread_count++;
        p->program->entry[t] = entry;
        p->program->first[t][0] = value;
        p->program->late[t] = late;
    }
}

static void parse_thread(struct parser *p, bool late) {
    char name[WORD_MAX];
    take_new_name(p, name);
    int64_t from = 0;
    int64_t to = 0;
    uint32_t outer = p->symbol_count + 1;
    struct symbol *thread = parse_add(p, SYMBOL_THREAD, name);
    thread->value = p->program->thread_count;
    p->registers = 1;
    bool has_parameter = parse_accept(p, "(");
    if (has_parameter) {
        char parameter[WORD_MAX];
        take_new_name(p, parameter);
        parse_expect(p, "=");
        from = parse_constant(p);
        parse_expect(p, "..");
        to = parse_constant(p);
        parse_expect(p, ")");
        parse_add(p, SYMBOL_LOCAL, parameter)->value = 0;
    }
    if (to - from >= PROGRAM_THREADS)
        parse_fail(p, "at most 64 threads");
    struct program *program = p->program;
    uint32_t first = program->thread_count;
    add_instances(p, program->code_count, from, to, late);
    thread->size = (uint16_t)(program->thread_count - first);
    add_label(program->threads, &program->thread_labels, name, first,
              program->thread_count - first);
    program->threads[program->thread_labels - 1].numbered = has_parameter;
    compile_block(p);
    compile_emit(p, (struct instruction){.opcode = OPC_END});
    p->symbol_count = outer;  // locals end here
}

static void parse_items(struct parser *p) {
    while (!lexer_is(&p->lexer, "")) {
        bool late = parse_accept(p, "late");
        if (parse_accept(p, "thread"))
            parse_thread(p, late);
        else if (!late && parse_accept(p, "const"))
            parse_const(p);
        else if (!late && parse_accept(p, "shared"))
            parse_objects(p, SYMBOL_SHARED);
        else if (!late && parse_accept(p, "lock"))
            parse_objects(p, SYMBOL_LOCK);
        else
            parse_fail(p, "const, shared, lock or thread");
    }
    bool any = false;
    for (uint32_t t = 0; t < p->program->thread_count; t++)
        any |= !p->program->late[t];
    if (!any)
        parse_fail(p, "at least one thread that is not late");
    for (uint32_t i = 0; i < p->define_count; i++) {
        const struct symbol *symbol = parse_find(p, p->defines[i].name);
        if (symbol == NULL || symbol->kind != SYMBOL_CONST)
            fail_define(p, p->defines[i].name);
    }
}

bool parse_program(const char *text, const struct parse_define *defines, uint32_t define_count,
                   struct program *program, char error[PARSE_ERROR_MAX]) {
    static struct parser parser;  // large; only one text is read at a time
    struct parser *p = &parser;
    *p = (struct parser){
        .program = program, .error = error, .defines = defines, .define_count = define_count};
    memset(program, 0, sizeof *program);
    error[0] = '\0';
    if (setjmp(p->failed) != 0)
        return false;
    lexer_begin(&p->lexer, text);
    parse_items(p);
    return true;
}
