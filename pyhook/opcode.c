// Opcodes: what each instruction of this interpreter does to shared memory and to the stack.
// SPDX-License-Identifier: Apache-2.0
#include "opcode.h"

#include <assert.h>
#include <string.h>

static struct opcode opcodes[256];

static const struct {
    const char *name;
    struct opcode opcode;
} known[] = {
#define OPCODE(name_, kind_, action_, from_, word_)                                                \
    {#name_,                                                                                       \
     {.kind = SITE_##kind_, .action = action_, .word_from = OPCODE_WORD_##from_, .word = word_}},
#include "opcodes.def"
#undef OPCODE
};

static const struct {
    const char *name;
    uint8_t flag;
    int first, last;  // minor versions
} switches[] = {
#define SWITCH(name_, flag_, first_, last_) {#name_, OPCODE_SWITCH_##flag_, first_, last_},
#include "switches.def"
#undef SWITCH
};

static const char *const terminals[] = {
    "RETURN_VALUE",    "RETURN_CONST",  "RAISE_VARARGS", "RERAISE",
    "JUMP_FORWARD",    "JUMP_BACKWARD", "JUMP_ABSOLUTE", "JUMP_BACKWARD_NO_INTERRUPT",
    "INTERPRETER_EXIT"};

// Beginnings of names of instructions that write no level of the stack, except
// STORE_FAST_LOAD_FAST.
static const char *const poppers[] = {
    "POP_",         "STORE_",      "DELETE_",   "JUMP_",     "RAISE_",      "RERAISE",
    "RETURN_V",     "LIST_APPEND", "SET_ADD",   "MAP_ADD",   "LIST_EXTEND", "SET_UPDATE",
    "DICT_",        "RESUME",      "NOP",       "END_FOR",   "PRECALL",     "KW_NAMES",
    "EXTENDED_ARG", "SETUP_F",     "GEN_START", "MAKE_CELL", "COPY_FREE",   "CACHE"};

// NB_* of opcode.h, the same since 3.11 (whose header is not there for 3.10); since 3.14 with [].
static const char *const operators[] = {"+",  "&",  "//", "<<",  "@",   "*",  "%",   "|",   "**",
                                        ">>", "-",  "/",  "^",   "+=",  "&=", "//=", "<<=", "@=",
                                        "*=", "%=", "|=", "**=", ">>=", "-=", "/=",  "^=",  "[]"};
enum { OPERATORS = sizeof operators / sizeof *operators, FIRST_INPLACE = 13, SUBSCRIPT = 26 };

const struct opcode *opcode_get(int opcode) {
    assert(opcode >= 0 && opcode < 256);
    return &opcodes[opcode];
}

const char *opcode_operator(int argument, enum site_kind *kind) {
    *kind = SITE_INPLACE;
    if (argument < 0 || argument >= OPERATORS)
        return "operator";  // unknown to us: the worst
    if (argument == SUBSCRIPT)
        *kind = SITE_GET_ITEM;
    else if (argument < FIRST_INPLACE)
        *kind = SITE_BINARY;
    return operators[argument];
}

static void describe(struct opcode *opcode, const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            *opcode = known[i].opcode;
#if PY_VERSION_HEX >= 0x030d0000
    // TO_BOOL went before: these see exact bools only.
    if (opcode->kind == SITE_TEST)
        opcode->kind = SITE_NONE;
#endif
    for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
        opcode->is_terminal |= strcmp(name, terminals[i]) == 0;
    for (size_t i = 0; i < sizeof poppers / sizeof *poppers; i++)
        opcode->only_pops |= strncmp(name, poppers[i], strlen(poppers[i])) == 0;
    opcode->only_pops &= strcmp(name, "STORE_FAST_LOAD_FAST") != 0;
    opcode->is_store = strncmp(name, "STORE_FAST", 10) == 0;
    opcode->shift = strncmp(name, "STORE_FAST_", 11) == 0 ? 4 : 0;
    opcode->is_prefix = strcmp(name, "EXTENDED_ARG") == 0;
    opcode->is_constant = strcmp(name, "LOAD_CONST") == 0;
    opcode->is_call = strcmp(name, "CALL") == 0;
    opcode->is_precall = strcmp(name, "PRECALL") == 0;
    opcode->is_names = strcmp(name, "KW_NAMES") == 0;
    opcode->is_special = strcmp(name, "LOAD_SPECIAL") == 0;
    opcode->is_generator_start = strcmp(name, "RETURN_GENERATOR") == 0;
    if (strcmp(name, "SWAP") == 0)
        opcode->shuffle = OPCODE_SHUFFLE_SWAP;
    if (strncmp(name, "ROT_", 4) == 0) {
        opcode->shuffle = OPCODE_SHUFFLE_ROTATE;
        opcode->rotate = strcmp(name, "ROT_TWO") == 0     ? 2
                         : strcmp(name, "ROT_THREE") == 0 ? 3
                         : strcmp(name, "ROT_FOUR") == 0  ? 4
                                                          : 0;
    }
}

static void describe_switches(struct opcode *opcode, const char *name) {
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (strcmp(name, switches[i].name) == 0 && PY_MINOR_VERSION >= switches[i].first &&
            PY_MINOR_VERSION <= switches[i].last)
            opcode->switches |= switches[i].flag;
    if (opcode->jump != OPCODE_JUMP_NONE)
        opcode->switches |= OPCODE_SWITCH_JUMPS;
}

static int contains(PyObject *module, const char *list, PyObject *item) {
    PyObject *sequence = PyObject_GetAttrString(module, list);
    if (sequence == NULL)
        return -1;
    int found = PySequence_Contains(sequence, item);
    Py_DECREF(sequence);
    return found;
}

static int read_jump(PyObject *module, struct opcode *opcode, const char *name, PyObject *number) {
    int relative = contains(module, "hasjrel", number);
    int absolute = relative == 0 ? contains(module, "hasjabs", number) : 0;
    if (relative < 0 || absolute < 0)
        return -1;
    if (relative)
        opcode->jump =
            strstr(name, "BACKWARD") != NULL ? OPCODE_JUMP_BACKWARD : OPCODE_JUMP_FORWARD;
    else if (absolute)
        opcode->jump = OPCODE_JUMP_TO;
    return 0;
}

// 3.11, 3.12: a list by number; 3.13: a dict by name; 3.10 has none.
static int read_caches(PyObject *module, struct opcode *opcode, PyObject *name, PyObject *number) {
    PyObject *entries = PyObject_GetAttrString(module, "_inline_cache_entries");
    if (entries == NULL) {
        PyErr_Clear();
        return PY_VERSION_HEX < 0x030b0000 ? 0 : -2;
    }
    PyObject *entry = NULL;
    if (PyDict_Check(entries))
        entry = Py_XNewRef(PyDict_GetItemWithError(entries, name));
    else
        entry = PyObject_GetItem(entries, number);
    Py_DECREF(entries);
    if (entry == NULL)
        return PyErr_Occurred() ? -1 : 0;
    long count = PyLong_AsLong(entry);
    Py_DECREF(entry);
    if (count < 0 || count > 255)
        return PyErr_Occurred() ? -1 : -2;
    opcode->caches = (uint8_t)count;
    return 0;
}

static int read_opcodes(PyObject *module, PyObject *map) {
    PyObject *name, *number;
    for (Py_ssize_t at = 0; PyDict_Next(map, &at, &name, &number);) {
        long value = PyLong_AsLong(number);
        const char *word = PyUnicode_AsUTF8(name);
        if (word == NULL || (value == -1 && PyErr_Occurred()))
            return -1;
        // Pseudo-instructions do not occur in code; instrumented ones are never shown to us.
        if (value < 0 || value > 255 || strncmp(word, "INSTRUMENTED_", 13) == 0)
            continue;
        describe(&opcodes[value], word);
        int failed = read_jump(module, &opcodes[value], word, number);
        if (failed == 0)
            failed = read_caches(module, &opcodes[value], name, number);
        describe_switches(&opcodes[value], word);
        if (failed == -2)
            PyErr_SetString(PyExc_ImportError, "frontrun does not know the opcode module of this "
                                               "interpreter; CPython 3.10 to 3.14 work");
        if (failed < 0)
            return -1;
    }
    return 0;
}

int opcode_open(void) {
    PyObject *module = PyImport_ImportModule("opcode");
    if (module == NULL)
        return -1;
    PyObject *map = PyObject_GetAttrString(module, "opmap");
    int failed = map != NULL && PyDict_Check(map) ? read_opcodes(module, map) : -1;
    Py_XDECREF(map);
    Py_DECREF(module);
    return failed;
}
