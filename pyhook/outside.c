// Outside: what reads or writes the world outside the process.
// SPDX-License-Identifier: Apache-2.0
#include "outside.h"

#include <string.h>

#include "container.h"

// Types by the beginning of their names.
static const char *const types[] = {
    "_io.",   "_socket.", "mmap.",  "select.",          "_ssl.", "sqlite3.", "_sqlite3.",
    "posix.", "_dbm.",    "_gdbm.", "_multiprocessing."};
static const char *const functions[] = {
    "posix", "io",   "_io",     "_socket",  "_posixsubprocess", "fcntl",           "select",
    "mmap",  "_ssl", "termios", "_sqlite3", "_posixshmem",      "_multiprocessing"};
static const char *const modules[] = {
    "pathlib", "shutil",  "tempfile", "subprocess", "socket", "selectors",       "glob",
    "sqlite3", "urllib",  "http",     "ssl",        "shelve", "genericpath",     "fileinput",
    "smtplib", "ftplib",  "zipfile",  "tarfile",    "gzip",   "multiprocessing", "linecache",
    "dbm",     "mailbox", "filecmp",  "mmap"};
// Functions of the module os that are no use of the outside, or are seen in another way.
static const char *const harmless[] = {"getenv", "getenvb", "fspath", "fsencode", "fsdecode"};

static bool has_prefix(const char *name, const char *const *prefixes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

// Is the text, or its part before the first dot, in the list?
static bool has_name(PyObject *text, const char *const *names, size_t count) {
    const char *name = text != NULL && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;
    if (name == NULL) {
        PyErr_Clear();
        return false;
    }
    size_t length = strcspn(name, ".");
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && strncmp(name, names[i], length) == 0)
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
           has_prefix(name, types, sizeof types / sizeof *types);
}

bool outside_is_console(PyObject *object) {
    static const char *const names[] = {"stdout", "stderr", "__stdout__", "__stderr__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (PySys_GetObject(names[i]) == object)
            return true;
    return false;
}

bool outside_has_function(PyObject *callable) {
    return PyCFunction_Check(callable) && has_name(((PyCFunctionObject *)callable)->m_module,
                                                   functions, sizeof functions / sizeof *functions);
}

bool outside_has_python(PyObject *function) {
    static const char *const os[] = {"os"};
    PyObject *module = ((PyFunctionObject *)function)->func_module;
    if (has_name(module, modules, sizeof modules / sizeof *modules))
        return true;
    return has_name(module, os, 1) && !has_name(((PyFunctionObject *)function)->func_name, harmless,
                                                sizeof harmless / sizeof *harmless);
}
