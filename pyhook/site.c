// Sites: one table per code object, built when the code is first instrumented or entered.
// SPDX-License-Identifier: Apache-2.0
#include "site.h"

#include <assert.h>
#include <stdlib.h>

#include "attribute.h"
#include "depth.h"
#include "filter.h"
#include "inline.h"
#include "library.h"
#include "point.h"

// A place that site_caller_place made.
struct site_caller {
    struct site_caller *next;
    const struct place *place;
    const char *action;
    int unit;
};

static Py_ssize_t extra_index = -1;

// Whose table was asked for last: a thread mostly asks for the same again.
static struct {
    const PyCodeObject *code;
    struct site_table *table;
} last;

static void free_table(void *memory) {
    struct site_table *table = memory;
    if (table == NULL)
        return;
    if (last.table == table)
        last.code = NULL;
    while (table->callers != NULL) {
        struct site_caller *next = table->callers->next;
        free(table->callers);
        table->callers = next;
    }
    Py_XDECREF(table->function);
    Py_XDECREF(table->locals);
    free(table->sites);
    free(table);
}

int site_open(void) {
    if (extra_index >= 0)
        return 0;
#if PY_VERSION_HEX >= 0x030c0000
    extra_index = PyUnstable_Eval_RequestCodeExtraIndex(free_table);
#else
    extra_index = _PyEval_RequestCodeExtraIndex(free_table);
#endif
    if (extra_index < 0) {
        PyErr_SetString(PyExc_ImportError,
                        "this interpreter has no room left to remember something "
                        "about code objects (co_extra)");
        return -1;
    }
    return 0;
}

struct site_table *site_table_peek(PyCodeObject *code) {
    if (code == last.code)
        return last.table;
    void *table = NULL;
#if PY_VERSION_HEX >= 0x030c0000
    PyUnstable_Code_GetExtra((PyObject *)code, extra_index, &table);
#else
    _PyCode_GetExtra((PyObject *)code, extra_index, &table);
#endif
    if (table != NULL) {
        last.code = code;
        last.table = table;
    }
    return table;
}

// A new table, owned by the code object.
static struct site_table *attach_table(PyCodeObject *code) {
    struct site_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
#if PY_VERSION_HEX >= 0x030c0000
    int failed = PyUnstable_Code_SetExtra((PyObject *)code, extra_index, table);
#else
    int failed = _PyCode_SetExtra((PyObject *)code, extra_index, table);
#endif
    if (failed < 0) {
        free_table(table);
        return NULL;
    }
    table->function = Py_NewRef(code->co_name);
    return table;
}

// A comprehension starts from inside the function it is written in, after that function's table
// was built: it takes the name from there, and what it shares with it alone.
static int adopt(PyCodeObject *code, const struct site_table *outer) {
    struct site_table *table = site_table_peek(code);
    if (table == NULL)
        table = attach_table(code);
    if (table == NULL)
        return -1;
    Py_SETREF(table->function, Py_NewRef(outer->function));
    PyObject *locals = inline_locals(code, outer->locals);
    if (locals == NULL)
        return -1;
    Py_XSETREF(table->locals, locals);
    return 0;
}

static int prepare_comprehensions(PyCodeObject *code, struct site_table *table) {
    if (table->locals == NULL)
        table->locals = inline_locals(code, NULL);
    if (table->locals == NULL)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyCodeObject *inner = (PyCodeObject *)PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check((PyObject *)inner) && inline_is_comprehension(inner) &&
            adopt(inner, table) < 0)
            return -1;
    }
    return 0;
}

// The name of the cell or free variable that an instruction's argument means.
static PyObject *cell_name(PyCodeObject *code, int argument) {
#if PY_VERSION_HEX >= 0x030b0000
    return PyTuple_GET_ITEM(code->co_localsplusnames, argument);
#else
    Py_ssize_t cells = PyTuple_GET_SIZE(code->co_cellvars);
    return argument < cells ? PyTuple_GET_ITEM(code->co_cellvars, argument)
                            : PyTuple_GET_ITEM(code->co_freevars, argument - cells);
#endif
}

static PyObject *local_name(PyCodeObject *code, int index) {
#if PY_VERSION_HEX >= 0x030b0000
    return PyTuple_GET_ITEM(code->co_localsplusnames, index);
#else
    return PyTuple_GET_ITEM(code->co_varnames, index);
#endif
}

// Index in co_names, without the flag bits that some versions keep below it.
static int name_index(enum opcode_word from, int argument) {
    switch (from) {
    case OPCODE_WORD_NAME_ATTR:
        return PY_VERSION_HEX >= 0x030c0000 ? argument >> 1 : argument;
    case OPCODE_WORD_NAME_GLOBAL:
        return PY_VERSION_HEX >= 0x030b0000 ? argument >> 1 : argument;
    case OPCODE_WORD_NAME2:
        return argument >> 2;
    default:
        return argument;
    }
}

// The name in a place, borrowed, or NULL if it is the word of opcodes.def.
static PyObject *static_name(PyCodeObject *code, const struct depth_unit *units, Py_ssize_t at) {
    const struct depth_unit *unit = &units[at];
    const struct opcode *opcode = opcode_get(unit->opcode);
    switch (opcode->word_from) {
    case OPCODE_WORD_NAME:
    case OPCODE_WORD_NAME_ATTR:
    case OPCODE_WORD_NAME_GLOBAL:
    case OPCODE_WORD_NAME2:
        return PyTuple_GET_ITEM(code->co_names, name_index(opcode->word_from, unit->argument));
    case OPCODE_WORD_CELL:
        return cell_name(code, unit->argument);
    case OPCODE_WORD_LOCAL:
        return local_name(code, unit->argument >> opcode->shift);
    case OPCODE_WORD_CALL:
        return unit->callable >= 0 ? static_name(code, units, unit->callable) : NULL;
    default:
        return NULL;
    }
}

// The word for a call of what the instruction at `by` pushed, which has no name in the text.
static const char *called_word(const struct depth_unit *units, int by) {
    if (by < 0)
        return "()";
    const struct opcode *opcode = opcode_get(units[by].opcode);
    if (opcode->is_special)  // since 3.14 a `with` pushes both methods by name
        return (units[by].argument & 1) == 0 ? "__enter__" : "__exit__";
    return opcode->kind == SITE_ENTER ? "__exit__" : "()";
}

// The argument of CALL_INTRINSIC_1 that is the unary plus (since 3.12).
enum { INTRINSIC_PLUS = 5 };

// Kind and action of one instruction; the word where static_name has none.
static void settle(struct site *site, const struct depth_unit *units, Py_ssize_t at,
                   const char **action, const char **word) {
    const struct depth_unit *unit = &units[at];
    const struct opcode *opcode = opcode_get(unit->opcode);
    site->kind = (uint8_t)opcode->kind;
    site->depth = unit->depth;
    site->argument = name_index(opcode->word_from, unit->argument);
    *action = opcode->action;
    *word = opcode->word;
    if (opcode->kind == SITE_DROP)
        site->argument = unit->argument >> opcode->shift;
    if (opcode->kind == SITE_INTRINSIC)
        site->kind = unit->argument == INTRINSIC_PLUS ? SITE_READ_TOP : SITE_NONE;
    if (opcode->word_from == OPCODE_WORD_OPERATOR) {
        enum site_kind kind;
        *word = opcode_operator(unit->argument, &kind);
        *action = kind == SITE_INPLACE ? "write" : "read";
        site->kind = (uint8_t)kind;
    } else if (opcode->word_from == OPCODE_WORD_CALL) {
        *word = called_word(units, unit->callable);
    }
}

// Does the instruction before leave None for this one? `x = None` is how a variable gives up what
// it has; that other assignments do so as well is not looked at, they are too many.
static bool stores_none(PyCodeObject *code, const struct depth_unit *units, Py_ssize_t at) {
    do
        at--;
    while (at >= 0 && (units[at].is_cache || opcode_get(units[at].opcode)->is_prefix));
    return at >= 0 && opcode_get(units[at].opcode)->is_constant &&
           PyTuple_GET_ITEM(code->co_consts, units[at].argument) == Py_None;
}

// What a frame's own variables lose is seen where they are given up, and when it ends. A
// comprehension is no frame since 3.12.
static void settle_ends(PyCodeObject *code, const struct depth_unit *units, Py_ssize_t at,
                        struct site *site) {
    if (site->kind == SITE_DROP && opcode_get(units[at].opcode)->is_store &&
        !stores_none(code, units, at))
        site->kind = SITE_NONE;
    if (site->kind == SITE_RETURN &&
        (site->library == LIBRARY_CALLS || inline_is_comprehension(code)))
        site->kind = SITE_LEAVE;
}

// Is it an instruction on a cell that is no shared memory? super() reads __class__ by an
// instruction of its own since 3.12; nothing writes that after its class was made. -1 with an
// exception.
static int is_local_cell(PyCodeObject *code, const struct depth_unit *unit, PyObject *locals) {
    enum site_kind kind = opcode_get(unit->opcode)->kind;
    if (kind != SITE_GET_CELL && kind != SITE_SET_CELL)
        return 0;
    PyObject *name = cell_name(code, unit->argument);
    if (kind == SITE_GET_CELL && PyUnicode_CompareWithASCIIString(name, "__class__") == 0)
        return 1;
    return PySet_Contains(locals, name);
}

// Where the GIL may be asked for, and what is needed to tell.
static void settle_switches(struct site *site, const struct depth_unit *unit) {
    const struct opcode *opcode = opcode_get(unit->opcode);
    site->switches = opcode->switches;
    // Going on with a `yield from` or an `await`.
    if ((opcode->switches & OPCODE_SWITCH_RESUME) != 0 && (unit->argument & 3) > 1)
        site->switches &= (uint8_t)~OPCODE_SWITCH_RESUME;
    site->width = (uint8_t)(1 + opcode->caches);
}

static bool is_global(uint8_t kind) {
    return kind == SITE_GET_GLOBAL || kind == SITE_SET_GLOBAL || kind == SITE_GET_NAME ||
           kind == SITE_SET_NAME;
}

// The constant with the names of a call's keywords, which an instruction before it says on 3.11 and
// 3.12; -1: none.
static int32_t find_keywords(const struct depth_unit *units, Py_ssize_t at) {
    Py_ssize_t before = at - 1;
    while (before >= 0 && (units[before].is_cache || opcode_get(units[before].opcode)->is_precall))
        before--;
    return before >= 0 && opcode_get(units[before].opcode)->is_names ? units[before].argument : -1;
}

static bool is_call(uint8_t kind) {
    return kind >= SITE_CALL && kind <= SITE_CALL_UNPACKED;
}

static int fill_site(PyCodeObject *code, const struct site_table *table,
                     const struct depth_unit *units, Py_ssize_t at, int line, struct site *site) {
    const char *action, *word;
    settle(site, units, at, &action, &word);
    settle_switches(site, &units[at]);
    site->library = table->library;
    site->in_loop = units[at].in_loop != 0;
    site->keywords = is_call(site->kind) ? find_keywords(units, at) : -1;
    settle_ends(code, units, at, site);
    if (table->library == LIBRARY_LISTED && is_global(site->kind))
        site->kind = SITE_NONE;
    if (table->library == LIBRARY_CALLS && !is_call(site->kind) && site->kind != SITE_LEAVE)
        site->kind = SITE_NONE;
    if (site->kind == SITE_NONE || site->kind == SITE_LEAVE)
        return 0;
    int is_local = is_local_cell(code, &units[at], table->locals);
    if (is_local != 0) {
        site->kind = SITE_NONE;
        return is_local < 0 ? -1 : 0;
    }
    PyObject *name = static_name(code, units, at);
    bool is_attribute = site->kind == SITE_GET_ATTRIBUTE || site->kind == SITE_SET_ATTRIBUTE;
    site->is_ordinary =
        is_attribute && site->library == LIBRARY_NONE && attribute_is_ordinary(name);
    name = name != NULL ? Py_NewRef(name) : PyUnicode_FromString(word);
    if (name == NULL)
        return -1;
    site->place = table->library != LIBRARY_NONE
                      ? place_intern_hidden(code, action, name)
                      : place_intern_in(code, table->function, line, action, name);
    Py_DECREF(name);
    return site->place != NULL ? 0 : -1;
}

// Lines by code unit, 0 for none.
static int read_lines(PyCodeObject *code, int *lines, Py_ssize_t count) {
    PyObject *ranges = PyObject_CallMethod((PyObject *)code, "co_lines", NULL);
    if (ranges == NULL)
        return -1;
    PyObject *range;
    while ((range = PyIter_Next(ranges)) != NULL) {
        int start, end;
        PyObject *line;
        bool good = PyArg_ParseTuple(range, "iiO", &start, &end, &line) != 0;
        long number = good && line != Py_None ? PyLong_AsLong(line) : 0;
        Py_DECREF(range);
        if (!good || PyErr_Occurred())
            break;
        for (int unit = start / 2; unit < end / 2 && unit < count; unit++)
            lines[unit] = (int)number;
    }
    Py_DECREF(ranges);
    return PyErr_Occurred() ? -1 : 0;
}

#if PY_VERSION_HEX < 0x030c0000
// Here the opcode event comes at the first prefix of an instruction and not at the instruction.
static void move_to_prefixes(struct site *sites, const struct depth_unit *units, Py_ssize_t count) {
    for (Py_ssize_t at = count - 2; at >= 0; at--)
        if (!units[at].is_cache && opcode_get(units[at].opcode)->is_prefix)
            sites[at] = sites[at + 1], sites[at].width++;
}
#endif

static int fill_sites(PyCodeObject *code, const struct site_table *table, const uint8_t *bytes,
                      struct site *sites, struct depth_unit *units, int *lines, Py_ssize_t count) {
    if (depth_compute(code, bytes, units, count) < 0 || read_lines(code, lines, count) < 0)
        return -1;
    for (Py_ssize_t at = 0; at < count; at++)
        if (!units[at].is_cache && fill_site(code, table, units, at, lines[at], &sites[at]) < 0)
            return -1;
#if PY_VERSION_HEX < 0x030c0000
    move_to_prefixes(sites, units, count);
#endif
    return 0;
}

static int build_sites(PyCodeObject *code, struct site_table *table) {
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *text = PyCode_GetCode(code);  // without specialised or instrumented instructions
#else
    PyObject *text = Py_NewRef(code->co_code);
#endif
    if (text == NULL)
        return -1;
    Py_ssize_t count = PyBytes_GET_SIZE(text) / 2;
    struct site *sites = calloc((size_t)count + 1, sizeof *sites);
    struct depth_unit *units = calloc((size_t)count + 1, sizeof *units);
    int *lines = calloc((size_t)count + 1, sizeof *lines);
    int failed = -1;
    if (sites == NULL || units == NULL || lines == NULL)
        PyErr_NoMemory();
    else
        failed = fill_sites(code, table, (const uint8_t *)PyBytes_AS_STRING(text), sites, units,
                            lines, count);
    free(units);
    free(lines);
    Py_DECREF(text);
    // Reading the source may have built this very table.
    if (failed < 0 || table->sites != NULL) {
        free(sites);
        return failed;
    }
    table->sites = sites;
    table->count = count;
    return 0;
}

bool site_is_known(PyCodeObject *code) {
    const struct site_table *table = site_table_peek(code);
    return table != NULL && table->traced && table->filter == filter_generation();
}

int site_is_traced(PyCodeObject *code) {
    int traced = filter_ask(code->co_filename);
    if (traced != 0)
        return traced;
    enum library_kind kind = library_kind_of(code);
    return kind != LIBRARY_NONE && kind != LIBRARY_CALLS;
}

static struct site_table *renew_table(PyCodeObject *code) {
    uint32_t generation = filter_generation();
    bool asking = filter_is_asking();
    int traced = filter_ask(code->co_filename);
    if (traced < 0)
        return NULL;
    struct site_table *table = site_table_peek(code);  // asking may have made it
    if (table == NULL)
        table = attach_table(code);
    if (table == NULL)
        return NULL;
    table->library = (uint8_t)(traced ? LIBRARY_NONE : library_kind_of(code));
    traced |= table->library != LIBRARY_NONE;
    if (traced && table->sites == NULL &&
        (prepare_comprehensions(code, table) < 0 || build_sites(code, table) < 0))
        return NULL;
    table->traced = traced;
    // An answer given while the filter itself runs holds for that moment only.
    table->filter = asking ? 0 : generation;
    return table;
}

// A table for code that runs to build another one, which is not traced while it does: its own table
// would need it again.
static struct site_table *untraced_table(struct site_table *table, PyCodeObject *code) {
    if (table == NULL)
        table = attach_table(code);
    if (table == NULL)
        return NULL;
    table->traced = false;
    table->filter = 0;
    return table;
}

struct site_table *site_table_of(PyCodeObject *code) {
    static bool building;
    struct site_table *table = site_table_peek(code);
    if (table != NULL && table->filter == filter_generation())
        return table;
    if (building)
        return untraced_table(table, code);
    building = true;
    point_close();  // the filter and linecache are no part of the program
    table = renew_table(code);
    point_reopen();
    building = false;
    return table;
}

const struct place *site_caller_place(PyCodeObject *code, int unit, const char *action,
                                      PyObject *name) {
    struct site_table *table = site_table_peek(code);
    if (table == NULL)
        table = attach_table(code);
    if (table == NULL)
        return NULL;
    for (const struct site_caller *caller = table->callers; caller != NULL; caller = caller->next)
        if (caller->unit == unit && caller->action == action &&
            PyUnicode_Compare(caller->place->name, name) == 0)
            return caller->place;
    const struct place *place =
        place_intern_in(code, table->function, PyCode_Addr2Line(code, unit * 2), action, name);
    struct site_caller *caller = place != NULL ? calloc(1, sizeof *caller) : NULL;
    if (caller == NULL) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return NULL;
    }
    *caller = (struct site_caller){
        .next = table->callers, .place = place, .action = action, .unit = unit};
    table->callers = caller;
    return place;
}
