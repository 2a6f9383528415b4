// Statements and expressions of a .prog text, compiled into instructions.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_COMPILE_H
#define LIB_COMPILE_H

#include <setjmp.h>

#include "lexer.h"
#include "parse.h"

enum { SYMBOLS_MAX = 128, BREAKS_MAX = 16, DEPTH_MAX = 64 };

enum symbol_kind { SYMBOL_CONST, SYMBOL_SHARED, SYMBOL_LOCK, SYMBOL_THREAD, SYMBOL_LOCAL };

struct symbol {
    char name[WORD_MAX];
    enum symbol_kind kind;
    int64_t value;  // constant; first object; thread; register
    uint16_t size;  // of an array
};

struct parser {
    struct lexer lexer;
    struct program *program;
    char *error;
    jmp_buf failed;
    const struct parse_define *defines;
    uint32_t define_count;
    struct symbol symbols[SYMBOLS_MAX];
    uint32_t symbol_count;
    uint32_t registers;  // of the thread being compiled, locals and temporaries
    uint32_t breaks[BREAKS_MAX];
    uint32_t break_count;
    uint32_t depth;
    uint32_t line;  // where the statement being compiled begins
    bool in_loop;
};

// parse.c: never returns / goes on if the word is there / tells whether it was there.
_Noreturn void parse_fail(struct parser *parser, const char *expected);
void parse_expect(struct parser *parser, const char *word);
bool parse_accept(struct parser *parser, const char *word);
struct symbol *parse_find(struct parser *parser, const char *name);
struct symbol *parse_add(struct parser *parser, enum symbol_kind kind, const char *name);

void compile_block(struct parser *parser);
uint32_t compile_emit(struct parser *parser, struct instruction instruction);

#endif
