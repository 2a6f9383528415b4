// Outside: what reads or writes the world outside the process, and which part of it.
// SPDX-License-Identifier: Apache-2.0
#include "outside.h"

#include <string.h>

#include "container.h"
#include "descriptor.h"
#include "outside_call.h"
#include "path.h"
#include "resource.h"

// Types by the beginning of their names.
static const char *const types[] = {
    "_io.",   "_socket.", "mmap.",  "select.",          "_ssl.", "sqlite3.", "_sqlite3.",
    "posix.", "_dbm.",    "_gdbm.", "_multiprocessing."};

static bool has_prefix(const char *name, const char *const *prefixes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

bool outside_has_file(PyTypeObject *type) {
    unsigned long flags = type->tp_flags;
    if (flags & (Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS))
        return false;
    return strncmp(container_c_type(type)->tp_name, "_io.", 4) == 0;
}

bool outside_has_type(PyTypeObject *type) {
    unsigned long flags = type->tp_flags;
    if (flags & (Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS))
        return false;
    const char *name = container_c_type(type)->tp_name;
    return strchr(name, '.') != NULL && strcmp(name, "_io.StringIO") != 0 &&
           strcmp(name, "_io.BytesIO") != 0 && strcmp(name, "_io._BytesIOBuffer") != 0 &&
           strcmp(name, "_io.IncrementalNewlineDecoder") != 0 &&
           has_prefix(name, types, sizeof types / sizeof *types);
}

// What the streams of the process were when observation began.
static const char *const consoles[] = {"stdout", "stderr", "__stdout__", "__stderr__"};
enum { CONSOLES = sizeof consoles / sizeof *consoles };
static PyObject *console[CONSOLES];

void outside_note_console(void) {
    for (size_t i = 0; i < CONSOLES; i++)
        Py_XSETREF(console[i], Py_XNewRef(PySys_GetObject(consoles[i])));
}

bool outside_is_console(PyObject *object) {
    for (size_t i = 0; i < CONSOLES; i++)
        if (console[i] == object)
            return true;
    return false;
}

int outside_open(void) {
    return outside_call_open() < 0 ? -1 : descriptor_open();
}

void outside_begin(void) {
    resource_begin();
    path_begin();
    descriptor_begin();
}

void outside_add_all(struct access_list *list) {
    access_add(list, resource_of_all(), FR_WRITE);
    list->is_all_outside = true;
}

void outside_add_object(struct access_list *list, PyObject *object) {
    const char *name = container_c_type(Py_TYPE(object))->tp_name;
    bool understood = !list->is_all_outside;
    if (understood && strncmp(name, "_io.", 4) == 0)
        understood = descriptor_add_file(list, object);
    else if (understood)
        understood = strcmp(name, "_socket.socket") == 0 && descriptor_add_socket(list, object);
    if (!understood)
        outside_add_all(list);
}
