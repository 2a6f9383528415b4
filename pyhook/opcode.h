// Opcodes: what each instruction of this interpreter does to shared memory and to the stack.
//
// Filled once by opcode_open from the interpreter's own `opcode` module, so that one source serves
// all versions.
#ifndef PYHOOK_OPCODE_H
#define PYHOOK_OPCODE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

// How an instruction touches shared memory; access.c has one rule for each.
enum site_kind {
    SITE_NONE,
    SITE_GET_ATTRIBUTE,
    SITE_GET_SUPER,
    SITE_SET_ATTRIBUTE,
    SITE_GET_GLOBAL,
    SITE_SET_GLOBAL,
    SITE_GET_NAME,
    SITE_SET_NAME,
    SITE_GET_CELL,
    SITE_SET_CELL,
    SITE_DROP,  // a local variable loses its value; the argument is its index
    SITE_GET_ITEM,
    SITE_SET_ITEM,
    SITE_DELETE_ITEM,
    SITE_GET_SLICE,
    SITE_SET_SLICE,
    SITE_CALL,
    SITE_CALL_FUNCTION,
    SITE_CALL_KEYWORDS,
    SITE_CALL_UNPACKED,
    SITE_ENTER,
    SITE_EXIT,
    SITE_ITERATE,
    SITE_NEXT,
    SITE_SEND,
    SITE_CONTAINS,
    SITE_COMPARE,
    SITE_BINARY,
    SITE_INPLACE,
    SITE_READ_TOP,
    SITE_READ_SECOND,
    SITE_TEST,
    SITE_FORMAT,
    SITE_MATCH_CLASS,
    SITE_INTRINSIC,  // becomes READ_TOP or NONE when its argument is known
    SITE_RETURN,     // the frame ends
    SITE_LEAVE       // touches nothing; the frame goes back to its caller
};

// Where the word of a place comes from.
enum opcode_word {
    OPCODE_WORD_WORD,
    OPCODE_WORD_NAME,
    OPCODE_WORD_NAME_ATTR,
    OPCODE_WORD_NAME_GLOBAL,
    OPCODE_WORD_NAME2,
    OPCODE_WORD_CELL,
    OPCODE_WORD_LOCAL,
    OPCODE_WORD_CALL,
    OPCODE_WORD_OPERATOR
};

enum opcode_jump { OPCODE_JUMP_NONE, OPCODE_JUMP_FORWARD, OPCODE_JUMP_BACKWARD, OPCODE_JUMP_TO };

// What an instruction does to the order of the stack without pushing.
enum opcode_shuffle { OPCODE_SHUFFLE_NONE, OPCODE_SHUFFLE_SWAP, OPCODE_SHUFFLE_ROTATE };

// Flags of switches.def.
enum {
    OPCODE_SWITCH_AFTER = 1,
    OPCODE_SWITCH_AFTER_CALL = 2,
    OPCODE_SWITCH_AFTER_C_CALL = 4,
    OPCODE_SWITCH_IF_TAKEN = 8,
    OPCODE_SWITCH_RESUME = 16,
    OPCODE_SWITCH_SUPPRESSES = 32,
    OPCODE_SWITCH_JUMPS = 64  // it may jump, without a check
};

struct opcode {
    enum site_kind kind;
    enum opcode_word word_from;
    const char *action;
    const char *word;
    enum opcode_jump jump;
    enum opcode_shuffle shuffle;
    uint8_t rotate;           // ROTATE: how many; 0: the argument says
    uint8_t caches;           // code units of inline cache behind the instruction
    bool is_store;            // DROP: of a value that it puts in the place of another
    uint8_t shift;            // DROP: the variable is above so many bits of the argument
    bool only_pops;           // writes no level of the stack
    bool is_terminal;         // control never goes on to the next instruction
    bool is_prefix;           // EXTENDED_ARG
    bool is_constant;         // LOAD_CONST
    bool is_call;             // CALL, for the correction of 3.11's stack effects
    bool is_precall;          // PRECALL
    bool is_generator_start;  // RETURN_GENERATOR
    bool is_special;          // LOAD_SPECIAL
    bool is_names;            // KW_NAMES
    uint8_t switches;
};

// -1 with an exception.
int opcode_open(void);
// Never NULL; opcode in 0 .. 255.
const struct opcode *opcode_get(int opcode);
// Word and kind of BINARY_OP's argument.
const char *opcode_operator(int argument, enum site_kind *kind);

#endif
